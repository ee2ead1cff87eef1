package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/surface/web"
)

func TestHandler_AnswersCarryTheSafetyHeaders(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	for _, w := range []*httptest.ResponseRecorder{
		h.call("GET", "/hello", ""), h.call("GET", "/nowhere", ""), h.call("OPTIONS", "/hello", ""),
		h.call("POST", "/sign-up", "{"), h.call("DELETE", "/things/1", ""), h.call("GET", "/raw", ""),
	} {
		want := map[string]string{
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Cache-Control":           "no-store",
		}
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("status %d: %s = %q, want %q", w.Code, name, got, value)
			}
		}
		if !strings.HasPrefix(w.Header().Get("X-Request-Id"), "req_") {
			t.Errorf("status %d: X-Request-Id = %q", w.Code, w.Header().Get("X-Request-Id"))
		}
	}
}

func TestHandler_SuccessIsJSON(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	w := h.call("GET", "/hello", "")
	if w.Code != 200 || w.Body.String() != `{"message":"hello"}`+"\n" ||
		w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Content-Length") != "20" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestHandler_TimesHaveMicrosecondsAndListsAreNeverNull(t *testing.T) {
	w := newHarness(web.Kit{}, routes()).call("GET", "/outcome", "")
	if want := `{"at":"2026-01-02T02:04:05.000000Z","roles":[]}` + "\n"; w.Body.String() != want {
		t.Errorf("got %s want %s", w.Body, want)
	}
}

func TestHandler_NoContentHasNoBodyAndNoType(t *testing.T) {
	w := newHarness(web.Kit{}, routes()).call("DELETE", "/things/7", "")
	if w.Code != 204 || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestHandler_CacheControlCanBeReplacedForSuccessAlone(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	if got := h.call("GET", "/cached", "").Header().Get("Cache-Control"); got != "public, max-age=60" {
		t.Errorf("success: %q", got)
	}
	problemOf(t, h.call("POST", "/cached", ""))
	table := failing(web.Operation{CacheControl: "public, max-age=60"}, errBoom)
	problemOf(t, newHarness(web.Kit{}, table).call("GET", "/", ""))
}

func TestHandler_PathsThatAreNotInTheTableAre404(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	for _, target := range []string{
		"/nowhere", "//hello", "/hello/", "/./hello", "/x/../hello", "/hello//", "/things", "/things/", "/things/a/b",
		"/Hello", "/hell%6f", "/%2e%2e/hello", "/things/..", "/things/%2e%2e", "//", "/hello;a=b", "/things//1",
	} {
		w := h.call("GET", target, "")
		if p := problemOf(t, w); w.Code != 404 || p.Code != web.CodeNotFound {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
		if w := h.call("PATCH", target, ""); w.Code != 404 {
			t.Errorf("PATCH %s: %d, want 404 before 405", target, w.Code)
		}
	}
}

func TestHandler_PathValuesAreDecoded(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	for target, want := range map[string]string{"/things/7": "7", "/things/a%20b": "a b", "/things/a%2Fb": "a/b"} {
		if w := h.call("GET", target, ""); !strings.Contains(w.Body.String(), `"`+want+`"`) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestHandler_MethodsThatAPathDoesNotTakeAre405(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	tests := []struct{ method, target, allow string }{
		{"POST", "/hello", "GET, HEAD, OPTIONS"},
		{"GET", "/sign-up", "OPTIONS, POST"},
		{"HEAD", "/sign-up", "OPTIONS, POST"},
		{"PUT", "/things/1", "DELETE, GET, HEAD, OPTIONS"},
		{"TRACE", "/hello", "GET, HEAD, OPTIONS"},
		{"get", "/hello", "GET, HEAD, OPTIONS"},
		{"BREW", "/hello", "GET, HEAD, OPTIONS"},
		{"CONNECT", "/hello", "DELETE, GET, HEAD, OPTIONS, POST"},
	}
	for _, test := range tests {
		w := h.call(test.method, test.target, "")
		if got := w.Header().Get("Allow"); w.Code != 405 || got != test.allow {
			t.Errorf("%s %s: %d Allow %q, want 405 %q", test.method, test.target, w.Code, got, test.allow)
		}
		if test.method != http.MethodHead {
			problemOf(t, w)
		}
	}
}

func TestHandler_OptionsNamesTheMethods(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	w := h.call("OPTIONS", "/things/1", "")
	if w.Code != 204 || w.Header().Get("Allow") != "DELETE, GET, HEAD, OPTIONS" {
		t.Errorf("%d %q", w.Code, w.Header().Get("Allow"))
	}
	if w := h.call("OPTIONS", "/nowhere", ""); w.Code != 404 {
		t.Errorf("unknown path: %d", w.Code)
	}
	w = h.call("OPTIONS", "/", "", func(r *http.Request) { r.RequestURI, r.URL.Path = "*", "*" })
	if w.Code != 204 || w.Header().Get("Allow") != "DELETE, GET, HEAD, OPTIONS, POST" {
		t.Errorf("*: %d %q", w.Code, w.Header().Get("Allow"))
	}
	if w := h.call("GET", "/", "", func(r *http.Request) { r.RequestURI, r.URL.Path = "*", "*" }); w.Code != 404 {
		t.Errorf("GET *: %d", w.Code)
	}
}

func TestHandler_HeadIsGetWithoutBody(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	for _, target := range []string{"/hello", "/raw", "/nowhere"} {
		get, head := h.call("GET", target, ""), h.call("HEAD", target, "")
		if head.Code != get.Code || head.Body.Len() != 0 || head.Header().Get("Content-Type") == "" ||
			head.Header().Get("Content-Length") != get.Header().Get("Content-Length") {
			t.Errorf("%s: %d %v %q", target, head.Code, head.Header(), head.Body)
		}
	}
}

func TestNewHandler_RefusesAWrongTable(t *testing.T) {
	e := hello(web.Operation{})
	tests := map[string][]web.Route{
		"no endpoint":      {{Method: "GET", Path: "/x"}},
		"unknown method":   {{Method: "FETCH", Path: "/x", Endpoint: e}},
		"HEAD is made":     {{Method: "HEAD", Path: "/x", Endpoint: e}},
		"relative path":    {{Method: "GET", Path: "x", Endpoint: e}},
		"slash at the end": {{Method: "GET", Path: "/x/", Endpoint: e}},
		"dot segments":     {{Method: "GET", Path: "/x/../y", Endpoint: e}},
		"rest of the path": {{Method: "GET", Path: "/x/{rest...}", Endpoint: e}},
		"twice":            {{Method: "GET", Path: "/x", Endpoint: e}, {Method: "GET", Path: "/x", Endpoint: e}},
		"GET with a body": {{Method: "GET", Path: "/x", Endpoint: web.JSON(web.Operation{},
			func(*web.Request, signUp) (greeting, error) { return greeting{}, nil })}},
		"unknown code": {{Method: "GET", Path: "/x", Endpoint: hello(web.Operation{
			Refusals: []web.Refusal{{Status: 409, Code: "no_such_code"}}})}},
		"wrong status for a code": {{Method: "GET", Path: "/x", Endpoint: hello(web.Operation{
			Refusals: []web.Refusal{{Status: 400, Code: "username_taken"}}})}},
	}
	for name, table := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the table was accepted")
				}
			}()
			web.NewHandler(web.Kit{}, table)
		})
	}
}

func TestJSON_RefusesTypesThatCannotBeBodies(t *testing.T) {
	mustPanic := func(name string, make func()) {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the type was accepted")
				}
			}()
			make()
		})
	}
	mustPanic("not a struct", func() { body[string]() })
	mustPanic("no tag", func() { body[struct{ Name string }]() })
	mustPanic("hidden", func() {
		body[struct {
			Name string `json:"-"`
		}]()
	})
	mustPanic("a map", func() {
		body[struct {
			Extra map[string]string `json:"extra"`
		}]()
	})
	mustPanic("a pointer that is required", func() {
		body[struct {
			Name *string `json:"name"`
		}]()
	})
}

func body[In any]() {
	web.JSON(web.Operation{}, func(*web.Request, In) (web.NoContent, error) { return web.NoContent{}, nil })
}
