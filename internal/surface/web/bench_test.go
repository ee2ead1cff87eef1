package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/surface/web"
)

// sink is a ResponseWriter that costs nothing, so that the kit is what is measured.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

func measured(table []web.Route) http.Handler {
	return web.NewHandler(web.Kit{Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}, table)
}

func BenchmarkQuery(b *testing.B) {
	h := measured(routes())
	r := httptest.NewRequest("GET", "/token", nil)
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("a", 700))
	r.Header.Set("User-Agent", "bench/1")
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(&sink{header: http.Header{}}, r)
	}
}

func BenchmarkJSON(b *testing.B) {
	type refresh struct {
		Token secret.String `json:"refresh_token"`
	}
	h := measured([]web.Route{{Method: "POST", Path: "/refresh", Endpoint: web.JSON(web.Operation{},
		func(*web.Request, refresh) (greeting, error) { return greeting{"hello"}, nil })}})
	body := strings.NewReader("")
	r := httptest.NewRequest("POST", "/refresh", body)
	r.Header.Set("Content-Type", "application/json")
	text := `{"refresh_token":"` + strings.Repeat("a", 90) + `"}`
	r.ContentLength = int64(len(text))
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(text)
		r.Body = io.NopCloser(body)
		h.ServeHTTP(&sink{header: http.Header{}}, r)
	}
}

// BenchmarkNothing is what ServeMux alone costs.
func BenchmarkNothing(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"message":"x"}`)
	})
	r := httptest.NewRequest("GET", "/token", nil)
	b.ReportAllocs()
	for b.Loop() {
		mux.ServeHTTP(&sink{header: http.Header{}}, r)
	}
}
