package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile sends to a server what nobody should, and holds every answer to the rules for refusals.
type hostile struct {
	*server
	t   *testing.T
	doc *openAPI
}

// TestHostileRequests_AreRefusedAndChangeNothing sends everything of the lists below to every route.
func TestHostileRequests_AreRefusedAndChangeNothing(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		victim, held := s.signedIn()
		h := &hostile{s, t, document(s)}
		before := s.in.contents(t)
		successes := s.in.number(t, "SELECT count(*) FROM audit_events WHERE outcome = 'success'")
		for _, r := range h.doc.routes() {
			h.bodies(r)
			h.texts(r, victim)
			h.tokens(r)
			h.frames(r)
			h.overrides(r)
		}
		h.lines()
		h.pipelined()
		s.in.unchanged(t, before)
		if n := s.in.number(t, "SELECT count(*) FROM audit_events WHERE outcome = 'success'"); n != successes {
			t.Errorf("%d of these requests had success by the log of events", n-successes)
		}
		if log := s.stderr(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "panic") {
			t.Errorf("the log has errors:\n%s", lastLines(remarkable(log), 5))
		}
		s.get("/protected", held.access).want(http.StatusOK, "")
		s.refresh(held.refresh).want(http.StatusOK, "")
	})
}

// judge holds an answer to the rules: nothing of 5xx, and a refusal is a problem as documented, or, where net/http
// refused before any of our code, its plain text.
func (h *hostile) judge(name string, r route, got answer, err error) {
	h.t.Helper()
	switch {
	case err != nil:
		h.t.Errorf("%s with %s: %v", r, name, err)
	case got.status >= http.StatusInternalServerError:
		h.t.Errorf("%s with %s: %d %s", r, name, got.status, got.body)
	case got.status < http.StatusBadRequest:
		return
	case strings.HasPrefix(got.header.Get("Content-Type"), "text/plain"):
		if got.status != http.StatusBadRequest && got.status != http.StatusRequestHeaderFieldsTooLarge {
			h.t.Errorf("%s with %s: %d in plain text", r, name, got.status)
		}
	default:
		if err := h.doc.check(got); err != nil {
			h.t.Errorf("with %s: %v", name, err)
		}
	}
}

// refused is judge for what has to be a refusal.
func (h *hostile) refused(name string, r route, got answer, err error) {
	h.t.Helper()
	h.judge(name, r, got, err)
	if err == nil && got.status < http.StatusBadRequest {
		h.t.Errorf("%s with %s is content: %d", r, name, got.status)
	}
}

// hostileBodies are bodies in every way wrong, beside those that every test of bodies has.
func hostileBodies() map[string]string {
	const big = 64 << 10
	all := map[string]string{
		"many levels of arrays":  strings.Repeat("[", 30000),
		"many levels of objects": strings.Repeat(`{"a":`, 10000),
		"a large number":         `{"password":` + strings.Repeat("9", 5000) + `}`,
		"a large exponent":       `{"password":1e999999}`,
		"many fields":            "{" + strings.TrimSuffix(strings.Repeat(`"x":1,`, 8000), ",") + "}",
		"a long name":            `{"` + strings.Repeat("x", 60000) + `":1}`,
		"a lone surrogate":       `{"password":"\ud800","refresh_token":"\udfff"}`,
		"an escaped name twice":  `{"password":"a","p\u0061ssword":"b","refresh_token":"a","refresh\u005ftoken":"b"}`,
		"NUL outside strings":    "{\x00}",
		"the prototype":          `{"__proto__":{"admin":true},"constructor":{"prototype":{}}}`,
		"XML":                    `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>`,
		"NaN":                    `{"password":NaN}`,
		"infinity":               `{"password":-Infinity}`,
		"UTF-16":                 "\xff\xfe{\x00}\x00",
		"UTF-7":                  "+AHs-+AH0-",
		"64 KiB and a byte":      strings.Repeat(" ", big+1),
		"a megabyte":             strings.Repeat(" ", 1<<20),
		"another object":         `{"password":{"$ne":null},"refresh_token":{"$gt":""}}`,
		"a list for a text":      `{"password":["a"],"refresh_token":["a"]}`,
		"extra roles":            `{"roles":["admin"],"id":1,"status":"active"}`,
	}
	for _, b := range badBodies() {
		if b.body != "" && b.mediaType == "application/json" {
			all[b.name] = b.body
		}
	}
	return all
}

// bodies sends each body whole and in chunks. An operation without a body must not care.
func (h *hostile) bodies(r route) {
	for name, body := range hostileBodies() {
		check := h.judge
		if r.takesBody() {
			check = h.refused
		}
		got, err := h.exchange(call{method: r.method, path: r.path, body: body})
		check(name, r, got, err)
		got, err = h.raw(r.head("Content-Type: application/json", "Transfer-Encoding: chunked") + chunked(body))
		check(name+" in chunks", r, got, err)
	}
}

// head is the head of a request in raw form; the connection ends with it.
func (r route) head(lines ...string) string {
	lines = append([]string{r.method + " " + r.path + " HTTP/1.1", "Host: localhost", "Connection: close"}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func chunked(body string) string {
	var text strings.Builder
	for len(body) > 0 {
		n := min(len(body), 8000)
		fmt.Fprintf(&text, "%x;name=value\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return text.String() + "0\r\nTrailer: x\r\n\r\n"
}

// hostileTexts are what somebody writes into a field who wants it to be run.
var hostileTexts = []string{
	`' OR '1'='1`, `'; DROP TABLE users; --`, `" OR ""="`, `1; SELECT pg_sleep(10)`, `\'; --`, `%' AND 1=1`, `admin'/*`,
	`{{7*7}}`, `${7*7}`, `<%= 7*7 %>`, `#{7*7}`, `${jndi:ldap://127.0.0.1/x}`, `{{constructor.constructor('x')()}}`,
	`%s%n%x`, `%00`, `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`,
	`../../../../etc/passwd`, `$(id)`, "`id`", `| cat /etc/passwd`, "x\r\nSet-Cookie: a=b", "x\nlevel=ERROR", "a\tb",
	"\u202egro.elpmaxe@x", "\u200b", "\ufeff", "e\u0301", "\U0001F468\u200d\U0001F469", "*)(uid=*", `{"$gt":""}`, `-1`,
	`NaN`, `null`, `true`, `[]`, `dwr_`, `Bearer x`, `x@y@z`, "",
	strings.Repeat("a", 2000), strings.Repeat("\u00fc", 20000), "\u0000", "a\u0000b",
}

// texts puts each text into each field of an operation, beside values that are refused as well: names that are taken, a
// password that is wrong.
func (h *hostile) texts(r route, victim person) {
	if !r.takesBody() {
		return
	}
	ordinary := fields{"username": victim.name, "email": victim.email, "username_or_email": victim.name,
		"password": newPassword(), "refresh_token": "dwr_none"}
	for _, field := range h.doc.bodyFields(r) {
		if ordinary[field] == nil {
			h.t.Fatalf("%s has a field %s that nobody knows here", r, field)
		}
		for _, text := range hostileTexts {
			body := fields{}
			for _, name := range h.doc.bodyFields(r) {
				body[name] = ordinary[name]
			}
			body[field] = text
			encoded, err := json.Marshal(body)
			if err != nil {
				h.t.Fatal(err)
			}
			name := fmt.Sprintf("%s = %.30q", field, text)
			got, err := h.exchange(call{method: r.method, path: r.path, body: string(encoded)})
			h.refused(name, r, got, err)
			if len(text) > 3 && len(got.header.Values("Set-Cookie"))+strings.Count(string(got.body), text) > 0 {
				h.t.Errorf("%s with %s: the value is in the answer: %s", r, name, got.body)
			}
		}
	}
}

// tokens sends texts as the access token and in other headers.
func (h *hostile) tokens(r route) {
	for _, text := range hostileTexts {
		if strings.ContainsAny(text, "\r\n\x00") {
			continue // no header can hold these
		}
		for name, values := range map[string][]string{
			"Authorization": {"Bearer " + text}, "Cookie": {text}, "X-Request-Id": {text}, "Accept": {text},
			"Accept-Language": {text}, "If-None-Match": {text}, "User-Agent": {text}, "X-Forwarded-For": {text},
			"Forwarded": {"for=" + text}, "Origin": {text}, "Referer": {text}, "Range": {text}, "Expect": {text},
			"Content-Encoding": {text}, "X-Original-Url": {"/" + text},
		} {
			got, err := h.exchange(call{method: r.method, path: r.path, header: http.Header{name: values}})
			if name == "Expect" && err == nil && got.status == http.StatusExpectationFailed {
				continue // net/http's own, without a body
			}
			h.judge(fmt.Sprintf("%s: %.20q", name, text), r, got, err)
			if id := got.header.Get("X-Request-Id"); len(text) > 3 && id == text {
				h.t.Errorf("%s: a stranger chose the request's id", r)
			}
		}
	}
}

// frames are requests whose framing is doubtful: what one reader takes for a body another takes for the next request.
func (h *hostile) frames(r route) {
	const length, media, inChunks = "Content-Length: 2", "Content-Type: application/json", "Transfer-Encoding: chunked"
	for name, text := range map[string]string{
		"two lengths":             r.head(media, length, "Content-Length: 3") + "{} ",
		"a list of lengths":       r.head(media, "Content-Length: 2, 3") + "{} ",
		"a negative length":       r.head(media, "Content-Length: -1") + "{}",
		"a signed length":         r.head(media, "Content-Length: +2") + "{}",
		"a hexadecimal length":    r.head(media, "Content-Length: 0x2") + "{}",
		"a length beyond numbers": r.head(media, "Content-Length: 99999999999999999999") + "{}",
		"a name with a space":     r.head("Content-Length : 2", media) + "{}",
		"a line without a colon":  r.head("nothing"),
		"a NUL in a header":       r.head("X-A: a\x00b"),
		"two hosts":               r.head("Host: other"),
		"a bad host":              strings.Replace(r.head(), "Host: localhost", "Host: a b", 1),
		"no host":                 strings.Replace(r.head(), "Host: localhost\r\n", "", 1),
		"headers of 32 KiB":       r.head("X-Big: " + strings.Repeat("x", 32<<10)),
		"5,000 headers":           r.head(strings.TrimSuffix(strings.Repeat("A: b\r\n", 5000), "\r\n")),
	} {
		got, err := h.raw(text)
		h.refused(name, r, got, err)
	}
	for name, text := range map[string]string{
		"a chunk without a size":     r.head(media, inChunks) + "x\r\n{}\r\n0\r\n\r\n",
		"a chunk of a negative size": r.head(media, inChunks) + "-2\r\n{}\r\n0\r\n\r\n",
		"a chunk too large to count": r.head(media, inChunks) + "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
	} {
		got, err := h.raw(text)
		check := h.judge // who takes no body does not read one
		if r.takesBody() {
			check = h.refused
		}
		check(name, r, got, err)
	}
	for name, text := range map[string]string{
		"a folded line":       r.head("X-A: b\r\n c", media, length) + "{}",
		"both framings":       r.head(media, "Content-Length: 4", inChunks) + "2\r\n{}\r\n0\r\n\r\n",
		"chunked twice":       r.head(media, inChunks, inChunks) + "2\r\n{}\r\n0\r\n\r\n",
		"another encoding":    r.head(media, "Transfer-Encoding: gzip, chunked") + "2\r\n{}\r\n0\r\n\r\n",
		"expect and no body":  r.head(media, "Content-Length: 100000000", "Expect: 100-continue"),
		"an upgrade":          r.head("Upgrade: websocket", "Sec-WebSocket-Key: eA=="),
		"an upgrade to h2":    r.head("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
		"HTTP/1.0":            strings.Replace(r.head(), "HTTP/1.1", "HTTP/1.0", 1),
		"a query with broken": strings.Replace(r.head(), " HTTP", "?%zz=%&;a HTTP", 1),
	} {
		got, err := h.raw(text)
		if name == "another encoding" || name == "chunked twice" {
			// net/http answers an encoding that it does not have with 501, as RFC 9112 §6.1 has it, and reads nothing.
			if err != nil || got.status != http.StatusNotImplemented && got.status != http.StatusBadRequest {
				h.t.Errorf("%s with %s: %d, %v", r, name, got.status, err)
			}
			continue
		}
		got.call.path, _, _ = strings.Cut(got.call.path, "?")
		h.judge(name, r, got, err)
	}
}

// overrides ask for another method or path than the request has.
func (h *hostile) overrides(r route) {
	plain, err := h.exchange(call{method: r.method, path: r.path})
	h.judge("nothing", r, plain, err)
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"} {
			got, err := h.exchange(call{method: r.method, path: r.path + "?_method=" + method, header: http.Header{
				name: {method}, "X-Original-URL": {"/metrics"}, "X-Rewrite-URL": {"/metrics"}, "X-Forwarded-Prefix": {"/x"}}})
			h.judge(name, r, got, err)
			if got.status != plain.status || got.code() != plain.code() {
				h.t.Errorf("%s with %s: %s is answered %d, without it %d", r, name, method, got.status, plain.status)
			}
		}
	}
}

// lines are first lines of requests as no client writes them. Only some name a route.
func (h *hostile) lines() {
	for line, want := range map[string][]int{
		"GET http://evil.example/protected HTTP/1.1":       {401},
		"GET https://evil.example/me HTTP/1.1":             {401},
		"GET http://evil.example HTTP/1.1":                 {200, 303, 404},
		"POST http://localhost/login?x HTTP/1.1":           {400, 415},
		"GET //protected HTTP/1.1":                         {404},
		"GET /%2fprotected HTTP/1.1":                       {404},
		"GET /protected/. HTTP/1.1":                        {404},
		"GET /x/../protected HTTP/1.1":                     {404},
		"GET /%2e%2e/protected HTTP/1.1":                   {404},
		"GET /%70rotected HTTP/1.1":                        {404},
		"GET /protected%00 HTTP/1.1":                       {404},
		"GET /protected%0d%0aX:y HTTP/1.1":                 {404},
		"GET /docs/..%2f..%2fetc%2fpasswd HTTP/1.1":        {404},
		"GET /docs/%2e%2e HTTP/1.1":                        {404},
		"GET /docs/\\..\\x HTTP/1.1":                       {404},
		"GET /" + strings.Repeat("a", 12000) + " HTTP/1.1": {404},
		"GET /" + strings.Repeat("a", 40000) + " HTTP/1.1": {431},
		"GET /protected#x HTTP/1.1":                        {400, 404},
		"GET /protected%zz HTTP/1.1":                       {400},
		"GET protected HTTP/1.1":                           {400},
		"GET  HTTP/1.1":                                    {400},
		"GET /protected":                                   {400},
		"GET /a b HTTP/1.1":                                {400},
		"GET /protected HTTP/9.9":                          {400, 505}, // net/http's own, as RFC 9110 §15.6.6 has it
		"GET /protected http/1.1":                          {400},
		"PRI * HTTP/2.0":                                   {400, 404, 405, 505},
		"get /protected HTTP/1.1":                          {405},
		"G\x00T /protected HTTP/1.1":                       {400},
		"GET* /protected HTTP/1.1":                         {405},
		"CONNECT evil.example:443 HTTP/1.1":                {405},
		"CONNECT /protected HTTP/1.1":                      {400, 404, 405},
		"TRACE /protected HTTP/1.1":                        {405},
		"OPTIONS * HTTP/1.1":                               {204},
		"GET * HTTP/1.1":                                   {400, 404},
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03":     {400},
	} {
		got, err := h.raw(line + "\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if err != nil || !slices.Contains(want, got.status) {
			h.t.Errorf("%.40q: %d %.100s, %v; want one of %v", line, got.status, got.body, err, want)
			continue
		}
		kind := got.header.Get("Content-Type")
		if got.status >= 400 && !strings.HasPrefix(kind, "text/plain") && kind != "application/problem+json" {
			h.t.Errorf("%.40q: a refusal as %q", line, kind)
		}
	}
}

// pipelined sends several requests before the first is answered. Each gets its own answer, in order, and a body that is
// no body of its operation is not taken for the next request.
func (h *hostile) pipelined() {
	const keep = " HTTP/1.1\r\nHost: localhost\r\n"
	smuggled := "GET /healthz" + keep + "\r\n"
	text := "GET /me" + keep + "\r\n" + "GET /healthz" + keep + "\r\n" +
		"POST /login" + keep + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" +
		"GET /protected" + keep + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(smuggled), smuggled) +
		"GET /nothing" + keep + "Connection: close\r\n\r\n"
	got, err := h.rawAll(text, 9)
	if err != nil {
		h.t.Fatal(err)
	}
	var statuses []int
	for _, a := range got {
		statuses = append(statuses, a.status)
	}
	if want := []int{401, 200, 422, 401, 404}; !slices.Equal(statuses, want) {
		h.t.Errorf("answers %v, want %v", statuses, want)
	}
}

// A connection on which nothing comes, or only a byte now and then, is closed; the others do not notice.
func TestSlowRequests_AreClosedAndKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := newInstallation(t, sqliteEngine).start()
	var group sync.WaitGroup
	for _, begin := range []string{"", "G", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: "} {
		for range 20 {
			group.Go(func() {
				if lasted, err := trickle(s, begin); err != nil {
					t.Errorf("%q and then a byte now and then: not closed after %s: %v", begin, lasted, err)
				}
			})
		}
	}
	for range 20 {
		if got := s.get("/healthz", ""); got.want(http.StatusOK, "").took > time.Second {
			t.Errorf("/healthz took %s meanwhile", got.took)
		}
	}
	group.Wait()
}

// trickle sends a byte now and then until the server closes the connection, and tells how long that took.
func trickle(s *server, begin string) (time.Duration, error) {
	began := time.Now()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(began.Add(patience)); err != nil {
		return 0, err
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for _, err := io.WriteString(c, begin); err == nil && begin != ""; _, err = io.WriteString(c, "x") {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	_, err = io.Copy(io.Discard, c)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return time.Since(began), err
	}
	return time.Since(began), nil // closed, or reset since more came than was read
}
