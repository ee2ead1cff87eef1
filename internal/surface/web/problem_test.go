package web_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/golden"
	"github.com/durwardhq/durward/internal/surface/web"
)

// TestProblem_Golden freezes the answers that programs depend on.
func TestProblem_Golden(t *testing.T) {
	kit := web.Kit{TrustedProxies: proxies}
	whole := newHarness(kit, routes())
	fails := func(op web.Operation, err error) *harness { return newHarness(kit, failing(op, err)) }
	conflict := errs.New(errs.Conflict, "username_taken", "This username is in use.")
	invalid := errs.New(errs.Invalid, "validation_failed", "The account was not made.").WithFields(
		errs.Field{Field: "password", Rules: []string{"too_short", "no_digit"},
			Message: "At least 8 characters, with a digit."})
	tests := []struct {
		name           string
		h              *harness
		method, target string
		body           string
	}{
		{"malformed", whole, "POST", "/sign-up", `{"username"`},
		{"duplicate", whole, "POST", "/sign-up", `{"username":"u","username":"u","email":"e","password":"p"}`},
		{"validation", whole, "POST", "/sign-up", `{"username":1}`},
		{"not-found", whole, "GET", "/nowhere", ""},
		{"method-not-allowed", whole, "POST", "/hello", ""},
		{"too-large", whole, "POST", "/sign-up", strings.Repeat(" ", 64<<10+1)},
		{"media-type", whole, "POST", "/sign-up", "form"},
		{"token-missing", whole, "GET", "/token", ""},
		{"invalid", fails(web.Operation{}, invalid), "GET", "/", ""},
		{"conflict", fails(web.Operation{}, fmt.Errorf("sign up: %w", conflict.With(errBoom))), "GET", "/", ""},
		{"too-many", fails(web.Operation{}, errs.New(errs.TooMany, "too_many_requests", "Wait.").
			WithRetry(1500*time.Millisecond)), "GET", "/", ""},
		{"unavailable", fails(web.Operation{}, errs.Wrap(errBoom, errs.Unavailable, "database_unavailable",
			"The database does not answer.")), "GET", "/", ""},
		{"internal", fails(web.Operation{}, errBoom), "GET", "/", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mediaType := "application/json"
			if test.body == "form" {
				mediaType = "text/plain"
			}
			w := test.h.call(test.method, test.target, test.body, from("10.0.0.1:1"), header("X-Request-Id", "golden"),
				header("Content-Type", mediaType))
			problemOf(t, w)
			var got strings.Builder
			fmt.Fprintf(&got, "%d\n", w.Code)
			if err := w.Header().Write(&got); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "\n%s", w.Body)
			golden.Check(t, filepath.Join("testdata", "problems", test.name+".http"), strings.ReplaceAll(got.String(), "\r\n", "\n"))
		})
	}
}

func TestProblem_EveryKindHasItsStatus(t *testing.T) {
	for kind, want := range map[errs.Kind]int{errs.Internal: 500, errs.Invalid: 422, errs.Unauthenticated: 401,
		errs.Forbidden: 403, errs.NotFound: 404, errs.Conflict: 409, errs.TooMany: 429, errs.Unavailable: 503} {
		w := newHarness(web.Kit{}, failing(web.Operation{}, errs.New(kind, "not_ready", "No."))).call("GET", "/", "")
		if w.Code != want {
			t.Errorf("kind %d: status %d, want %d", kind, w.Code, want)
		}
	}
}

func TestProblem_CausesAreLoggedAndNeverShown(t *testing.T) {
	for name, err := range map[string]error{
		"bare":        errBoom,
		"wrapped":     fmt.Errorf("find the user: %w", errBoom),
		"internal":    errs.Wrap(errBoom, errs.Internal, "internal", "Something private broke."),
		"unavailable": errs.Wrap(errBoom, errs.Unavailable, "database_unavailable", "Try again."),
	} {
		h := newHarness(web.Kit{}, failing(web.Operation{}, err))
		w := h.call("GET", "/", "")
		problemOf(t, w)
		if strings.Contains(w.Body.String(), "10.0.0.7") || strings.Contains(w.Body.String(), "private") {
			t.Errorf("%s: shown: %s", name, w.Body)
		}
		if cause, _ := h.event(t)["cause"].(string); !strings.Contains(cause, "10.0.0.7") {
			t.Errorf("%s: not logged: %s", name, h.log)
		}
	}
}

func TestProblem_UnavailableAndTooManyAlwaysSayWhenToTryAgain(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "1", 200 * time.Millisecond: "1", 2 * time.Second: "2",
		2100 * time.Millisecond: "3"} {
		for _, err := range []*errs.Error{errs.New(errs.Unavailable, "busy", "Busy."),
			errs.New(errs.TooMany, "too_many_requests", "Wait.")} {
			w := newHarness(web.Kit{}, failing(web.Operation{}, err.WithRetry(after))).call("GET", "/", "")
			if got := w.Header().Get("Retry-After"); got != want {
				t.Errorf("%s %v: Retry-After %q, want %q", err.Code, after, got, want)
			}
		}
	}
}

func TestBudget_AHandlerThatTakesTooLongIs503(t *testing.T) {
	waits := func(r *web.Request) (greeting, error) {
		<-r.Context().Done()
		return greeting{}, fmt.Errorf("read the session: %w", r.Context().Err())
	}
	for name, kit := range map[string]web.Kit{"of the kit": {Budget: time.Millisecond}, "of the operation": {}} {
		op := web.Operation{}
		if kit.Budget == 0 {
			op.Budget = time.Millisecond
		}
		w := newHarness(kit, []web.Route{{Method: "GET", Path: "/", Endpoint: web.Query(op, waits)}}).call("GET", "/", "")
		if p := problemOf(t, w); p.Status != 503 || p.Code != web.CodeTimeout || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestProblem_AClientThatWentAwayGetsNothingAndIs499InTheLog(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waits := func(r *web.Request) (greeting, error) { return greeting{}, r.Context().Err() }
	h := newHarness(web.Kit{}, []web.Route{{Method: "GET", Path: "/", Endpoint: web.Query(web.Operation{}, waits)}})
	w := h.call("GET", "/", "", func(r *http.Request) { *r = *r.WithContext(ctx) })
	if w.Body.Len() != 0 || h.event(t)["status"] != 499.0 || h.event(t)["code"] != "client_gone" {
		t.Errorf("body %q, log %s", w.Body, h.log)
	}
}

func TestProblem_AnAnswerThatCannotBeEncodedIs500(t *testing.T) {
	type odd struct {
		C chan int `json:"c"`
	}
	h := newHarness(web.Kit{}, []web.Route{{Method: "GET", Path: "/", Endpoint: web.Query(web.Operation{},
		func(*web.Request) (odd, error) { return odd{}, nil })}})
	if p := problemOf(t, h.call("GET", "/", "")); p.Status != 500 {
		t.Errorf("%+v", p)
	}
}

func TestRaw_ErrorsBeforeTheFirstByteAreProblems(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	if p := problemOf(t, h.call("GET", "/raw?early", "")); p.Status != 404 {
		t.Errorf("%+v", p)
	}
}

func TestRaw_ErrorsLaterCutTheConnection(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", p)
		}
		if h.event(t)["code"] != "internal" || !strings.Contains(h.log.String(), "10.0.0.7") {
			t.Errorf("log %s", h.log)
		}
	}()
	h.call("GET", "/raw?late", "")
}

func TestPanic_BecomesAProblemWithTheStackInTheLog(t *testing.T) {
	h := newHarness(web.Kit{}, []web.Route{{Method: "GET", Path: "/", Endpoint: web.Query(web.Operation{},
		func(*web.Request) (greeting, error) { panic("hunter2 is nil") })}})
	w := h.call("GET", "/", "")
	p := problemOf(t, w)
	if p.Status != 500 || p.Code != web.CodeInternal || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	event := h.event(t)
	if stack, _ := event["stack"].(string); !strings.Contains(stack, "problem_test.go") || event["level"] != "ERROR" ||
		event["cause"] != "panic: hunter2 is nil" {
		t.Errorf("log %s", h.log)
	}
}

func TestPanic_AfterTheFirstByteCutsTheConnection(t *testing.T) {
	h := newHarness(web.Kit{}, []web.Route{{Method: "GET", Path: "/", Endpoint: web.Raw(web.Operation{},
		func(w http.ResponseWriter, _ *web.Request) error {
			w.WriteHeader(200)
			panic("late")
		})}})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler || h.event(t)["stack"] == nil {
			t.Errorf("recovered %v, log %s", p, h.log)
		}
	}()
	h.call("GET", "/", "")
}

func TestPanic_ErrAbortHandlerPasses(t *testing.T) {
	h := newHarness(web.Kit{}, []web.Route{{Method: "GET", Path: "/", Endpoint: web.Query(web.Operation{},
		func(*web.Request) (greeting, error) { panic(http.ErrAbortHandler) })}})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v", p)
		}
	}()
	h.call("GET", "/", "")
}

func TestCatalogue_IsOrderedWholeAndUnique(t *testing.T) {
	seen := map[string]bool{}
	last := web.Code{}
	for _, c := range web.Catalogue() {
		if seen[c.Code] || c.Title == "" || c.Meaning == "" || c.Remedy == "" || c.Status < 400 || c.Status > 599 {
			t.Errorf("%+v", c)
		}
		if c.Status < last.Status || c.Status == last.Status && c.Code < last.Code {
			t.Errorf("%s stands after %s", c.Code, last.Code)
		}
		seen[c.Code], last = true, c
	}
	if _, ok := web.LookupCode("no_such_code"); ok {
		t.Error("a code was found that is not there")
	}
}
