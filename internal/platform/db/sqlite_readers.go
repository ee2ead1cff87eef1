package db

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/sqliteconn"
)

// readers is the pool of connections that only read. The one used last is used next, since its caches are warm.
type readers struct {
	engine *sqliteEngine
	places chan struct{} // one for each connection in use
	mu     sync.Mutex
	idle   []*sqliteconn.Conn
	closed bool

	waits  atomic.Int64
	waited atomic.Int64 // nanoseconds
}

func newReaders(e *sqliteEngine, bound int) *readers {
	if bound <= 0 {
		bound = max(4, 2*runtime.GOMAXPROCS(0))
	}
	return &readers{engine: e, places: make(chan struct{}, bound)}
}

// acquire gives a connection, which release takes back.
func (r *readers) acquire(ctx context.Context) (*sqliteconn.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.engine.gone.Load() {
		return nil, unavailable(errFileGone)
	}
	select {
	case r.places <- struct{}{}:
	default:
		if err := r.wait(ctx); err != nil {
			return nil, err
		}
	}
	conn, err := r.pick(ctx)
	if err != nil {
		<-r.places
		return nil, err
	}
	return conn, nil
}

// wait waits for a place.
func (r *readers) wait(ctx context.Context) error {
	r.waits.Add(1)
	clk := r.engine.d.options.Clock
	since := clk.Now()
	timer := time.NewTimer(acquireTimeout)
	defer func() {
		timer.Stop()
		r.waited.Add(int64(max(0, clk.Now().Sub(since))))
	}()
	select {
	case r.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return unavailable(errors.New("db: all readers are busy"))
	}
}

// pick gives an idle connection, or a new one.
func (r *readers) pick(ctx context.Context) (*sqliteconn.Conn, error) {
	conn, closed := r.pop()
	switch {
	case closed:
		return nil, unavailable(errClosed)
	case conn == nil:
		return r.engine.openReader(ctx)
	}
	return conn, nil
}

func (r *readers) pop() (conn *sqliteconn.Conn, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		conn = r.idle[n-1]
		r.idle = r.idle[:n-1]
	}
	return conn, r.closed
}

func (r *readers) release(conn *sqliteconn.Conn) {
	r.mu.Lock()
	keep := !r.closed && !conn.Broken()
	if keep {
		r.idle = append(r.idle, conn)
	}
	r.mu.Unlock()
	if !keep {
		conn.Close()
	}
	<-r.places
}

// close closes the idle connections; those in use are closed when they are released.
func (r *readers) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, conn := range r.idle {
		conn.Close()
	}
	r.idle = nil
}

func (r *readers) fill(s *Stats) {
	r.mu.Lock()
	s.Idle = len(r.idle)
	r.mu.Unlock()
	s.MaxConns, s.InUse = cap(r.places), len(r.places)
	s.Open = s.Idle + s.InUse
	s.Waits, s.WaitTime = r.waits.Load(), time.Duration(r.waited.Load())
}
