package main

import (
	"fmt"

	"github.com/durwardhq/durward/bench/floors"
)

// goal is a bound that the product has set itself, and what was measured.
type goal struct {
	Goal   string `json:"goal"`
	Wanted string `json:"wanted"`
	Got    string `json:"got"`
	Met    bool   `json:"met"`
}

// ratioGoal asks for a part of a floor, with so many clients.
type ratioGoal struct {
	operation string
	clients   int
	floor     string
	least     float64
}

var ratioGoals = []ratioGoal{
	{"sign-in", 8, floors.Argon2, 0.85},
	{"protected", 16, floors.Check, 0.7},
	{"protected-new", 16, floors.Check, 0.7},
	{"refresh", 16, floors.Update, 0.6},
	{"jwks", 16, floors.Hello, 0.7},
}

// The other bounds.
const (
	mostStart     = 50.0 // ms
	mostIdle      = 40.0 // MiB
	mostRefresh   = 10.0 // ms, the 99th percentile with 64 clients on SQLite
	mostIsolation = 10.0 // ms, the 99th percentile of others beside 8 clients who sign in
	mostStorm     = 100.0
)

// judge sets what was measured beside the goals.
func judge(r *report) (goals []goal) {
	for _, e := range r.Engines {
		for _, row := range e.Rows {
			goals = append(goals, judgeRow(e.Engine, row)...)
		}
		if s := e.Start; s != nil {
			goals = append(goals, atMost(e.Engine+": start over a migrated database", "ms", mostStart, s.Median),
				atMost(e.Engine+": idle memory", "MiB", mostIdle, s.Idle.Resident))
		}
		for _, i := range e.Isolation {
			most := mostIsolation
			if i.Clients > 8 {
				most = mostStorm
			}
			what := fmt.Sprintf("%s: p99 beside %d clients who sign in", e.Engine, i.Clients)
			goals = append(goals, atMost(what+", /protected", "ms", most, i.Protected.P99),
				atMost(what+", /healthz", "ms", most, i.Healthz.P99))
		}
	}
	return goals
}

func judgeRow(engine string, r row) (goals []goal) {
	for _, g := range ratioGoals {
		if g.operation != r.Operation || g.clients != r.Clients {
			continue
		}
		for _, c := range r.Compared {
			if c.Floor == g.floor {
				goals = append(goals, goal{
					Goal:   fmt.Sprintf("%s: %s, %d clients, of %s", engine, r.Operation, r.Clients, g.floor),
					Wanted: fmt.Sprintf("≥ %.2f", g.least), Got: fmt.Sprintf("%.2f", c.Ratio), Met: c.Ratio >= g.least,
				})
			}
		}
	}
	if engine == "sqlite" && r.Operation == "refresh" && r.Clients == 64 {
		goals = append(goals, atMost("sqlite: refresh, 64 clients, p99", "ms", mostRefresh, r.P99))
	}
	return goals
}

func atMost(what, unit string, most, got float64) goal {
	return goal{Goal: what, Wanted: fmt.Sprintf("≤ %.0f %s", most, unit), Got: fmt.Sprintf("%.1f %s", got, unit), Met: got <= most}
}
