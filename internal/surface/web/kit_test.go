package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/surface/web"
)

type signUp struct {
	Username string        `json:"username"`
	Email    string        `json:"email"`
	Password secret.String `json:"password"`
}

type greeting struct {
	Message string `json:"message"`
}

// richInput has every kind of field that a body may have.
type richInput struct {
	Name    string     `json:"name"`
	Age     int8       `json:"age,omitempty"`
	Ratio   float64    `json:"ratio,omitempty"`
	Agree   bool       `json:"agree,omitempty"`
	Tags    []string   `json:"tags,omitempty"`
	Address *richPlace `json:"address,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	Note    string     `json:"note" required:"false"`
}

type richPlace struct {
	Street string   `json:"street"`
	Doors  []door   `json:"doors,omitempty"`
	Codes  []string `json:"codes,omitempty"`
}

type door struct {
	Number int `json:"number"`
}

type outcome struct {
	At    time.Time `json:"at"`
	Roles []string  `json:"roles"`
}

var errBoom = errors.New("dial tcp 10.0.0.7:5432: connection refused")

// routes is a table with an operation of every sort.
func routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/", Endpoint: hello(web.Operation{})},
		{Method: "GET", Path: "/hello", Endpoint: hello(web.Operation{})},
		{Method: "GET", Path: "/quiet", Endpoint: hello(web.Operation{Quiet: true})},
		{Method: "GET", Path: "/cached", Endpoint: hello(web.Operation{CacheControl: "public, max-age=60"})},
		{Method: "POST", Path: "/sign-up", Endpoint: web.JSON(web.Operation{Success: 201},
			func(*web.Request, signUp) (greeting, error) { return greeting{"welcome"}, nil })},
		{Method: "POST", Path: "/rich", Endpoint: web.JSON(web.Operation{},
			func(_ *web.Request, in richInput) (richInput, error) { return in, nil })},
		{Method: "POST", Path: "/optional", Endpoint: web.JSON(web.Operation{OptionalBody: true},
			func(_ *web.Request, in struct {
				Name string `json:"name,omitempty"`
			}) (greeting, error) {
				return greeting{"name:" + in.Name}, nil
			})},
		{Method: "POST", Path: "/checked", Endpoint: checked()},
		{Method: "GET", Path: "/things/{id}", Endpoint: web.Query(web.Operation{},
			func(r *web.Request) (greeting, error) { return greeting{r.PathValue("id")}, nil })},
		{Method: "DELETE", Path: "/things/{id}", Endpoint: web.Query(web.Operation{},
			func(*web.Request) (web.NoContent, error) { return web.NoContent{}, nil })},
		{Method: "GET", Path: "/token", Endpoint: web.Query(web.Operation{Auth: web.Bearer}, tokenEcho)},
		{Method: "GET", Path: "/outcome", Endpoint: web.Query(web.Operation{},
			func(*web.Request) (outcome, error) {
				return outcome{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))}, nil
			})},
		{Method: "GET", Path: "/raw", Endpoint: web.Raw(web.Operation{Produces: "text/plain"}, rawAnswer)},
	}
}

func hello(op web.Operation) web.Endpoint {
	return web.Query(op, func(*web.Request) (greeting, error) { return greeting{"hello"}, nil })
}

func checked() web.Endpoint {
	check := func(_ *web.Request, in signUp) []errs.Field {
		var fields []errs.Field
		if len(in.Username) < 3 {
			fields = append(fields, errs.Field{Field: "username", Rules: []string{"too_short"}, Message: "Too short."})
		}
		if len(in.Password.Reveal()) < 8 {
			fields = append(fields, errs.Field{Field: "password", Rules: []string{"too_short"}, Message: "Too short."})
		}
		return fields
	}
	return web.JSONChecked(web.Operation{}, check,
		func(*web.Request, signUp) (greeting, error) { return greeting{"fine"}, nil })
}

func tokenEcho(r *web.Request) (greeting, error) {
	token, err := web.BearerToken(r)
	if err != nil {
		return greeting{}, err
	}
	return greeting{token.Reveal()}, nil
}

func rawAnswer(w http.ResponseWriter, r *web.Request) error {
	switch r.URL.RawQuery {
	case "early":
		return errs.New(errs.NotFound, "not_found", "No such thing.")
	case "late":
		w.WriteHeader(http.StatusOK)
		return errBoom
	}
	w.Header().Set("Content-Type", "text/plain")
	_, err := w.Write([]byte("raw"))
	return err
}

// failing is a table with one route at "/" that fails with err.
func failing(op web.Operation, err error) []web.Route {
	return []web.Route{{Method: "GET", Path: "/", Endpoint: web.Query(op,
		func(*web.Request) (greeting, error) { return greeting{}, err })}}
}

// harness is a handler with its log.
type harness struct {
	http.Handler
	log *bytes.Buffer
}

func newHarness(kit web.Kit, table []web.Route) *harness {
	log := &bytes.Buffer{}
	kit.Logger = slog.New(slog.NewJSONHandler(log, nil))
	return &harness{Handler: web.NewHandler(kit, table), log: log}
}

// call sends a request with a JSON body; edits change it before it goes.
func (h *harness) call(method, target, body string, edits ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, edit := range edits {
		edit(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// event is the last line of the log.
func (h *harness) event(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	event := map[string]any{}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &event); err != nil {
		t.Fatalf("log line: %v\n%s", err, h.log)
	}
	return event
}

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

// problemOf decodes a problem answer and checks what holds for all of them.
func problemOf(t *testing.T, w *httptest.ResponseRecorder) web.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type = %q, want application/problem+json; status %d, body %s", got, w.Code, w.Body)
	}
	var p web.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("problem: %v", err)
	}
	if p.Status != w.Code || p.Type != "/docs#error-"+p.Code || p.Title == "" || p.Detail == "" {
		t.Errorf("problem is not whole: %+v", p)
	}
	if string(p.RequestID) != w.Header().Get("X-Request-Id") {
		t.Errorf("request_id %q differs from the header %q", p.RequestID, w.Header().Get("X-Request-Id"))
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
	return p
}

// rules gives a problem's errors as "field: rule rule" lines.
func rules(p web.Problem) string {
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, e.Field+": "+strings.Join(e.Rules, " "))
	}
	return strings.Join(lines, "; ")
}
