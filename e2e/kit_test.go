package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// listed is a line of `durward routes`.
type listed struct{ Listener, Method, Path, Auth string }

// commandRoutes gives what `durward routes` lists for a listener.
func commandRoutes(t *testing.T, in *installation, listener string) (found []listed) {
	t.Helper()
	var list struct {
		Routes []listed
	}
	if err := json.Unmarshal([]byte(in.must("", "routes", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list.Routes {
		if r.Listener == listener {
			found = append(found, r)
		}
	}
	return found
}

// unlisted are the paths that the document leaves out: they are pages and their files.
var unlisted = []string{"/", "/docs/{asset}"}

func TestEveryPath_AnswersOptionsHeadAndRefusesOtherMethods(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		for _, r := range commandRoutes(t, s.in, "public") {
			path, ask := r.Path, s.call
			if slices.Contains(unlisted, path) {
				path, ask = strings.ReplaceAll(path, "/docs/{asset}", assetOf(t, s)), s.undocumented
			}
			allow := "OPTIONS, " + r.Method
			if r.Method == http.MethodGet {
				allow = "GET, HEAD, OPTIONS"
			}
			options := ask(call{method: "OPTIONS", path: path}).want(http.StatusNoContent, "")
			if got := options.header.Get("Allow"); got != allow {
				t.Errorf("OPTIONS %s allows %q, want %q", path, got, allow)
			}
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} {
				if strings.Contains(allow, method) {
					continue
				}
				got := ask(call{method: method, path: path}).want(http.StatusMethodNotAllowed, "")
				if got.header.Get("Allow") != allow || method != "HEAD" && got.code() != "method_not_allowed" {
					t.Errorf("%s %s: Allow %q, %s", method, path, got.header.Get("Allow"), got.body)
				}
			}
			if r.Method == http.MethodGet {
				sameHead(t, ask(call{path: path}), ask(call{method: "HEAD", path: path}))
			}
		}
	})
}

// assetOf finds the file that the page at /docs loads.
func assetOf(t *testing.T, s *server) string {
	t.Helper()
	page := string(s.get("/docs", "").body)
	_, after, found := strings.Cut(page, `href="docs/`)
	name, _, closed := strings.Cut(after, `"`)
	if !found || !closed {
		t.Fatal("the page at /docs loads no file")
	}
	return "/docs/" + name
}

// sameHead holds the answer to HEAD against the one to GET.
func sameHead(t *testing.T, get, head answer) {
	t.Helper()
	path := get.call.path
	for _, name := range []string{"Content-Type", "Cache-Control", "Etag", "Www-Authenticate", "Content-Security-Policy"} {
		if g, h := get.header.Get(name), head.header.Get(name); g != h {
			t.Errorf("%s: %s is %q for GET and %q for HEAD", path, name, g, h)
		}
	}
	length := head.header.Get("Content-Length")
	if get.status != head.status || len(head.body) > 0 || get.status == 200 && length != fmt.Sprint(len(get.body)) {
		t.Errorf("%s: GET %d with %d bytes, HEAD %d with Content-Length %s", path, get.status, len(get.body), head.status,
			length)
	}
}

func TestUnknownPaths_AreNotFoundAndNeverRedirected(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		for _, path := range []string{"/nothing", "/login/", "//login", "/./login", "/x/../login", "/LOGIN", "/%6cogin",
			"/me%2f", "/login%00", "/metrics", "/docs/", "/docs/../login", "/docs/nothing.css", "/.well-known/",
			"/.well-known/jwks.json/x", "/register;x", "/protected%20"} {
			for _, method := range []string{"GET", "POST"} {
				got, err := s.exchange(call{method: method, path: s.url + path})
				if err != nil {
					t.Fatal(err)
				}
				if method == "POST" && got.status == http.StatusMethodNotAllowed {
					continue // the folder of the page's files takes no POST, whatever the file
				}
				got.want(http.StatusNotFound, "not_found")
				if got.header.Get("Location") != "" || got.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %s: header %v", method, path, got.header)
				}
			}
		}
	})
}

// badBodies are bodies that no operation with a body takes, whatever its fields are.
func badBodies() []struct {
	name, body, mediaType string
	status                int
	code                  string
} {
	const json, bad, unknown = "application/json", "malformed_json", "validation_failed"
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	return []struct {
		name, body, mediaType string
		status                int
		code                  string
	}{
		{"empty", "", json, 400, bad},
		{"white space", " \n", json, 400, bad},
		{"cut off", `{"password":"`, json, 400, bad},
		{"an array", `[]`, json, 400, bad},
		{"a string", `"x"`, json, 400, bad},
		{"null", `null`, json, 400, bad},
		{"trailing data", `{} {}`, json, 400, bad},
		{"a duplicate", `{"password":"a","password":"b","refresh_token":"a","refresh_token":"b"}`, json, 400, bad},
		{"invalid UTF-8", "{\"password\":\"\xff\",\"refresh_token\":\"\xff\"}", json, 400, bad},
		{"nested too deep", deep, json, 400, bad},
		{"a comment", `{/* */}`, json, 400, bad},
		{"single quotes", `{'password':'x'}`, json, 400, bad},
		{"a byte order mark", "\ufeff{}", json, 400, bad},
		{"an unknown field", `{"nothing":1}`, json, 422, unknown},
		{"a field in capitals", `{"PASSWORD":"x","REFRESH_TOKEN":"x"}`, json, 422, unknown},
		{"wrong types", `{"password":1,"refresh_token":true}`, json, 422, unknown},
		{"NUL", `{"password":"a\u0000b","refresh_token":"a\u0000b"}`, json, 422, unknown},
		{"null fields", `{"password":null,"refresh_token":null}`, json, 422, unknown},
		{"no media type", `{}`, "", 415, "unsupported_media_type"},
		{"a form", `password=x`, "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		{"text", `{}`, "text/plain", 415, "unsupported_media_type"},
		{"problem+json", `{}`, "application/problem+json", 415, "unsupported_media_type"},
		{"another charset", `{}`, "application/json; charset=latin1", 415, "unsupported_media_type"},
		{"a byte too many", `{"x":"` + strings.Repeat("x", 64<<10-8) + `"} `, json, 413, "body_too_large"},
	}
}

func TestEveryBody_IsReadStrictly(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		for _, r := range document(s).routes() {
			if !r.takesBody() {
				continue
			}
			for _, b := range badBodies() {
				if b.body == "" && !r.RequestBody.Required {
					continue // no body is a body here
				}
				header := http.Header{"Content-Type": {b.mediaType}}
				if b.mediaType == "" {
					header = http.Header{"Content-Type": nil}
				}
				got := s.call(call{method: r.method, path: r.path, body: b.body, header: header})
				if !got.is(b.status, b.code) {
					t.Errorf("%s with %s: %d %s; want %d %s", r, b.name, got.status, got.body, b.status, b.code)
				}
				if b.status == http.StatusUnprocessableEntity && len(got.rules()) == 0 {
					t.Errorf("%s with %s names no field: %s", r, b.name, got.body)
				}
			}
			largest := `{"x":"` + strings.Repeat("x", 64<<10-8) + `"}`
			s.post(r.path, largest, "").want(http.StatusUnprocessableEntity, "validation_failed")
			compressed := call{method: r.method, path: r.path, body: "{}", header: http.Header{"Content-Encoding": {"gzip"}}}
			s.call(compressed).want(http.StatusUnsupportedMediaType, "unsupported_media_type")
		}
	})
}

func TestKeys_ArePublishedForOthersToKeep(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		got := s.get("/.well-known/jwks.json", "").want(http.StatusOK, "")
		tag := got.header.Get("ETag")
		if got.header.Get("Cache-Control") != "public, max-age=300" || tag == "" {
			t.Errorf("header %v", got.header)
		}
		keys := got.json["keys"].([]any)
		if len(keys) != 1 {
			t.Fatalf("%d keys", len(keys))
		}
		for _, private := range []string{"d", "p", "q", "k"} {
			if _, has := keys[0].(map[string]any)[private]; has {
				t.Errorf("the member %s of the private key is published", private)
			}
		}
		unchanged := s.call(call{path: "/.well-known/jwks.json", header: http.Header{"If-None-Match": {tag}}})
		if unchanged.want(http.StatusNotModified, ""); len(unchanged.body) > 0 || unchanged.header.Get("ETag") != tag {
			t.Errorf("unchanged: %v %q", unchanged.header, unchanged.body)
		}
	})
}

func TestDocs_AreServedFromHereAlone(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		page := s.get("/docs", "").want(http.StatusOK, "")
		policy := page.header.Get("Content-Security-Policy")
		html := strings.HasPrefix(page.header.Get("Content-Type"), "text/html")
		if !html || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("header %v", page.header)
		}
		for part := range strings.SplitSeq(string(page.body), "<") {
			for _, attribute := range []string{`src="http`, `src="//`, `url(http`, `@import`} {
				if strings.Contains(part, attribute) {
					t.Errorf("the page loads from elsewhere: <%.80s", part)
				}
			}
			if strings.HasPrefix(part, "link ") && strings.Contains(part, `href="http`) {
				t.Errorf("the page loads from elsewhere: <%.80s", part)
			}
		}
		for _, r := range document(s).routes() {
			if !strings.Contains(string(page.body), r.path) {
				t.Errorf("the page does not show %s", r.path)
			}
		}
		tag := page.header.Get("ETag")
		s.call(call{path: "/docs", header: http.Header{"If-None-Match": {tag}}}).want(http.StatusNotModified, "")
	})
}

func TestDocument_HasEveryRouteOfThePublicListener(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		var documented []string
		for _, r := range document(s).routes() {
			documented = append(documented, r.String())
		}
		for _, r := range commandRoutes(t, s.in, "public") {
			if name := r.Method + " " + r.Path; !slices.Contains(unlisted, r.Path) && !slices.Contains(documented, name) {
				t.Errorf("%s is not in the document", name)
			}
		}
	})
}

func TestOperationsListener_HasHealthReadinessAndMetrics(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, held := s.signedIn()
		s.get("/protected", held.access).want(http.StatusOK, "")
		for _, base := range []string{s.url, s.ops} {
			for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready"} {
				got, err := s.exchange(call{path: base + path})
				if err != nil || got.status != http.StatusOK || got.text("status") != want {
					t.Errorf("%s%s: %d %s, %v", base, path, got.status, got.body, err)
				}
			}
		}
		metrics, err := s.exchange(call{path: s.ops + "/metrics"})
		if err != nil || metrics.status != http.StatusOK {
			t.Fatalf("%d, %v", metrics.status, err)
		}
		for _, want := range []string{"durward_build_info{", `route="/protected"`, `route="/login"`,
			"durward_http_request_duration_seconds_bucket", "durward_hash_done_total", "durward_database_connections"} {
			if !strings.Contains(string(metrics.body), want) {
				t.Errorf("the metrics have no %s", want)
			}
		}
		got, err := s.exchange(call{path: s.ops + "/login", method: "POST"})
		if err != nil || got.status != http.StatusNotFound {
			t.Errorf("/login on the operations listener: %d, %v", got.status, err)
		}
		s.get("/metrics", "").want(http.StatusNotFound, "not_found")
	})
}
