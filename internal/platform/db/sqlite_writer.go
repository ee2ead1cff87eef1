package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/sqliteconn"
)

const (
	// maxGroup bounds the writes of one commit, and with it how long the last of them waits for the first.
	maxGroup = 64
	// maxQueue bounds the writes that wait.
	maxQueue = 1024
	// maxWait bounds a caller's wait altogether, so that a closure that asks for a second transaction behind our back
	// fails instead of hanging for ever.
	maxWait = 10 * time.Second
	// lockPoll is how long one attempt to begin waits. SQLite's own waits grow to 100 ms between two looks, which another
	// process that commits group after group would hardly ever meet.
	lockPoll = 2 * time.Millisecond
)

// What became of a job before its group began.
const (
	jobQueued int32 = iota
	jobTaken
	jobLeft
)

// sqliteWriter is the one goroutine that writes. It takes whatever waits into one transaction, so that one sync of the
// disk serves all; when anything goes wrong in it, nobody is acknowledged and each closure runs again alone.
type sqliteWriter struct {
	e       *sqliteEngine
	queue   chan *job
	closing chan struct{}
	closed  chan struct{}

	// gate is held while a transaction is under way; the checkpointer takes it to have the log for itself.
	gate sync.Mutex

	// These belong to the goroutine.
	conn    *sqliteconn.Conn
	group   []*job
	alone   []*job
	running *job

	groups, grouped, retries atomic.Int64
}

// job is one write, from its caller to the writer and back.
type job struct {
	work
	ctx     context.Context
	state   atomic.Int32
	outcome chan outcome // holds one: the writer never waits for a caller
}

type outcome struct {
	err   error
	panic *Panic
}

func newSQLiteWriter(e *sqliteEngine, conn *sqliteconn.Conn) *sqliteWriter {
	return &sqliteWriter{e: e, conn: conn, queue: make(chan *job, maxQueue),
		closing: make(chan struct{}), closed: make(chan struct{}), group: make([]*job, 0, maxGroup)}
}

// write queues a closure and waits until it is committed, refused, or no longer waited for.
func (w *sqliteWriter) write(ctx context.Context, todo work) error {
	j := &job{work: todo, ctx: ctx, outcome: make(chan outcome, 1)}
	if err := w.enqueue(ctx, j); err != nil {
		return err
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case out := <-j.outcome:
		return out.give()
	case <-w.closed:
		return j.leave(unavailable(errClosed))
	case <-ctx.Done():
		return j.leave(ctx.Err())
	case <-timer.C:
		return j.leave(unavailable(fmt.Errorf("db: no commit within %v", maxWait)))
	}
}

// enqueue waits for a place in the queue.
func (w *sqliteWriter) enqueue(ctx context.Context, j *job) error {
	select {
	case w.queue <- j:
		return nil
	default:
	}
	timer := time.NewTimer(acquireTimeout)
	defer timer.Stop()
	select {
	case w.queue <- j:
		return nil
	case <-w.closing:
		return unavailable(errClosed)
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return unavailable(fmt.Errorf("db: %d writes wait already", maxQueue))
	}
}

// leave ends the caller's wait: a closure still queued never runs, one that runs goes on without its caller. An outcome
// that came in the same moment is taken instead.
func (j *job) leave(err error) error {
	select {
	case out := <-j.outcome:
		return out.give()
	default:
		j.state.CompareAndSwap(jobQueued, jobLeft)
		return err
	}
}

// give hands the outcome to the caller, in the caller's goroutine.
func (o outcome) give() error {
	if o.panic != nil {
		panic(o.panic)
	}
	return o.err
}

func (j *job) finish(o outcome) { j.outcome <- o }

// loop is the writer's goroutine. A closure that ends it (runtime.Goexit, as a test's FailNow does) is answered like
// one that failed, and another goroutine takes over.
func (w *sqliteWriter) loop() {
	ended := false
	defer func() {
		if !ended {
			w.takeOver()
			go w.loop()
		}
	}()
	for w.next() {
	}
	ended = true
	w.conn.Close()
	close(w.closed)
}

// next runs one group, and tells whether there may be another.
func (w *sqliteWriter) next() bool {
	if len(w.alone) > 0 {
		w.group = append(w.group[:0], w.alone[0])
		w.alone = w.alone[1:]
		w.runGroup()
		return true
	}
	w.e.check.keepUp()
	select {
	case <-w.closing:
		return false
	default:
	}
	select {
	case j := <-w.queue:
		w.collect(j)
		w.runGroup()
		return true
	case <-w.closing:
		return false
	}
}

// collect makes a group of j and whatever else waits, without those whose callers have left or are about to.
func (w *sqliteWriter) collect(j *job) {
	w.group = w.group[:0]
	for {
		if err := j.ctx.Err(); err != nil {
			j.finish(outcome{err: err})
		} else if j.state.CompareAndSwap(jobQueued, jobTaken) {
			w.group = append(w.group, j)
		}
		if len(w.group) == maxGroup {
			return
		}
		select {
		case j = <-w.queue:
		default:
			return
		}
	}
}

// runGroup runs the group in one transaction and answers everybody, or leaves the group for running alone.
func (w *sqliteWriter) runGroup() {
	if len(w.group) == 0 {
		return
	}
	out := w.transact()
	switch {
	case out == (outcome{}):
		w.groups.Add(1)
		w.grouped.Add(int64(len(w.group)))
		w.e.check.wrote(int64(len(w.group)))
	case len(w.group) > 1 && w.running != nil: // a closure failed, or the commit of all: find out whose fault it is
		w.split(w.group)
		return
	}
	for _, j := range w.group {
		j.finish(out)
	}
	clear(w.group) // nothing of a caller's is kept until the next group
	w.running = nil
}

// split leaves jobs for running alone.
func (w *sqliteWriter) split(jobs []*job) {
	w.retries.Add(int64(len(jobs)))
	w.alone = append(w.alone[:0], jobs...)
}

// transact runs the group's closures between BEGIN and COMMIT. The commit counts only if the file is still there.
func (w *sqliteWriter) transact() outcome {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.running = nil
	if err := w.begin(); err != nil {
		return outcome{err: err}
	}
	for _, j := range w.group {
		if out := w.runOne(j); out != (outcome{}) {
			w.rollback()
			return out
		}
	}
	if err := w.exec("COMMIT"); err != nil {
		w.rollback()
		return outcome{err: err}
	}
	return outcome{err: w.e.verify()}
}

// begin takes the lock of the file, waiting for other processes as long as busyTimeout.
func (w *sqliteWriter) begin() error {
	if err := w.e.verify(); err != nil {
		return err
	}
	if err := w.reopen(); err != nil {
		return err
	}
	err := w.exec("BEGIN IMMEDIATE")
	if !sqliteconn.IsBusy(err) {
		return err
	}
	timer := time.NewTimer(busyTimeout)
	defer timer.Stop()
	for sqliteconn.IsBusy(err) {
		w.retries.Add(1)
		select {
		case <-timer.C:
			return fmt.Errorf("db: another process has held the lock of %s for %v: %w", w.e.path, busyTimeout, err)
		default:
			err = w.exec("BEGIN IMMEDIATE")
		}
	}
	return err
}

// reopen replaces a connection that failed.
func (w *sqliteWriter) reopen() error {
	if !w.conn.Broken() {
		return nil
	}
	conn, err := w.e.openWriter(w.background())
	if err != nil {
		return err
	}
	w.conn.Close()
	w.conn = conn
	return nil
}

// runOne runs one closure. A panic becomes an outcome; runtime.Goexit passes through and is met by loop.
func (w *sqliteWriter) runOne(j *job) (out outcome) {
	w.running = j
	tx := &Tx{d: w.e.d, conn: sqliteTx{w.conn}, once: j.once, now: j.now}
	if !j.once {
		tx.now = w.e.d.options.Clock.Now()
	}
	returned := false
	defer func() {
		if !returned {
			if value := recover(); value != nil {
				out = outcome{panic: &Panic{Value: value, Stack: debug.Stack()}}
			}
			_ = tx.finish(nil) // closes rows left open; the panic is the outcome
		}
	}()
	err := j.run(uncancelled(j.ctx, w.e.d), tx)
	returned = true
	return outcome{err: tx.finish(err)}
}

// errGoexit is the outcome of a closure that ended the goroutine it ran in.
var errGoexit = errors.New("db: the closure ended its goroutine (runtime.Goexit) instead of returning")

// takeOver cleans up after a closure that ended the goroutine.
func (w *sqliteWriter) takeOver() {
	w.rollback()
	rest := make([]*job, 0, len(w.group))
	for _, j := range w.group {
		if j == w.running {
			j.finish(outcome{err: errGoexit})
		} else {
			rest = append(rest, j)
		}
	}
	w.split(append(rest, w.alone...))
}

// rollback undoes the transaction. Where that fails the connection is opened anew, which undoes it too.
func (w *sqliteWriter) rollback() {
	if err := w.exec("ROLLBACK"); err != nil {
		w.conn.Break()
	}
}

func (w *sqliteWriter) exec(sql string) error {
	w.e.d.observe(sql)
	_, err := w.conn.Exec(w.background(), sql, nil)
	return err
}

// background is the context of the writer's own statements: they serve many callers and end with none of them.
func (w *sqliteWriter) background() context.Context { return context.Background() }

// close refuses what waits, lets the group under way end, and waits for that.
func (w *sqliteWriter) close() {
	close(w.closing)
	<-w.closed
}

func (w *sqliteWriter) fill(s *Stats) {
	s.Queue = len(w.queue)
	s.Groups, s.Grouped, s.Retries = w.groups.Load(), w.grouped.Load(), w.retries.Load()
}
