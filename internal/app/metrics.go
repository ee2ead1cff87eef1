package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/surface/ops"
	"github.com/durwardhq/durward/internal/surface/web"
)

// metrics makes the registry that /metrics serves: HTTP by the kit, and what the pools, the log of events and the
// signing keys know of themselves, asked when somebody scrapes.
func (a *App) metrics() (*web.Metrics, *prometheus.Registry) {
	registry := ops.NewRegistry(ops.Build{Version: Version(), Revision: revision()})
	registry.MustRegister(&pools{a: a})
	return web.NewMetrics(registry), registry
}

// pools is a prometheus.Collector over the parts that keep their own counts.
type pools struct{ a *App }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("durward_"+name, help, labels, nil)
}

var (
	hashWorkers   = desc("hash_workers", "Threads that hash passwords.")
	hashRunning   = desc("hash_running", "Password hashes under way.")
	hashQueue     = desc("hash_queue_length", "Requests that wait for a password hash.")
	hashCapacity  = desc("hash_queue_capacity", "Requests that may wait for a password hash.")
	hashMemory    = desc("hash_memory_bytes", "Memory held by the hash workers.")
	hashDone      = desc("hash_done_total", "Password hashes computed.")
	hashRefused   = desc("hash_refused_total", "Requests refused because the queue was full.")
	hashAbandoned = desc("hash_abandoned_total", "Requests that went away while they waited.")

	dbConnections = desc("database_connections", "Connections to the database, by state.", "engine", "state")
	dbMax         = desc("database_connections_max", "The most connections that may be open.", "engine")
	dbWaits       = desc("database_waits_total", "How often somebody waited for a connection.", "engine")
	dbWaitSeconds = desc("database_wait_seconds_total", "Time spent waiting for connections.", "engine")
	dbQueue       = desc("database_write_queue_length", "Writes that wait for the writer (SQLite).", "engine")
	dbCommits     = desc("database_commits_total", "Commits.", "engine")
	dbWrites      = desc("database_writes_total", "Writes; several may share a commit on SQLite.", "engine")
	dbRetries     = desc("database_retries_total", "Writes that were run again.", "engine")

	events = desc("events_total", "Security events, by type and outcome.", "type", "outcome")
)

// Describe implements prometheus.Collector.
func (p *pools) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(p, ch) }

// Collect implements prometheus.Collector.
func (p *pools) Collect(ch chan<- prometheus.Metric) {
	p.hashing(ch)
	p.database(ch)
	for _, typ := range audit.Types() {
		for _, outcome := range []audit.Outcome{audit.Success, audit.Refused} {
			n := p.a.Audit.Count(typ, outcome)
			ch <- prometheus.MustNewConstMetric(events, prometheus.CounterValue, float64(n), string(typ), string(outcome))
		}
	}
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func (p *pools) hashing(ch chan<- prometheus.Metric) {
	s := p.a.Hasher.Stats()
	gauge(ch, hashWorkers, float64(s.Workers))
	gauge(ch, hashRunning, float64(s.Running))
	gauge(ch, hashQueue, float64(s.QueueLength))
	gauge(ch, hashCapacity, float64(s.QueueCapacity))
	gauge(ch, hashMemory, float64(s.MemoryBytes))
	counter(ch, hashDone, float64(s.Done))
	counter(ch, hashRefused, float64(s.Refused))
	counter(ch, hashAbandoned, float64(s.Abandoned))
}

func (p *pools) database(ch chan<- prometheus.Metric) {
	s := p.a.DB.Stats()
	engine := string(s.Engine)
	gauge(ch, dbConnections, float64(s.Idle), engine, "idle")
	gauge(ch, dbConnections, float64(s.InUse), engine, "in_use")
	gauge(ch, dbMax, float64(s.MaxConns), engine)
	counter(ch, dbWaits, float64(s.Waits), engine)
	counter(ch, dbWaitSeconds, s.WaitTime.Seconds(), engine)
	gauge(ch, dbQueue, float64(s.Queue), engine)
	counter(ch, dbCommits, float64(s.Groups), engine)
	counter(ch, dbWrites, float64(s.Grouped), engine)
	counter(ch, dbRetries, float64(s.Retries), engine)
}
