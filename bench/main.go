// Command bench measures the server from outside: it starts the real binary on one core and drives it over loopback from
// another, and sets each figure beside its floor, which is the same work with nothing around it, measured in the same
// run. Ratios of one run hold on any machine; absolute figures hold for the machine and the minute. It owns the load,
// the floors and the report; what the figures mean stands in docs/performance.md.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/durwardhq/durward/bench/floors"
)

const description = `Measures Durward: requests per second, per second of server CPU, latency, start-up and memory, each
beside its floor in the same run. The server runs on one core, the load and PostgreSQL on another. Nothing but loopback
is loaded, all data are temporary, and everything stops by itself.

Examples:
  go run ./bench                                  everything, about eight minutes
  go run ./bench --only refresh --engine postgres
  go run ./bench --only protected,jwks --clients 16 --runs 5
  go run ./bench --only isolation --set DURWARD_HASH_NICE=10
  go run ./bench --json > figures.json

Measurements: ` + "%s."

// options is the command line.
type options struct {
	Only        []string      `placeholder:"NAME,…" help:"Measure these alone."`
	Engine      []string      `default:"sqlite,postgres" enum:"sqlite,postgres" help:"The databases (${default})."`
	Clients     []int         `default:"1,16,64" help:"How many clients at once (${default})."`
	HashClients []int         `default:"1,8" help:"How many clients at once where each request hashes a password (${default})."`
	Duration    time.Duration `default:"5s" help:"How long each figure is measured (${default})."`
	Warmup      time.Duration `default:"1s" help:"How long the load runs before that (${default})."`
	Runs        int           `default:"1" help:"How often each pair of figure and floor is measured; the median is told (${default})."`
	Sessions    int           `default:"60000" help:"Sessions in the database (${default})."`
	Postgres    string        `placeholder:"URL" help:"Use this PostgreSQL server on loopback, where a database is made and dropped, instead of a private one."`
	Binary      string        `placeholder:"FILE" help:"Measure this binary instead of building one."`
	Dir         string        `placeholder:"DIR" help:"Where the temporary data lie: a folder on the disk to measure (the system's)."`
	ServerCPU   int           `default:"0" help:"The core of the server (${default})."`
	LoadCPU     int           `default:"1" help:"The core of load and PostgreSQL (${default})."`
	Set         []string      `placeholder:"NAME=VALUE" sep:"none" help:"A variable of the server's environment, to compare settings: DURWARD_HASH_NICE=10, GOMAXPROCS=2. May be repeated."`
	JSON        bool          `help:"Print one JSON document instead of tables."`
}

// commandLine has the hidden command that runs the floors in a process of their own, on the server's core.
type commandLine struct {
	Run    options        `cmd:"" default:"withargs" help:"Measure."`
	Floors floors.Options `cmd:"" hidden:"" help:"Serve the floors."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program and gives its exit code: 0, 1 for a failure, 2 for a mistake on the command line. A goal that
// is missed is a figure, not a failure.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var line commandLine
	asked := false
	parser, err := kong.New(&line, kong.Name("bench"), kong.Writers(stdout, stderr),
		kong.Description(fmt.Sprintf(description, strings.Join(measurementNames(), ", "))),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, Compact: true}),
		kong.Exit(func(int) { asked = true }))
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	chosen, err := parser.Parse(args)
	if asked { // --help
		return 0
	}
	if err == nil {
		err = line.Run.check()
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	if chosen.Command() == "floors" {
		err = line.Floors.Serve(ctx, stdout)
	} else {
		err = measureAll(ctx, line.Run, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func (o options) check() error {
	for _, name := range o.Only {
		if !slices.Contains(measurementNames(), name) {
			return fmt.Errorf("--only %s: there is no such measurement; there are %s", name,
				strings.Join(measurementNames(), ", "))
		}
	}
	for _, n := range append(slices.Clone(o.Clients), o.HashClients...) {
		if n < 1 || n > 512 {
			return fmt.Errorf("clients: expected 1 to 512, got %d", n)
		}
	}
	switch {
	case o.Runs < 1 || o.Runs > 100:
		return fmt.Errorf("--runs: expected 1 to 100, got %d", o.Runs)
	case o.Duration < 100*time.Millisecond || o.Duration > 10*time.Minute:
		return fmt.Errorf("--duration: expected 100ms to 10m, got %s", o.Duration)
	case o.Warmup < 0 || o.Warmup > 10*time.Minute:
		return fmt.Errorf("--warmup: expected 0s to 10m, got %s", o.Warmup)
	case o.Sessions < 1000 || o.Sessions > 10_000_000:
		return fmt.Errorf("--sessions: expected 1000 to 10000000, got %d", o.Sessions)
	}
	return nil
}

// wants tells whether a measurement was asked for.
func (o options) wants(name string) bool { return len(o.Only) == 0 || slices.Contains(o.Only, name) }
