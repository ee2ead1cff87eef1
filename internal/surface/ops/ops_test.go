package ops_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/surface/ops"
	"github.com/durwardhq/durward/internal/surface/web"
)

// get serves one endpoint at /x and asks it; it gives the answer and the log.
func get(e web.Endpoint) func() (*httptest.ResponseRecorder, string) {
	log := &bytes.Buffer{}
	kit := web.Kit{Logger: slog.New(slog.NewJSONHandler(log, nil))}
	h := web.NewHandler(kit, []web.Route{{Method: "GET", Path: "/x", Endpoint: e}})
	return func() (*httptest.ResponseRecorder, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
		return w, log.String()
	}
}

func passing(context.Context) error { return nil }

func TestHealthz_SaysOK(t *testing.T) {
	w, log := get(ops.Healthz())()
	if w.Code != 200 || w.Body.String() != `{"status":"ok"}`+"\n" || log != "" {
		t.Errorf("%d %s, log %q", w.Code, w.Body, log)
	}
}

func TestReadyz_IsReadyWhenEveryCheckPasses(t *testing.T) {
	w, _ := get(ops.Readyz(clock.System{},
		ops.Check{Name: "database", Run: passing}, ops.Check{Name: "keys", Run: passing}))()
	if w.Code != 200 || w.Body.String() != `{"status":"ready","checks":["database","keys"]}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w, _ := get(ops.Readyz(clock.System{}))(); w.Body.String() != `{"status":"ready","checks":[]}`+"\n" {
		t.Errorf("no checks: %s", w.Body)
	}
}

func TestReadyz_NamesWhatFailsInSafeWords(t *testing.T) {
	private := errors.New("dial tcp 10.0.0.7: connection refused")
	ask := get(ops.Readyz(clock.System{},
		ops.Check{Name: "database", Run: func(context.Context) error { return private }},
		ops.Check{Name: "schema", Run: func(context.Context) error {
			return errs.Wrap(private, errs.Unavailable, "unavailable", "The schema is behind.")
		}},
		ops.Check{Name: "queue", Run: func(context.Context) error { return context.DeadlineExceeded }},
		ops.Check{Name: "fine", Run: passing},
		ops.Check{Name: "keys", Run: func(context.Context) error { panic(private) }},
	))
	w, log := ask()
	var p web.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	want := "Not ready: database (fails; the server's log says why), schema (The schema is behind), " +
		"queue (does not answer in time), keys (fails; the server's log says why)."
	if w.Code != 503 || p.Code != "not_ready" || p.Detail != want || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %s\nwant %s", w.Code, w.Body, want)
	}
	if strings.Contains(w.Body.String(), "10.0.0.7") || !strings.Contains(log, "10.0.0.7") {
		t.Errorf("body %s, log %s", w.Body, log)
	}
}

func TestReadyz_RunsItsChecksAtMostOnceASecond(t *testing.T) {
	var runs atomic.Int32
	var clk clock.Offset
	ask := get(ops.Readyz(&clk, ops.Check{Name: "database", Run: func(context.Context) error {
		if runs.Add(1) > 1 {
			return errors.New("away")
		}
		return nil
	}}))
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if w, _ := ask(); w.Code != 200 {
				t.Errorf("status %d", w.Code)
			}
		})
	}
	group.Wait()
	if n := runs.Load(); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
	clk.Advance(time.Second)
	if w, _ := ask(); w.Code != 503 || runs.Load() != 2 {
		t.Errorf("a second later: %d after %d runs", w.Code, runs.Load())
	}
	clk.Advance(-time.Hour)
	if _, _ = ask(); runs.Load() != 3 {
		t.Errorf("a clock that went back kept an old result")
	}
}

func TestReadyz_ACallerWhoGoesAwayDoesNotMakeItFail(t *testing.T) {
	h := web.NewHandler(web.Kit{}, []web.Route{{Method: "GET", Path: "/x", Endpoint: ops.Readyz(clock.System{},
		ops.Check{Name: "database", Run: func(ctx context.Context) error { return ctx.Err() }})}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/x", nil).WithContext(ctx))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
	if w.Code != 200 {
		t.Errorf("status %d %s", w.Code, w.Body)
	}
}

func TestReadyz_ChecksHaveATimeLimit(t *testing.T) {
	ask := get(ops.Readyz(clock.System{}, ops.Check{Name: "database", Run: func(ctx context.Context) error {
		deadline, ok := ctx.Deadline()
		if !ok || time.Until(deadline) > 2*time.Second {
			return errors.New("no limit")
		}
		return nil
	}}))
	if w, _ := ask(); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

func TestMetrics_HoldBuildRuntimeAndProcess(t *testing.T) {
	registry := ops.NewRegistry(ops.Build{Version: "v1.2.3", Revision: "abc"})
	w, log := get(ops.Metrics(registry))()
	for _, want := range []string{`durward_build_info{go="go1.`, `revision="abc",version="v1.2.3"} 1`, "go_goroutines ",
		"process_resident_memory_bytes "} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is missing from %.300s", want, w.Body)
		}
	}
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") || log != "" {
		t.Errorf("%d %v, log %s", w.Code, w.Header(), log)
	}
}
