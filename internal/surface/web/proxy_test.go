package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/surface/web"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

// seen tells what a handler sees of a request.
func seen(kit web.Kit, edits ...func(*http.Request)) (actor ident.Actor) {
	table := []web.Route{{Method: "GET", Path: "/", Endpoint: web.Query(web.Operation{},
		func(r *web.Request) (web.NoContent, error) {
			actor = r.Actor()
			return web.NoContent{}, nil
		})}}
	newHarness(kit, table).call("GET", "/", "", edits...)
	return actor
}

func from(remote string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = remote }
}

func TestAddress_ThroughTrustedProxies(t *testing.T) {
	const peer = "10.0.0.1:4000"
	xff := func(lines ...string) func(*http.Request) { return header("X-Forwarded-For", lines...) }
	fwd := func(lines ...string) func(*http.Request) { return header("Forwarded", lines...) }
	tests := []struct {
		name  string
		edits []func(*http.Request)
		want  string
	}{
		{"no header", nil, "10.0.0.1"},
		{"one hop", []func(*http.Request){xff("203.0.113.9")}, "203.0.113.9"},
		{"the rightmost that is not trusted", []func(*http.Request){xff("1.1.1.1, 203.0.113.9, 10.2.3.4")}, "203.0.113.9"},
		{"several lines are one list", []func(*http.Request){xff("1.1.1.1, 203.0.113.9", "10.2.3.4,10.2.3.5")},
			"203.0.113.9"},
		{"all trusted: the furthest", []func(*http.Request){xff("10.9.9.9, 10.2.3.4")}, "10.9.9.9"},
		{"with a port", []func(*http.Request){xff("203.0.113.9:5000")}, "203.0.113.9"},
		{"IPv6", []func(*http.Request){xff("2001:db8::1")}, "2001:db8::1"},
		{"IPv6 in brackets", []func(*http.Request){xff("[2001:db8::1]")}, "2001:db8::1"},
		{"IPv6 with a port", []func(*http.Request){xff("[2001:db8::1]:443")}, "2001:db8::1"},
		{"IPv4 in IPv6 is IPv4", []func(*http.Request){xff("::ffff:203.0.113.9")}, "203.0.113.9"},
		{"a trusted hop as IPv4 in IPv6", []func(*http.Request){xff("203.0.113.9, ::ffff:10.0.0.2")}, "203.0.113.9"},
		{"a zone is dropped", []func(*http.Request){xff("fe80::1%eth0")}, "fe80::1"},
		{"garbage", []func(*http.Request){xff("<script>")}, "10.0.0.1"},
		{"garbage behind a trusted hop", []func(*http.Request){xff("203.0.113.9, junk, 10.2.3.4")}, "10.2.3.4"},
		{"empty", []func(*http.Request){xff("")}, "10.0.0.1"},
		{"an empty element", []func(*http.Request){xff("203.0.113.9,")}, "10.0.0.1"},
		{"IPv4 in brackets", []func(*http.Request){xff("[203.0.113.9]")}, "10.0.0.1"},

		{"Forwarded", []func(*http.Request){fwd("for=203.0.113.9")}, "203.0.113.9"},
		{"Forwarded with all parameters",
			[]func(*http.Request){fwd(`For="203.0.113.9:80" ; Proto=https;by=10.0.0.1;host="a,b;c"`)}, "203.0.113.9"},
		{"Forwarded IPv6", []func(*http.Request){fwd(`for="[2001:db8::1]:4711"`)}, "2001:db8::1"},
		{"Forwarded list", []func(*http.Request){fwd("for=1.1.1.1, for=203.0.113.9;proto=http", "for=10.0.0.9")},
			"203.0.113.9"},
		{"Forwarded unknown", []func(*http.Request){fwd("for=203.0.113.9, for=unknown, for=10.0.0.9")}, "10.0.0.9"},
		{"Forwarded obfuscated", []func(*http.Request){fwd("for=_hidden")}, "10.0.0.1"},
		{"Forwarded without for", []func(*http.Request){fwd("for=203.0.113.9, proto=https")}, "10.0.0.1"},
		{"Forwarded with an open quote", []func(*http.Request){fwd(`for=6.6.6.6;x=", for=203.0.113.9`)}, "10.0.0.1"},
		{"Forwarded with a quote that swallows the proxy's",
			[]func(*http.Request){fwd(`for=6.6.6.6;x=", for="[2001:db8::1]"`)}, "10.0.0.1"},
		{"Forwarded with an escape", []func(*http.Request){fwd(`for="203.0.113.\9"`)}, "203.0.113.9"},
		{"Forwarded with for twice", []func(*http.Request){fwd("for=6.6.6.6;for=203.0.113.9")}, "10.0.0.1"},
		{"Forwarded with a comma too many", []func(*http.Request){fwd("for=203.0.113.9,")}, "10.0.0.1"},
		{"Forwarded with spaces around =", []func(*http.Request){fwd("for = 203.0.113.9")}, "10.0.0.1"},
		{"Forwarded with an unquoted colon", []func(*http.Request){fwd("for=[2001:db8::1]")}, "10.0.0.1"},
		{"a broken line left of a good one", []func(*http.Request){fwd(`for="`, "for=10.0.0.9")}, "10.0.0.9"},

		{"both, alike", []func(*http.Request){fwd("for=203.0.113.9"), xff("203.0.113.9")}, "203.0.113.9"},
		{"both, in disagreement", []func(*http.Request){fwd("for=6.6.6.6"), xff("203.0.113.9")}, "10.0.0.1"},
		{"both, one of them broken", []func(*http.Request){fwd("for=;"), xff("203.0.113.9")}, "10.0.0.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := seen(web.Kit{TrustedProxies: proxies}, append(test.edits, from(peer))...).Address
			if got.String() != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAddress_HeadersOfAnybodyElseAreNotRead(t *testing.T) {
	for remote, want := range map[string]string{
		"198.51.100.7:1": "198.51.100.7", "[2001:db8::7%eth0]:1": "2001:db8::7", "[::ffff:198.51.100.7]:1": "198.51.100.7",
	} {
		actor := seen(web.Kit{TrustedProxies: proxies}, from(remote), header("X-Forwarded-For", "203.0.113.9"),
			header("Forwarded", "for=203.0.113.9"), header("X-Request-Id", "mine"))
		if actor.Address.String() != want || actor.Request == "mine" {
			t.Errorf("%s: %+v, want %s", remote, actor, want)
		}
	}
	if actor := seen(web.Kit{TrustedProxies: proxies}, from("@")); actor.Address.IsValid() {
		t.Errorf("a socket without an address gave %s", actor.Address)
	}
}

func TestAddress_TheLastHeadersArePartOfTheActor(t *testing.T) {
	actor := seen(web.Kit{}, header("User-Agent", "curl/8"))
	if actor.Kind != ident.ActorAnonymous || actor.Device != "curl/8" || actor.Address.String() != "192.0.2.1" ||
		!strings.HasPrefix(string(actor.Request), "req_") {
		t.Errorf("%+v", actor)
	}
}

func TestDevice_IsBoundedAndClean(t *testing.T) {
	for agent, want := range map[string]string{
		"":                             "",
		"Mozilla/5.0 (X11)":            "Mozilla/5.0 (X11)",
		"a\x00b\x1b[31m\u202ec":        "ab[31mc",
		"a\xffb\xc3":                   "ab",
		strings.Repeat("a", 300):       strings.Repeat("a", 256),
		strings.Repeat("é", 300):       strings.Repeat("é", 128),
		"a" + strings.Repeat("é", 300): "a" + strings.Repeat("é", 127),
		strings.Repeat("\x01", 9000):   "",
	} {
		if got := seen(web.Kit{}, header("User-Agent", agent)).Device; got != want {
			t.Errorf("%.40q: got %.40q (%d bytes), want %.40q", agent, got, len(got), want)
		}
	}
}

func TestRequestID_IsTakenFromATrustedProxyAlone(t *testing.T) {
	long := strings.Repeat("a", 64)
	tests := []struct {
		values []string
		taken  bool
	}{
		{[]string{"Az0._-"}, true}, {[]string{long}, true}, {[]string{long + "a"}, false}, {[]string{""}, false},
		{[]string{"a b"}, false}, {[]string{"a\nb"}, false}, {[]string{"é"}, false}, {[]string{"a", "b"}, false},
		{nil, false},
	}
	h := newHarness(web.Kit{TrustedProxies: proxies}, routes())
	for _, test := range tests {
		w := h.call("GET", "/hello", "", from("10.0.0.1:1"), header("X-Request-Id", test.values...))
		got := w.Header().Get("X-Request-Id")
		if taken := len(test.values) == 1 && got == test.values[0]; taken != test.taken || got == "" {
			t.Errorf("%q: answered with %q, taken %v, want %v", test.values, got, taken, test.taken)
		}
	}
}

// FuzzAddress sends any headers through a trusted proxy that appends the true client: nobody can be somebody else.
func FuzzAddress(f *testing.F) {
	for _, seed := range [][2]string{{"", ""}, {"1.1.1.1", ""}, {"", "for=1.1.1.1"}, {"", `for="`},
		{"", `for=1.1.1.1;x="`},
		{"unknown", "for=_x"}, {"10.0.0.3", "for=10.0.0.3"}, {"[::1]:1,,", `for="[::1]:1";by="\"`}, {"", `x="\`}} {
		f.Add(seed[0], seed[1])
	}
	client, peer := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, common, standard string) {
		for name, edit := range map[string]func(*http.Request){
			"X-Forwarded-For": header("X-Forwarded-For", common+", 203.0.113.9"),
			"Forwarded":       header("Forwarded", standard+`, for="203.0.113.9:80"`),
			"Forwarded plain": header("Forwarded", standard+`, for=203.0.113.9;proto=https`),
			"a line of its own": func(r *http.Request) {
				r.Header["Forwarded"] = []string{standard, "for=203.0.113.9"}
			},
		} {
			got := seen(web.Kit{TrustedProxies: proxies}, from("10.0.0.1:1"), edit).Address
			if got != client && got != peer {
				t.Errorf("%s, %q, %q: somebody is %s", name, common, standard, got)
			}
		}
		both := seen(web.Kit{TrustedProxies: proxies}, from("10.0.0.1:1"), header("Forwarded", standard),
			header("X-Forwarded-For", common+",203.0.113.9")).Address
		if standard != "" && both != client && both != peer {
			t.Errorf("both, %q, %q: somebody is %s", common, standard, both)
		}
	})
}

func TestKit_ZeroValueServes(t *testing.T) {
	w := httptest.NewRecorder()
	web.NewHandler(web.Kit{}, routes()).ServeHTTP(w, httptest.NewRequest("GET", "/hello", nil))
	if w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}
