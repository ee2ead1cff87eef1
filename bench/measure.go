package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/durwardhq/durward/bench/floors"
)

// measured is a load or a floor with what it cost its process.
type measured struct {
	floors.Figures
	CPU     float64 `json:"cpu_seconds"`
	PerCore float64 `json:"per_core_second"` // requests for a second of the process's CPU
	Micros  float64 `json:"cpu_us"`          // the process's CPU for a request
	Others  float64 `json:"others"`          // the part of the core that other processes had
}

// newMeasured sets figures beside the CPU seconds of the process and of its core.
func newMeasured(f floors.Figures, own, core float64) measured {
	m := measured{Figures: f, CPU: own, Others: max(0, core-own) / f.Seconds}
	if own > 0 && f.Requests > 0 {
		m.PerCore, m.Micros = float64(f.Requests)/own, own/float64(f.Requests)*1e6
	}
	return m
}

// measureLoad runs clients against a process and reads what it used meanwhile.
func measureLoad(ctx context.Context, p *process, address string, scripts []script, o options) (measured, error) {
	var before, after usage
	var failures [2]error
	f, err := closedLoop(ctx, address, scripts, o.Warmup, o.Duration, func(begin bool) {
		if begin {
			before, failures[0] = p.usage()
		} else {
			after, failures[1] = p.usage()
		}
	})
	if err = errors.Join(err, failures[0], failures[1]); err != nil {
		return measured{}, err
	}
	return newMeasured(f, (after.own - before.own).Seconds(), (after.core - before.core).Seconds()), nil
}

// Measurements that are not operations.
const (
	nameStart      = "start"
	nameSigning    = "signing"
	nameIsolation  = "isolation"
	nameStorm      = "storm"
	nameFloors     = "floors"
	nameStatements = "statements"
)

// measurementNames are the words that --only takes.
func measurementNames() []string {
	names := []string{nameStart, nameSigning, nameFloors}
	for _, op := range operations {
		names = append(names, op.name)
	}
	return append(names, nameIsolation, nameStorm, nameStatements)
}

// measureAll measures what the options ask for and prints the report.
func measureAll(ctx context.Context, o options, stdout, stderr io.Writer) error {
	begun := time.Now()
	note := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%4.0f s  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
	}
	dir, err := os.MkdirTemp(o.Dir, "durward-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.LoadCPU >= runtime.NumCPU() {
		note("there is no core %d: everything runs on core %d, and latencies tell of the load as well", o.LoadCPU, o.ServerCPU)
		o.LoadCPU = o.ServerCPU
	}
	note("building")
	r := newReport(o)
	var binary string
	if binary, r.Sizes, err = build(ctx, o, dir); err != nil {
		return err
	}
	if err := stayOnCPU(o.LoadCPU); err != nil {
		return err
	}
	for _, engine := range o.Engine {
		s := &stage{o: o, engine: engine, binary: binary, dir: filepath.Join(dir, engine), note: note}
		e, err := s.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
		r.Engines = append(r.Engines, e)
	}
	r.end(time.Since(begun))
	return r.print(stdout, o.JSON)
}

// measure does everything for one engine.
func (s *stage) measure(ctx context.Context) (e *engineReport, err error) {
	e = &engineReport{Engine: s.engine}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return e, err
	}
	if s.engine == "postgres" {
		s.note("starting PostgreSQL")
		if s.pg, err = startPostgres(ctx, s.o.Postgres, filepath.Dir(s.dir), s.o.LoadCPU); err != nil {
			return e, err
		}
		defer s.pg.stop()
	}
	drop, err := s.set(ctx, e)
	defer drop()
	if err != nil {
		return e, err
	}
	if s.o.wants(nameStart) {
		start, err := s.measureStart(ctx)
		if err != nil {
			return e, err
		}
		e.Start = &start
	}
	return e, s.play(ctx, func() error { return s.measureEach(ctx, e) })
}

func (s *stage) measureEach(ctx context.Context, e *engineReport) error {
	if err := s.measureFloors(ctx, e); err != nil {
		return err
	}
	for _, op := range operations {
		if !s.o.wants(op.name) {
			continue
		}
		clients := s.o.Clients
		if op.hashes {
			clients = s.o.HashClients
		}
		for _, n := range clients {
			row, err := s.measureOperation(ctx, op, n)
			if err != nil {
				return fmt.Errorf("%s, %d clients: %w", op.name, n, err)
			}
			e.Rows = append(e.Rows, row)
		}
	}
	for _, storm := range []struct {
		name    string
		clients int
	}{{nameIsolation, 8}, {nameStorm, 500}} {
		if !s.o.wants(storm.name) {
			continue
		}
		s.note("%s: %s", s.engine, storm.name)
		i, err := s.isolation(ctx, storm.clients)
		if err != nil {
			return fmt.Errorf("%s: %w", storm.name, err)
		}
		e.Isolation = append(e.Isolation, i)
	}
	return nil
}

// measureFloors measures the floors that no operation stands beside, and the signing of tokens.
func (s *stage) measureFloors(ctx context.Context, e *engineReport) error {
	var names []string
	if s.o.wants(nameSigning) {
		names = append(names, floors.Sign, floors.Token)
	}
	if s.o.wants(nameFloors) {
		names = append(names, floors.Verify, floors.Argon2, floors.Argon2Other)
	}
	for _, name := range names {
		if err := s.addFloor(ctx, e, name, 1); err != nil {
			return err
		}
	}
	if !s.o.wants(nameFloors) {
		return nil
	}
	for _, n := range s.o.Clients {
		for _, name := range []string{floors.Hello, floors.HelloSign, floors.Select, floors.Update, floors.Check, floors.HTTPCheck, floors.HTTPRenew} {
			if err := s.addFloor(ctx, e, name, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stage) addFloor(ctx context.Context, e *engineReport, name string, clients int) error {
	m, err := s.floor(ctx, versus{floor: name}, clients)
	e.Floors = append(e.Floors, storedFloor{Floor: name, Clients: clients, measured: m})
	return err
}

// probeRate is how many requests a second are offered beside the sign-ins.
const probeRate = 500

// isolation offers a steady load on /protected and /healthz while clients sign in without pause.
func (s *stage) isolation(ctx context.Context, clients int) (i isolationReport, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Warmup+s.o.Duration+2*grace)
	defer cancel()
	storming, err := signIn(s, clients)
	if err != nil {
		return i, err
	}
	probes := []struct {
		scripts []script
		Figures floors.Figures
	}{{scripts: make([]script, 64)}, {scripts: make([]script, 8)}}
	for n := range probes[0].scripts {
		probes[0].scripts[n] = always(get(nil, "/protected", s.share(n, 64)[0].access), 200)
	}
	for n := range probes[1].scripts {
		probes[1].scripts[n] = always(get(nil, "/healthz", ""), 200)
	}
	probing, stopProbing := context.WithCancel(ctx)
	defer stopProbing()
	type ended struct {
		which int
		f     floors.Figures
		err   error
	}
	results := make(chan ended, len(probes))
	load := func(begin bool) {
		if !begin {
			stopProbing()
			return
		}
		for n, p := range probes {
			rate := []float64{probeRate, probeRate / 10}[n]
			go func() {
				f, err := openLoop(probing, s.listen, p.scripts, rate)
				results <- ended{n, f, err}
			}()
		}
	}
	i.Clients = clients
	if i.SignIn, err = closedLoop(ctx, s.listen, storming, s.o.Warmup, s.o.Duration, load); err != nil {
		return i, err
	}
	for range probes {
		r := <-results
		probes[r.which].Figures, err = r.f, errors.Join(err, r.err)
	}
	i.Protected, i.Healthz = probes[0].Figures, probes[1].Figures
	if err != nil {
		return i, err
	}
	i.Memory, err = s.server.memory()
	return i, err
}

// machine describes what the figures were measured on.
func machine() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// median gives the middle of some figures, the lower of two.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)/2]
}
