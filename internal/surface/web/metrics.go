package web

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts and times requests. One value serves every handler of a process. A nil *Metrics counts nothing.
type Metrics struct {
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewMetrics makes the metrics of HTTP and registers them. Labels are bounded: methods beyond the standard ones are
// "other", paths that are not in the table "unmatched".
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "durward_http_requests_total",
			Help: "Requests answered, by method, route and status; 499 is a client that went away.",
		}, []string{"method", "route", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "durward_http_request_duration_seconds",
			Help:    "Time from a request's header to the end of its handler, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "durward_http_requests_in_flight",
			Help: "Requests being served now.",
		}),
	}
	registry.MustRegister(m.requests, m.latency, m.inFlight)
	return m
}

// enter counts a request in.
func (m *Metrics) enter() {
	if m != nil {
		m.inFlight.Inc()
	}
}

// leave counts it out.
func (m *Metrics) leave() {
	if m != nil {
		m.inFlight.Dec()
	}
}

func (m *Metrics) observe(method, route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(route).Observe(took.Seconds())
}
