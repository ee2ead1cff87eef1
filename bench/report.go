package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/durwardhq/durward/bench/floors"
)

// report is everything that a run found out.
type report struct {
	At      time.Time        `json:"at"`
	Took    string           `json:"took"`
	Machine string           `json:"machine"`
	Cores   int              `json:"cores"`
	Go      string           `json:"go"`
	Load    []string         `json:"load_average"` // before and after
	Each    string           `json:"each"`
	Runs    int              `json:"runs"`
	Sizes   map[string]int64 `json:"binary_bytes,omitempty"`
	Engines []*engineReport  `json:"engines"`
	Goals   []goal           `json:"goals"`
}

type engineReport struct {
	Engine       string                `json:"engine"`
	Sessions     int                   `json:"sessions"`
	SessionBytes float64               `json:"bytes_per_session"`
	Start        *startReport          `json:"start,omitempty"`
	Floors       []storedFloor         `json:"floors,omitempty"`
	Rows         []row                 `json:"operations,omitempty"`
	Isolation    []isolationReport     `json:"isolation,omitempty"`
	Statements   map[string]statements `json:"statements"`
}

// startReport is the time from exec to the first answer over a migrated database, in milliseconds, and the memory of a
// server that nobody has asked anything.
type startReport struct {
	Median float64 `json:"median_ms"`
	Least  float64 `json:"least_ms"`
	Most   float64 `json:"most_ms"`
	Idle   memory  `json:"idle"`
}

type storedFloor struct {
	Floor   string `json:"floor"`
	Clients int    `json:"clients"`
	measured
}

// row is an operation with so many clients: the run in the middle by its rate, and the comparisons over all runs.
type row struct {
	Operation string `json:"operation"`
	Clients   int    `json:"clients"`
	measured
	All      []measured   `json:"runs,omitempty"`
	Compared []comparison `json:"compared"`
	Memory   memory       `json:"memory"`
}

// comparison is an operation over its floor: the median of the runs' ratios.
type comparison struct {
	Floor string  `json:"floor"`
	Basis basis   `json:"basis"`
	Rate  float64 `json:"floor_rate"` // of the last run, by the basis
	Ratio float64 `json:"ratio"`
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
	all   []float64
}

// add notes a run beside its floors.
func (r *row) add(m measured, against []versus, floors []measured) {
	r.All = append(r.All, m)
	byRate := slices.SortedFunc(slices.Values(r.All), func(a, b measured) int { return int(a.PerCore - b.PerCore) })
	r.measured = byRate[(len(byRate)-1)/2]
	if r.Compared == nil {
		r.Compared = make([]comparison, len(against))
	}
	for i, v := range against {
		c := &r.Compared[i]
		own, floor := m.PerCore, floors[i].PerCore
		if v.basis == byClock {
			own, floor = m.PerSecond, floors[i].PerSecond
		}
		c.Floor, c.Basis, c.Rate = v.floor, v.basis, floor
		if floor > 0 {
			c.all = append(c.all, own/floor)
			c.Ratio, c.Least, c.Most = median(c.all), slices.Min(c.all), slices.Max(c.all)
		}
	}
}

// isolationReport is how others fare while so many clients sign in without pause.
type isolationReport struct {
	Clients   int            `json:"clients"`
	SignIn    floors.Figures `json:"sign_in"`
	Protected floors.Figures `json:"protected"`
	Healthz   floors.Figures `json:"healthz"`
	Memory    memory         `json:"memory"`
}

func newReport(o options) *report {
	return &report{At: time.Now().UTC(), Machine: machine(), Cores: runtime.NumCPU(), Go: runtime.Version(),
		Load: []string{loadAverage()}, Each: fmt.Sprintf("%s after %s", o.Duration, o.Warmup), Runs: o.Runs}
}

// loadAverage is that of the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

func (r *report) end(took time.Duration) {
	r.Load = append(r.Load, loadAverage())
	r.Took = took.Round(time.Second).String()
	r.Goals = judge(r)
}

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "%s, %d cores, %s; %s UTC; load average %s before, %s after; %s each, %d run(s); in all %s\n",
		r.Machine, r.Cores, r.Go, r.At.Format("2006-01-02 15:04"), r.Load[0], r.Load[1], r.Each, r.Runs, r.Took)
	for _, name := range slices.Sorted(maps.Keys(r.Sizes)) {
		fmt.Fprintf(w, "%s: %.1f MB\n", name, float64(r.Sizes[name])/1e6)
	}
	for _, e := range r.Engines {
		e.print(w)
	}
	return printTable(w, "Goals", "goal\twanted\tgot\t\t", func(line func(string, ...any)) {
		for _, g := range r.Goals {
			line("%s\t%s\t%s\t%s\t", g.Goal, g.Wanted, g.Got, map[bool]string{true: "met", false: "FALLS SHORT"}[g.Met])
		}
	})
}

// printTable prints a heading, the heads of the columns, and lines whose cells end in tabs.
func printTable(w io.Writer, heading, heads string, fill func(line func(format string, args ...any))) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\n%s\n%s\n", heading, heads)
	fill(func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) })
	return t.Flush()
}

func (e *engineReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n=== %s: %d sessions, %.0f bytes each with indexes\n", e.Engine, e.Sessions, e.SessionBytes)
	if s := e.Start; s != nil {
		fmt.Fprintf(w, "start to the first answer: %.1f ms (%.1f to %.1f); idle: %.1f MiB resident, of it %.1f anonymous\n",
			s.Median, s.Least, s.Most, s.Idle.Resident, s.Idle.Anonymous)
	}
	_ = printTable(w, "Operations", heads("operation", "ratio to floors"), func(line func(string, ...any)) {
		for _, r := range e.Rows {
			line("%s\t%s%s\t", r.Operation, r.cells(r.Clients), compared(r.Compared))
		}
	})
	if len(e.Floors) > 0 {
		_ = printTable(w, "Floors", heads("floor", ""), func(line func(string, ...any)) {
			for _, f := range e.Floors {
				line("%s\t%s\t", f.Floor, f.cells(f.Clients))
			}
		})
	}
	e.printIsolation(w)
	_ = printTable(w, "Statements", "operation\treads\twrites\ttransactions\t", func(line func(string, ...any)) {
		for _, name := range slices.Sorted(maps.Keys(e.Statements)) {
			c := e.Statements[name]
			line("%s\t%d\t%d\t%d\t", name, c.Reads, c.Writes, c.Commits)
		}
	})
}

func heads(first, last string) string {
	return first + "\tclients\t/s\t/s per core\tµs CPU\tp50 ms\tp99 ms\terrors\tothers\t" + last + "\t"
}

// cells are the figures of a line.
func (m measured) cells(clients int) string {
	failures := fmt.Sprint(m.Errors)
	if m.Refused > 0 {
		failures += fmt.Sprintf(" (+%d busy)", m.Refused)
	}
	if m.Ended {
		failures += " (ended early)"
	}
	return fmt.Sprintf("%d\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t%s\t%.0f %%\t", clients, m.PerSecond, m.PerCore, m.Micros,
		m.P50, m.P99, failures, m.Others*100)
}

func compared(all []comparison) string {
	texts := make([]string, len(all))
	for i, c := range all {
		spread := ""
		if c.Least != c.Most {
			spread = fmt.Sprintf(" (%.2f to %.2f)", c.Least, c.Most)
		}
		texts[i] = fmt.Sprintf("%.2f%s of %s, %.0f/s by %s", c.Ratio, spread, c.Floor, c.Rate, c.Basis)
	}
	return strings.Join(texts, "; ")
}

func (e *engineReport) printIsolation(w io.Writer) {
	if len(e.Isolation) == 0 {
		return
	}
	title := fmt.Sprintf("Others while clients sign in without pause (offered: %d/s on /protected, %d/s on /healthz)",
		probeRate, probeRate/10)
	_ = printTable(w, title, "clients\tsign-ins/s\tbusy\t/protected/s\tp50 ms\tp99 ms\tmax ms\t/healthz p99 ms\terrors\tMiB\t",
		func(line func(string, ...any)) {
			for _, i := range e.Isolation {
				line("%d\t%.1f\t%d\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%d\t%.0f\t", i.Clients, i.SignIn.PerSecond, i.SignIn.Refused,
					i.Protected.PerSecond, i.Protected.P50, i.Protected.P99, i.Protected.Max, i.Healthz.P99,
					i.SignIn.Errors+i.Protected.Errors+i.Healthz.Errors, i.Memory.Resident)
			}
		})
}
