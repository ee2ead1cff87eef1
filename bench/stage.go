package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// stage is one engine's database with the server and the floors over it.
type stage struct {
	o        options
	engine   string
	binary   string
	dir      string
	pg       *postgres // nil for SQLite
	note     func(format string, args ...any)
	database string
	listen   string
	env      []string

	server *process
	floors *floorProcess
	known  map[floorKeyed]remembered

	keep       []ticket // sessions that stay
	spare      []ticket // sessions that are used up
	registered atomic.Int64
	seen       atomic.Int64
}

// set makes the stage's database and fills it.
func (s *stage) set(ctx context.Context, report *engineReport) (drop func(), err error) {
	drop = func() {}
	s.database = "sqlite:" + filepath.Join(s.dir, "durward.db")
	if s.pg != nil {
		if s.database, drop, err = s.pg.database(ctx); err != nil {
			return drop, err
		}
	}
	if s.listen, err = freeAddress(ctx); err != nil {
		return drop, err
	}
	ops, err := freeAddress(ctx)
	if err != nil {
		return drop, err
	}
	s.env = environment(s.database, s.listen, ops)
	in, err := openInside(ctx, s.env)
	if err != nil {
		return drop, err
	}
	if report.Statements, err = in.counts(); err == nil {
		err = s.fill(ctx, in)
	}
	if err = errors.Join(err, in.app.Close()); err != nil {
		return drop, err
	}
	report.Sessions = s.o.Sessions + s.spares()
	report.SessionBytes, err = s.sessionBytes(ctx, report.Sessions)
	return drop, err
}

func (s *stage) fill(ctx context.Context, in *inside) error {
	s.note("%s: making %d sessions", s.engine, s.o.Sessions+s.spares())
	tickets, err := in.fill(ctx, s.o.Sessions+s.spares())
	if err != nil {
		return err
	}
	s.keep, s.spare = tickets[:s.o.Sessions], tickets[s.o.Sessions:]
	return nil
}

// At most so many requests a second are expected where each needs a session of its own.
const (
	fastestLogout    = 5_000
	fastestProtected = 9_000
	mostSpares       = 150_000
)

// logouts is how many sessions one measurement of logout may end.
func (s *stage) logouts() int {
	return int((s.o.Warmup + s.o.Duration).Seconds() * fastestLogout)
}

// spares is how many sessions are made to be used up.
func (s *stage) spares() int {
	times := len(s.o.Clients) * s.o.Runs
	n := 0
	if s.o.wants("logout") {
		n = s.logouts() * times
	}
	if s.o.wants("protected-new") {
		n = max(n, int((s.o.Warmup+s.o.Duration).Seconds()*fastestProtected)*times)
	}
	return min(n, mostSpares)
}

// share gives a client's part of the sessions that stay.
func (s *stage) share(client, clients int) []ticket {
	each := len(s.keep) / clients
	return s.keep[client*each : (client+1)*each]
}

// sessionBytes is what a row of sessions takes on the disk, indexes included.
func (s *stage) sessionBytes(ctx context.Context, rows int) (bytes float64, err error) {
	if s.pg != nil {
		c, err := pgx.Connect(ctx, s.database)
		if err != nil {
			return 0, err
		}
		defer c.Close(context.WithoutCancel(ctx))
		err = c.QueryRow(ctx, `SELECT pg_total_relation_size('sessions')::float8`).Scan(&bytes)
		return bytes / float64(rows), err
	}
	d, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "durward.db"))
	if err != nil {
		return 0, err
	}
	defer d.Close()
	err = d.QueryRowContext(ctx, `SELECT sum(pgsize) FROM dbstat WHERE name IN
		(SELECT name FROM sqlite_schema WHERE tbl_name = 'sessions')`).Scan(&bytes)
	return bytes / float64(rows), err
}

// start starts the server and tells how long it took to the first answer.
func (s *stage) start(ctx context.Context) (took time.Duration, err error) {
	log, err := discard()
	if err != nil {
		return 0, err
	}
	defer log.Close()
	cmd := exec.Command(s.binary, "serve")
	cmd.Env, cmd.Dir, cmd.Stderr = append(s.env[:len(s.env):len(s.env)], s.o.Set...), s.dir, log
	begun := time.Now()
	if s.server, err = begin(cmd, s.o.ServerCPU); err != nil {
		return 0, err
	}
	at, err := answers(ctx, s.server, s.listen, "/healthz")
	if err != nil {
		s.stop()
		return 0, fmt.Errorf("the server: %w; to see why: %s serve, with %q", err, s.binary, s.env)
	}
	return at.Sub(begun), nil
}

// stop stops the server.
func (s *stage) stop() {
	if s.server != nil {
		s.server.end(syscall.SIGTERM)
		s.server = nil
	}
}

// play starts the server and the floors, has measure do its work, and stops both.
func (s *stage) play(ctx context.Context, measure func() error) (err error) {
	if s.floors, err = startFloors(ctx, s.database, s.o.ServerCPU); err != nil {
		return err
	}
	defer s.floors.stop()
	s.known = map[floorKeyed]remembered{}
	if s.pg != nil {
		if err := s.pg.settle(ctx, s.database); err != nil {
			return err
		}
	}
	if _, err := s.start(ctx); err != nil {
		return err
	}
	defer s.stop()
	return measure()
}

// measureOperation measures an operation with so many clients, each time right after its floors.
func (s *stage) measureOperation(ctx context.Context, op operation, clients int) (row, error) {
	r := row{Operation: op.name, Clients: clients}
	for range s.o.Runs {
		var floorRates []measured
		for _, v := range op.versus {
			m, err := s.floor(ctx, v, clients)
			if err != nil {
				return r, fmt.Errorf("floor %s: %w", v.floor, err)
			}
			floorRates = append(floorRates, m)
		}
		s.note("%s: %s, %d clients", s.engine, op.name, clients)
		scripts, err := op.scripts(s, clients)
		if err != nil {
			return r, err
		}
		m, err := measureLoad(ctx, s.server, s.listen, scripts, s.o)
		if err != nil {
			return r, err
		}
		r.add(m, op.versus, floorRates)
	}
	var err error
	r.Memory, err = s.server.memory()
	return r, err
}

// floorKeyed and remembered keep a floor that several operations share for as long as it is fresh.
type floorKeyed struct {
	name    string
	clients int
}

type remembered struct {
	at time.Time
	m  measured
}

// fresh is how long a floor is used again: "the same minute".
const fresh = time.Minute

func (s *stage) floor(ctx context.Context, v versus, clients int) (measured, error) {
	if v.alone {
		clients = 1
	}
	key := floorKeyed{v.floor, clients}
	if old, ok := s.known[key]; ok && time.Since(old.at) < fresh && s.o.Runs == 1 {
		return old.m, nil
	}
	s.note("%s: floor %s, %d clients", s.engine, v.floor, clients)
	m, err := s.floors.measure(ctx, v.floor, clients, s.o)
	s.known[key] = remembered{time.Now(), m}
	return m, err
}

// starts is how often the server is started to tell its time; the first start, which warms the disk's cache, is left out.
const starts = 11

// measureStart tells how long the server takes to its first answer, and its memory a while after.
func (s *stage) measureStart(ctx context.Context) (start startReport, err error) {
	var took []float64
	var idle []memory
	for i := range starts {
		s.note("%s: start %d of %d", s.engine, i+1, starts)
		t, err := s.start(ctx)
		if err != nil {
			return start, err
		}
		if i > 0 {
			took = append(took, float64(t.Microseconds())/1000)
		}
		if i >= starts-3 {
			wait(ctx, 2*time.Second)
			m, err := s.server.memory()
			if err != nil {
				return start, err
			}
			idle = append(idle, m)
		}
		s.stop()
	}
	slices.SortFunc(idle, func(a, b memory) int { return int(a.Resident*1024) - int(b.Resident*1024) })
	slices.Sort(took)
	return startReport{Median: took[len(took)/2], Least: took[0], Most: took[len(took)-1], Idle: idle[len(idle)/2]}, ctx.Err()
}

// build makes the binary, and tells its size with the symbols and without.
func build(ctx context.Context, o options, dir string) (path string, sizes map[string]int64, err error) {
	if o.Binary != "" {
		path, err = filepath.Abs(o.Binary)
		return path, nil, err
	}
	sizes = map[string]int64{}
	for name, flags := range map[string]string{"durward": "", "durward-stripped": "-s -w"} {
		path := filepath.Join(dir, name)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", flags, "-o", path,
			"github.com/durwardhq/durward/cmd/durward")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("build the server: %w\n%s", err, text)
		}
		info, err := os.Stat(path)
		if err != nil {
			return "", nil, err
		}
		sizes[name] = info.Size()
	}
	return filepath.Join(dir, "durward"), sizes, nil
}
