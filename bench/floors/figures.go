package floors

import (
	"slices"
	"time"
)

// Figures is what a load measured.
type Figures struct {
	Requests  int     `json:"requests"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	Refused   int     `json:"refused"` // 503
	Errors    int     `json:"errors"`
	Ended     bool    `json:"ended,omitempty"` // the clients used up what was prepared before the time was over
}

// Fill reckons rate and latency.
func (f *Figures) Fill(took []time.Duration) {
	f.Requests = len(took)
	f.PerSecond = float64(len(took)) / f.Seconds
	slices.Sort(took)
	f.P50, f.P99, f.Max = Percentile(took, 50), Percentile(took, 99), Percentile(took, 100)
}

// Percentile gives the p-th Percentile of sorted times in milliseconds; 0 where there are none.
func Percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := (len(sorted)*p + 99) / 100
	return float64(sorted[max(at, 1)-1].Microseconds()) / 1000
}
