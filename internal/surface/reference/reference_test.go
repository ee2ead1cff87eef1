package reference_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/golden"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/surface/reference"
	"github.com/durwardhq/durward/internal/surface/web"
	"github.com/durwardhq/durward/internal/surface/web/webtest"
)

type openRequest struct {
	Name   string        `json:"name" example:"ada" doc:"How the shop's sign <reads>." minLength:"1" maxLength:"80"`
	Secret secret.String `json:"secret" example:"it's-a-secret"`
	Tags   []string      `json:"tags,omitempty" example:"a,b" maxItems:"3"`
	Rank   int           `json:"rank,omitempty" example:"7" minimum:"1"`
	Public bool          `json:"public" required:"false" example:"true"`
	Place  *place        `json:"place,omitempty"`
}

type place struct {
	Street string  `json:"street" example:"Main Street"`
	Height float64 `json:"height,omitempty" example:"1.5"`
}

type shop struct {
	ID       int64      `json:"id" example:"1"`
	Kind     string     `json:"kind" enum:"small,large"`
	Opened   time.Time  `json:"opened"`
	Closed   *time.Time `json:"closed"`
	Tags     []string   `json:"tags"`
	Branches []place    `json:"branches"`
}

type answer struct {
	Message string `json:"message"`
}

// table is a table with an operation of every sort, and the reference itself.
func table() (*reference.Reference, []web.Route) {
	ref := reference.New(reference.Info{Title: "Durward", Version: "v1.2.3", PublicURL: "https://id.example.org/"})
	open := web.Operation{
		OperationID: "openShop", Tag: "Shops", Summary: "Open a shop", Success: http.StatusCreated, Auth: web.Bearer,
		Description: "Opens a shop. See `GET /shops/{id}`.\n\nNames are unique.",
		Headers:     map[string]string{"Location": "Where the shop is."},
		Refusals: []web.Refusal{
			{Status: 409, Code: "username_taken", When: "the name is in use"},
			{Status: 503, Code: "busy", When: "too many shops open at once"},
		},
	}
	get := web.Operation{OperationID: "getShop", Tag: "Shops", Summary: "One shop",
		Parameters: []web.Parameter{{Name: "id", In: "path", Description: "Its number.", Example: "a b"},
			{Name: "lang", In: "query", Description: "A language.", Required: true, Example: "en-GB"},
			{Name: "full", In: "query", Description: "Everything."}},
		Refusals: []web.Refusal{{Status: 404, Code: "not_found", When: "there is no such shop"}}}
	leave := web.Operation{OperationID: "leave", Tag: "Doors", Summary: "Leave", Auth: web.BearerOptional,
		OptionalBody: true}
	return ref, []web.Route{
		{Method: "POST", Path: "/shops", Endpoint: web.JSON(open, openShop)},
		{Method: "GET", Path: "/shops/{id}", Endpoint: web.Query(get, getShop)},
		{Method: "POST", Path: "/leave", Endpoint: web.JSON(leave, func(*web.Request, struct {
			Token string `json:"token,omitempty"`
		}) (web.NoContent, error) {
			return web.NoContent{}, nil
		})},
		{Method: "DELETE", Path: "/shops/{id}", Endpoint: web.Query(web.Operation{OperationID: "closeShop", Tag: "Shops",
			Summary: "Close a shop", Parameters: get.Parameters[:1], Auth: web.Bearer}, closeShop)},
		{Method: "GET", Path: "/openapi.json", Endpoint: ref.Document()},
		{Method: "GET", Path: "/docs", Endpoint: ref.Page()},
		{Method: "GET", Path: "/docs/{asset}", Endpoint: ref.Asset()},
	}
}

func openShop(r *web.Request, in openRequest) (answer, error) {
	if _, err := web.BearerToken(r); err != nil {
		return answer{}, err
	}
	if in.Name == "taken" {
		return answer{}, errs.New(errs.Conflict, "username_taken", "This name is in use.")
	}
	r.AnswerHeader().Set("Location", "/shops/1")
	return answer{Message: "open"}, nil
}

func getShop(r *web.Request) (shop, error) {
	if r.PathValue("id") == "0" {
		return shop{}, errs.New(errs.NotFound, "not_found", "There is no such shop.")
	}
	return shop{ID: 1, Kind: "small"}, nil
}

func closeShop(*web.Request) (web.NoContent, error) { return web.NoContent{}, nil }

// served is the table behind a handler, built.
func served(t *testing.T) http.Handler {
	t.Helper()
	ref, routes := table()
	if err := ref.Build(routes); err != nil {
		t.Fatal(err)
	}
	return web.NewHandler(web.Kit{}, routes)
}

func get(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDocument_Golden(t *testing.T) {
	w := get(served(t), "/openapi.json")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	golden.Check(t, filepath.Join("testdata", "openapi.json"), w.Body.String())
}

func TestDocument_SchemasCompileAndExamplesConform(t *testing.T) {
	if _, err := webtest.New(get(served(t), "/openapi.json").Body.Bytes()); err != nil {
		t.Error(err)
	}
}

func TestDocument_TellsTheTruthAboutTheServer(t *testing.T) {
	h := served(t)
	v, err := webtest.New(get(h, "/openapi.json").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	fine := `{"name":"n","secret":"s"}`
	big := `{"name":"` + strings.Repeat("n", 64<<10) + `"}`
	for _, c := range []struct{ method, path, body, token string }{
		{"POST", "/shops", fine, "t"}, {"POST", "/shops", fine, ""}, {"POST", "/shops", fine, "?"},
		{"POST", "/shops", `{"name":"taken","secret":"s"}`, "t"}, {"POST", "/shops", `{`, "t"}, {"POST", "/shops", `{}`, "t"},
		{"POST", "/shops", big, "t"}, {"POST", "/shops", "form", "t"}, {"POST", "/leave", "", ""},
		{"POST", "/leave", `{}`, ""},
		{"POST", "/leave", `{"x":1}`, ""}, {"GET", "/shops/1", "", ""}, {"HEAD", "/shops/1", "", ""},
		{"GET", "/shops/0", "", ""},
		{"OPTIONS", "/shops/1", "", ""}, {"DELETE", "/shops/1", "", ""}, {"PATCH", "/shops/1", "", ""}, {"GET", "/x", "", ""},
		{"GET", "/openapi.json", "", ""}, {"GET", "/docs", "", ""}, {"HEAD", "/docs", "", ""},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		if c.body == "form" {
			r.Header.Set("Content-Type", "text/plain")
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if err := v.Check(webtest.Exchange{Method: c.method, Path: c.path, RequestBody: []byte(c.body), Status: w.Code,
			Header: w.Header(), Body: w.Body.Bytes()}); err != nil {
			t.Error(err)
		}
	}
}

func TestDocument_IsKeptByWhoHasIt(t *testing.T) {
	h := served(t)
	for _, path := range []string{"/openapi.json", "/docs"} {
		first := get(h, path)
		again := get(h, path, "If-None-Match", first.Header().Get("ETag"))
		if again.Code != 304 || again.Body.Len() != 0 || first.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %v", path, again.Code, first.Header())
		}
	}
}

func TestBuild_RefusesWhatCannotBeDescribed(t *testing.T) {
	op := func(id string) web.Operation { return web.Operation{OperationID: id, Tag: "T", Summary: "S"} }
	route := func(op web.Operation, path string) web.Route {
		return web.Route{Method: "GET", Path: path, Endpoint: web.Query(op, closeShop)}
	}
	type place struct { // another one of this name
		City string `json:"city"`
	}
	answering := func(e web.Endpoint) web.Route { return web.Route{Method: "GET", Path: "/x", Endpoint: e} }
	tests := map[string][]web.Route{
		"no id":             {route(web.Operation{Tag: "T", Summary: "S"}, "/x")},
		"no tag":            {route(web.Operation{OperationID: "x", Summary: "S"}, "/x")},
		"one id twice":      {route(op("x"), "/x"), route(op("x"), "/y")},
		"unknown parameter": {route(op("x"), "/x/{id}")},
		"one name for two types": {answering(web.Query(op("x"), func(*web.Request) (shop, error) { return shop{}, nil })),
			answering(web.Query(op("y"), func(*web.Request) (place, error) { return place{}, nil }))},
		"an example that is no number": {answering(web.Query(op("x"), func(*web.Request) (struct {
			N int `json:"n" example:"many"`
		}, error) {
			panic("never called")
		}))},
		"a field without a name": {answering(web.Query(op("x"), func(*web.Request) (struct{ N int }, error) {
			panic("never called")
		}))},
		"a type without a schema": {answering(web.Query(op("x"), func(*web.Request) (struct {
			C chan int `json:"c"`
		}, error) {
			panic("never called")
		}))},
	}
	for name, routes := range tests {
		if err := reference.New(reference.Info{}).Build(routes); err == nil {
			t.Errorf("%s: it was built", name)
		}
	}
}

func TestPage_Golden(t *testing.T) {
	golden.Check(t, filepath.Join("testdata", "docs.html"), get(served(t), "/docs").Body.String())
}

func TestPage_LoadsNothingFromElsewhereAndRunsNoScript(t *testing.T) {
	w := get(served(t), "/docs")
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %s", policy, want)
		}
	}
	for _, never := range []string{"<script", "style=", "<style", "http://", "//", " on"} {
		within := regexp.MustCompile(`<[^>]*` + regexp.QuoteMeta(never) + `[^>]*>`)
		for _, found := range within.FindAllString(w.Body.String(), -1) {
			t.Errorf("the page has %s in %s", never, found)
		}
	}
}

func TestPage_EveryLinkLeadsSomewhere(t *testing.T) {
	h := served(t)
	page := get(h, "/docs").Body.String()
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]]++; ids[m[1]] > 1 {
			t.Errorf("the id %s is there twice", m[1])
		}
	}
	for _, m := range regexp.MustCompile(` (?:href|aria-labelledby)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		target := html.UnescapeString(m[1])
		anchor, internal := strings.CutPrefix(target, "#")
		switch {
		case ids[anchor] == 1 && (internal || !strings.Contains(target, "/")):
		case internal:
			t.Errorf("nothing has the id %s", anchor)
		case get(h, "/"+target).Code != 200: // relative to /docs
			t.Errorf("%s is not served", target)
		}
	}
	for _, code := range web.Catalogue() {
		if ids["error-"+code.Code] != 1 {
			t.Errorf("problems point at #error-%s, which is not on the page", code.Code)
		}
	}
}

func TestPage_CommandsAreQuotedForAShell(t *testing.T) {
	page := html.UnescapeString(get(served(t), "/docs").Body.String())
	for _, want := range []string{
		"curl -sS https://id.example.org/shops \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\" \\\n" +
			"  -H 'Content-Type: application/json' \\\n" +
			`  -d '{"name":"ada","secret":"it'\''s-a-secret","tags":["a","b"],"rank":7,"public":true}'`,
		"curl -sS 'https://id.example.org/shops/a%20b?lang=en-GB'",
		"curl -sS -X DELETE https://id.example.org/shops/a%20b \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\"",
		"curl -sS -X POST https://id.example.org/leave \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\"</code>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks\n%s", want)
		}
	}
}

func TestAsset_MayBeKeptForEverAndUnknownOnesAre404(t *testing.T) {
	h := served(t)
	page := get(h, "/docs").Body.String()
	for _, m := range regexp.MustCompile(`href="(docs/(?:style|mark)\.[^"]+)"`).FindAllStringSubmatch(page, -1) {
		w := get(h, "/"+m[1])
		kind := map[bool]string{true: "text/css; charset=utf-8", false: "image/svg+xml"}[strings.HasSuffix(m[1], ".css")]
		if w.Code != 200 || w.Header().Get("Content-Type") != kind ||
			w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %v", m[1], w.Code, w.Header())
		}
	}
	if w := get(h, "/docs/style.css"); w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestErrorsMarkdown_IsTheFileInDocs(t *testing.T) {
	golden.Check(t, filepath.Join("..", "..", "..", "docs", "errors.md"), reference.ErrorsMarkdown())
}

func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		ref, routes := table()
		if err := ref.Build(routes); err != nil {
			b.Fatal(err)
		}
	}
}
