package web_test

import (
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/durwardhq/durward/internal/platform/logx"
	"github.com/durwardhq/durward/internal/surface/web"
)

func TestLog_OneEventARequestWithWhatHandlersAdded(t *testing.T) {
	h := newHarness(web.Kit{}, []web.Route{{Method: "GET", Path: "/things/{id}", Endpoint: web.Query(web.Operation{},
		func(r *web.Request) (greeting, error) {
			logx.Add(r.Context(), slog.Int("user", 7))
			return greeting{"hello"}, nil
		})}})
	w := h.call("GET", "/things/private-id?token=private-query", "", header("User-Agent", "curl/8"),
		header("Authorization", "Bearer private-token"))
	if lines := strings.Count(h.log.String(), "\n"); lines != 1 {
		t.Fatalf("%d lines: %s", lines, h.log)
	}
	event := h.event(t)
	for name, want := range map[string]any{"msg": "request", "level": "INFO", "method": "GET", "route": "/things/{id}",
		"status": 200.0, "bytes": 20.0, "address": "192.0.2.1", "device": "curl/8", "user": 7.0,
		"request_id": w.Header().Get("X-Request-Id")} {
		if event[name] != want {
			t.Errorf("%s = %v, want %v", name, event[name], want)
		}
	}
	if _, ok := event["duration_ms"].(float64); !ok {
		t.Errorf("duration_ms = %v", event["duration_ms"])
	}
	if strings.Contains(h.log.String(), "private") {
		t.Errorf("the raw path, the query or a header is in the log: %s", h.log)
	}
}

func TestLog_LevelsFollowTheOutcome(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	h.call("GET", "/quiet", "")
	if h.log.Len() != 0 {
		t.Errorf("a quiet success is logged: %s", h.log)
	}
	h.call("POST", "/quiet", "")
	if h.event(t)["level"] != "INFO" || h.event(t)["code"] != "method_not_allowed" {
		t.Errorf("%s", h.log)
	}
	h = newHarness(web.Kit{}, failing(web.Operation{}, errBoom))
	h.call("GET", "/", "")
	if h.event(t)["level"] != "ERROR" || h.event(t)["code"] != "internal" {
		t.Errorf("%s", h.log)
	}
}

func TestLog_UnknownPathsAndMethodsAreNotSpelled(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	h.call("PRIVATE", "/private", "")
	if strings.Contains(strings.ToLower(h.log.String()), "private") || h.event(t)["route"] != "unmatched" ||
		h.event(t)["method"] != "other" {
		t.Errorf("%s", h.log)
	}
}

func TestMetrics_CountByMethodRouteAndStatus(t *testing.T) {
	registry := prometheus.NewRegistry()
	h := newHarness(web.Kit{Metrics: web.NewMetrics(registry)}, routes())
	h.call("GET", "/things/1", "")
	h.call("GET", "/things/2", "")
	h.call("GET", "/things/2/3", "")
	h.call("BREW", "/hello", "")
	h.call("POST", "/sign-up", "{")
	want := []string{
		`durward_http_request_duration_seconds_count{route="/hello"} 1`,
		`durward_http_request_duration_seconds_count{route="/sign-up"} 1`,
		`durward_http_request_duration_seconds_count{route="/things/{id}"} 2`,
		`durward_http_request_duration_seconds_count{route="unmatched"} 1`,
		`durward_http_requests_in_flight 0`,
		`durward_http_requests_total{method="GET",route="/things/{id}",status="200"} 2`,
		`durward_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`durward_http_requests_total{method="POST",route="/sign-up",status="400"} 1`,
		`durward_http_requests_total{method="other",route="/hello",status="405"} 1`,
	}
	if diff := cmp.Diff(want, scrape(registry)); diff != "" {
		t.Error(diff)
	}
}

// scrape gives the samples of a registry, without buckets and sums.
func scrape(registry *prometheus.Registry) []string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var samples []string
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "_bucket{") && !strings.Contains(line, "_sum{") {
			samples = append(samples, strings.TrimSpace(line))
		}
	}
	return samples
}

func TestMetrics_InFlightComesDownAfterAPanic(t *testing.T) {
	registry := prometheus.NewRegistry()
	var during []string
	h := newHarness(web.Kit{Metrics: web.NewMetrics(registry)}, []web.Route{{Method: "GET", Path: "/",
		Endpoint: web.Query(web.Operation{}, func(*web.Request) (greeting, error) {
			during = scrape(registry)
			panic("x")
		})}})
	h.call("GET", "/", "")
	if !slices.Contains(during, "durward_http_requests_in_flight 1") ||
		!slices.Contains(scrape(registry), "durward_http_requests_in_flight 0") {
		t.Errorf("in flight: %v during, %v after", during, scrape(registry))
	}
}
