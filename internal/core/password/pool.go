package password

import (
	"container/list"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/errs"
)

// ErrBusy is the refusal when the queue is full, or when the server is stopping. It says when to try again.
var ErrBusy = errs.New(errs.Unavailable, "busy", "The server is busy. Try again in a moment.")

const (
	// idleAfter is how long a worker keeps its memory without work.
	idleAfter = 10 * time.Second
	// longestRetry bounds what RetryAfter estimates.
	longestRetry = 30 * time.Second
)

// pool runs jobs on a fixed number of workers, each on an operating system thread of its own with a nice level. What
// waits stands in one queue in order of arrival; what exceeds the queue is refused at once.
type pool struct {
	size     int
	capacity int
	keep     int // blocks of memory
	idle     time.Duration
	clock    clock.Clock

	wake    chan struct{} // a token for each worker that may sleep while there is work
	quit    chan struct{}
	workers sync.WaitGroup
	held    atomic.Int64

	mu       sync.Mutex
	closed   bool
	waiting  list.List // of *job
	running  int
	admitted int // requests that hold a place, wherever they are on their way
	nice     int
	mean     time.Duration // of a job, moving
	count    counters
}

type counters struct {
	done, refused, abandoned, panicked uint64
	busy, waited                       time.Duration
}

// job is a piece of work from enqueue to done. Its place is nil when it is not, or no longer, waiting.
type job struct {
	work   func(*memory) error
	place  *list.Element
	queued time.Time
	done   chan struct{}
	err    error // to be read after done is closed
}

// newPool starts the workers and returns when each runs at its nice level.
func newPool(size, capacity, nice, keep int, idle time.Duration, c clock.Clock) *pool {
	p := &pool{
		size: size, capacity: capacity, keep: keep, idle: idle, clock: c,
		wake: make(chan struct{}, size),
		quit: make(chan struct{}),
	}
	levels := make(chan int)
	for range size {
		p.workers.Go(func() { p.worker(nice, levels) })
	}
	for range size {
		p.nice = <-levels
	}
	return p
}

// do runs work on a worker and gives its error; when ctx ends first, ctx's. Work whose turn had not come is then never
// done; work under way ends unheard, so it may change nothing that the caller reads without do's success.
func (p *pool) do(ctx context.Context, work func(*memory) error) error {
	if err := ctx.Err(); err != nil {
		return cancelled(err)
	}
	j, err := p.enqueue(work)
	if err != nil {
		return err
	}
	return p.await(ctx, j)
}

func cancelled(err error) error { return fmt.Errorf("wait for the password hash: %w", err) }

// admit takes a place for a request that will want a worker, or refuses it. leave gives the place back.
func (p *pool) admit() (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.admitted >= p.size+p.capacity {
		p.count.refused++
		return nil, ErrBusy.WithRetry(p.retryAfter())
	}
	p.admitted++
	return p.leave, nil
}

func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.admitted--
}

func (p *pool) full() bool { return p.closed || p.waiting.Len()+p.running >= p.size+p.capacity }

// enqueue puts work into the queue, or refuses it. Work that a free worker is about to take needs no place.
func (p *pool) enqueue(work func(*memory) error) (*job, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full() {
		p.count.refused++
		return nil, ErrBusy.WithRetry(p.retryAfter())
	}
	j := &job{work: work, queued: p.clock.Now(), done: make(chan struct{})}
	j.place = p.waiting.PushBack(j)
	select {
	case p.wake <- struct{}{}:
	default: // as many tokens as workers are out: each will look at the queue again
	}
	return j, nil
}

// await waits for a job's end or the caller's.
func (p *pool) await(ctx context.Context, j *job) error {
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		p.abandon(j)
		return cancelled(ctx.Err())
	}
}

// abandon takes a job out of the queue if no worker has it yet, so that its place is free at once.
func (p *pool) abandon(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.place == nil {
		return
	}
	p.waiting.Remove(j.place)
	j.place = nil
	p.count.abandoned++
}

// retryAfter estimates, in whole seconds, how long the work that is there will take. It needs the lock.
func (p *pool) retryAfter() time.Duration {
	work := p.mean * time.Duration(p.waiting.Len()+p.running) / time.Duration(p.size)
	seconds := (work + time.Second - 1).Truncate(time.Second)
	return min(max(seconds, time.Second), longestRetry)
}

// worker runs until the pool closes. It never unlocks its thread, which therefore ends with it: no other goroutine
// inherits the nice level.
func (p *pool) worker(nice int, levels chan<- int) {
	runtime.LockOSThread()
	levels <- setNice(nice)
	m := &memory{keep: p.keep, held: &p.held}
	defer m.release()
	for {
		if j := p.next(); j != nil {
			p.run(j, m)
		} else if !p.sleep(m) {
			return
		}
	}
}

// next takes the first job of the queue, or nil.
func (p *pool) next() *job {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.waiting.Front()
	if first == nil {
		return nil
	}
	j := p.waiting.Remove(first).(*job)
	j.place = nil
	p.running++
	p.count.waited += p.since(j.queued)
	return j
}

// sleep waits for work, and gives the memory back when none comes; false means that the pool is closed.
func (p *pool) sleep(m *memory) bool {
	idle := time.NewTimer(p.idle)
	defer idle.Stop()
	for {
		select {
		case <-p.wake:
			return true
		case <-p.quit:
			return false
		case <-idle.C:
			m.release()
		}
	}
}

// run does a job. The next of the queue may be counted on before the caller hears of the end.
func (p *pool) run(j *job, m *memory) {
	started := p.clock.Now()
	var panicked bool
	j.err, panicked = guard(j.work, m)
	m.trim()
	p.finish(p.since(started), panicked)
	close(j.done)
}

// guard turns a panic into an error: one bad hash must not end the worker.
func guard(work func(*memory) error, m *memory) (err error, panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			cause := fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			err = errs.Wrap(cause, errs.Internal, "internal", "The password could not be processed.")
			panicked = true
		}
	}()
	return work(m), false
}

func (p *pool) finish(took time.Duration, panicked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.count.done++
	p.count.busy += took
	if panicked {
		p.count.panicked++
	}
	if p.mean == 0 {
		p.mean = took
	}
	p.mean += (took - p.mean) / 8
}

// since tells how long ago t was; a clock that was set back counts as no time.
func (p *pool) since(t time.Time) time.Duration { return max(0, p.clock.Now().Sub(t)) }

// close refuses what waits and what comes, lets the running jobs end, and waits for the workers.
func (p *pool) close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		for e := p.waiting.Front(); e != nil; e = p.waiting.Front() {
			j := p.waiting.Remove(e).(*job)
			j.place = nil
			j.err = ErrBusy.WithRetry(time.Second)
			p.count.refused++
			close(j.done)
		}
		close(p.quit)
	}
	p.mu.Unlock()
	p.workers.Wait()
}

// Stats is the state of a Hasher's workers and queue at one moment, and what they did since it was made.
type Stats struct {
	Workers       int // threads that hash
	Nice          int // nice level that they really have
	Running       int // hashes under way
	QueueLength   int // requests that wait
	QueueCapacity int // how many may wait
	MemoryBytes   int64

	Done      uint64 // hashes computed
	Refused   uint64 // requests turned away with ErrBusy
	Abandoned uint64 // requests that were cancelled while they waited
	Panicked  uint64 // hashes among Done that failed by a panic

	BusyTime time.Duration // summed over the workers
	WaitTime time.Duration // summed over the requests whose turn came
}

func (p *pool) stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{
		Workers: p.size, Nice: p.nice, Running: p.running,
		QueueLength: p.waiting.Len(), QueueCapacity: p.capacity, MemoryBytes: p.held.Load(),
		Done: p.count.done, Refused: p.count.refused, Abandoned: p.count.abandoned, Panicked: p.count.panicked,
		BusyTime: p.count.busy, WaitTime: p.count.waited,
	}
}
