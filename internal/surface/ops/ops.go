// Package ops serves what machines that run Durward ask for: is it alive, can it serve, what has it counted. The
// endpoints are made here and listed by the listeners: health and readiness on both, metrics on the operations listener
// alone. What is checked and what is counted belongs to others, who pass it in.
package ops

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/durwardhq/durward/internal/surface/web"
)

const tag = "Operations"

type health struct {
	Status string `json:"status" enum:"ok" doc:"Always ok: a process that is not alive does not answer."`
}

// Healthz is GET /healthz: the process is alive. It looks at nothing else, so that a database that is away does not
// make an orchestrator restart every instance.
func Healthz() web.Endpoint {
	op := web.Operation{
		OperationID: "getHealth", Tag: tag, Summary: "Is the process alive", Quiet: true,
		Description: "For liveness probes. It looks at nothing but itself; whether it can serve is told by /readyz.",
	}
	return web.Query(op, func(*web.Request) (health, error) { return health{Status: "ok"}, nil })
}

// Metrics is GET /metrics: everything that was registered with gatherer, in Prometheus' text format. It tells an
// attacker a lot, so it is for the operations listener.
func Metrics(gatherer prometheus.Gatherer) web.Endpoint {
	op := web.Operation{
		OperationID: "getMetrics", Tag: tag, Summary: "Metrics for Prometheus", Quiet: true, Unlisted: true,
		Produces: "text/plain; version=0.0.4; charset=utf-8",
	}
	scrape := promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	return web.Raw(op, func(w http.ResponseWriter, r *web.Request) error {
		scrape.ServeHTTP(w, r.Request)
		return nil
	})
}

// Build says which program runs.
type Build struct {
	Version  string // as `durward version` prints it
	Revision string // of the source
}

// NewRegistry makes the registry that everything else registers with: Go's runtime, the process and the build are in
// it.
func NewRegistry(build Build) *prometheus.Registry {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "durward_build_info",
		Help: "Always 1; the labels say which program runs.",
		ConstLabels: prometheus.Labels{
			"version": build.Version, "revision": build.Revision, "go": runtime.Version(),
		},
	})
	info.Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
