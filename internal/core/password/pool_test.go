package password

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/errs"
)

func newCounter() *atomic.Int64 { return new(atomic.Int64) }

func poolOf(t *testing.T, size, capacity int) *pool {
	t.Helper()
	p := newPool(size, capacity, 0, 8, time.Hour, clock.System{})
	t.Cleanup(p.close)
	return p
}

// occupied has every worker in a job that lasts until release is called.
func occupied(t *testing.T, p *pool) (release func()) {
	t.Helper()
	block, started := make(chan struct{}), make(chan struct{})
	for range p.size {
		if _, err := p.enqueue(func(*memory) error { started <- struct{}{}; <-block; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for range p.size {
		<-started
	}
	release = sync.OnceFunc(func() { close(block) })
	t.Cleanup(release) // before the pool's own clean-up, which waits for the workers
	return release
}

func enqueued(t *testing.T, p *pool, work func(*memory) error) *job {
	t.Helper()
	j, err := p.enqueue(work)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func nothing(*memory) error { return nil }

func TestPool_RefusesAtOnceWhatExceedsTheQueue(t *testing.T) {
	p := poolOf(t, 2, 3)
	occupied(t, p)
	for range 3 {
		enqueued(t, p, nothing)
	}
	_, err := p.enqueue(nothing)
	e := errs.As(err)
	if !errors.Is(err, ErrBusy) || e.Kind != errs.Unavailable || e.Code != "busy" || e.RetryAfter < time.Second {
		t.Errorf("got %+v", e)
	}
	if s := p.stats(); s.Refused != 1 || s.QueueLength != 3 || s.Running != 2 {
		t.Errorf("got %+v", s)
	}
}

func TestPool_TakesAsManyAsWorkersAndPlacesEvenBeforeAWorkerWakes(t *testing.T) {
	for range 200 {
		p := newPool(2, 1, 0, 8, time.Hour, clock.System{})
		block := make(chan struct{})
		for range 3 {
			enqueued(t, p, func(*memory) error { <-block; return nil })
		}
		if _, err := p.enqueue(nothing); !errors.Is(err, ErrBusy) {
			t.Fatalf("a fourth job: %v", err)
		}
		close(block)
		p.close()
	}
}

func TestPool_AdmitsAsManyAsItHasPlacesWhereverTheyAreOnTheirWay(t *testing.T) {
	p := poolOf(t, 2, 3)
	var leaves []func()
	for range 5 {
		leave, err := p.admit()
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	if _, err := p.admit(); !errors.Is(err, ErrBusy) {
		t.Errorf("a sixth got %v, want ErrBusy, though nobody has reached the queue yet", err)
	}
	leaves[0]()
	if _, err := p.admit(); err != nil {
		t.Errorf("after one has left: %v", err)
	}
	if n := p.stats().Refused; n != 1 {
		t.Errorf("%d refused, want 1", n)
	}
}

func TestPool_ServesInOrderOfArrival(t *testing.T) {
	p := poolOf(t, 1, 10)
	release := occupied(t, p)
	var order []int // by the one worker alone
	var last *job
	for i := range 10 {
		last = enqueued(t, p, func(*memory) error { order = append(order, i); return nil })
	}
	release()
	<-last.done
	if !slices.IsSorted(order) || len(order) != 10 {
		t.Errorf("got %v", order)
	}
}

func TestPool_ACancelledRequestLeavesTheQueueAtOnce(t *testing.T) {
	p := poolOf(t, 1, 2)
	release := occupied(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	never := enqueued(t, p, func(*memory) error { t.Error("a cancelled job was done"); return nil })
	behind := enqueued(t, p, nothing)
	ended := make(chan error)
	go func() { ended <- p.await(ctx, never) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	// The worker is still held by its first job, and yet there is a place.
	if s := p.stats(); s.QueueLength != 1 || s.Abandoned != 1 || s.Running != 1 {
		t.Errorf("got %+v", s)
	}
	last := enqueued(t, p, nothing)
	release()
	for _, j := range []*job{behind, last} {
		if err := p.await(t.Context(), j); err != nil {
			t.Error(err)
		}
	}
	if s := p.stats(); s.Done != 3 || s.QueueLength != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestPool_ACancelledRequestDoesNotWaitForItsRunningJob(t *testing.T) {
	p := poolOf(t, 1, 1)
	started, block := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	j := enqueued(t, p, func(*memory) error { close(started); <-block; return nil })
	<-started
	cancel()
	if err := p.await(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s := p.stats(); s.Running != 1 || s.Abandoned != 0 {
		t.Errorf("got %+v", s)
	}
	close(block)
	<-j.done
	if s := p.stats(); s.Running != 0 || s.Done != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestPool_ManyCancelledRequestsStarveNobody(t *testing.T) {
	p := poolOf(t, 2, 64)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	var done atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				j, err := p.enqueue(func(*memory) error { done.Add(1); return nil })
				switch {
				case err != nil:
					runtime.Gosched()
				case i%2 == 0:
					_ = p.await(gone, j)
				default:
					if err := p.await(t.Context(), j); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	p.close()
	if s := p.stats(); s.QueueLength != 0 || s.Running != 0 || int64(s.Done) != done.Load() ||
		s.Done+s.Abandoned+s.Refused != 1600 {
		t.Errorf("got %+v, done %d", s, done.Load())
	}
}

func TestPool_CloseRefusesWhatWaitsAndWhatComes(t *testing.T) {
	p := poolOf(t, 1, 2)
	release := occupied(t, p)
	waiting := enqueued(t, p, func(*memory) error { t.Error("done after the end"); return nil })
	closed := make(chan struct{})
	go func() { p.close(); close(closed) }()
	if err := p.await(t.Context(), waiting); !errors.Is(err, ErrBusy) {
		t.Errorf("what waits: got %v", err)
	}
	if err := p.do(t.Context(), nothing); !errors.Is(err, ErrBusy) {
		t.Errorf("what comes: got %v", err)
	}
	select {
	case <-closed:
		t.Error("closed while a job runs")
	default:
	}
	release()
	<-closed
	p.close() // once more does no harm
}

func TestPool_CloseEndsTheWorkersAndTheirMemory(t *testing.T) {
	p := newPool(3, 1, 0, 8, time.Hour, clock.System{})
	if err := p.do(t.Context(), func(m *memory) error { _, err := m.take(8); return err }); err != nil {
		t.Fatal(err)
	}
	if got := p.stats().MemoryBytes; got != 8*blockBytes {
		t.Errorf("held %d bytes", got)
	}
	p.close()
	if got := p.stats().MemoryBytes; got != 0 {
		t.Errorf("still held %d bytes", got)
	}
}

func TestPool_APanicIsAnErrorAndTheWorkerGoesOn(t *testing.T) {
	p := poolOf(t, 1, 1)
	err := p.do(t.Context(), func(*memory) error { panic("broken") })
	if e := errs.As(err); e == nil || e.Kind != errs.Internal || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(errs.As(err).Message, "broken") {
		t.Error("the cause shows in the message")
	}
	if err := p.do(t.Context(), nothing); err != nil {
		t.Error(err)
	}
	if s := p.stats(); s.Panicked != 1 || s.Done != 2 || s.Running != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestPool_GivesBackMemoryBeyondTheCostsInForce(t *testing.T) {
	for blocks, kept := range map[int]int64{8: 8, 9: 0, 500: 0} {
		p := poolOf(t, 1, 1)
		if err := p.do(t.Context(), func(m *memory) error { _, err := m.take(blocks); return err }); err != nil {
			t.Fatal(err)
		}
		if got := p.stats().MemoryBytes; got != kept*blockBytes {
			t.Errorf("after %d blocks %d bytes are held", blocks, got)
		}
	}
}

func TestPool_GivesBackMemoryWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(2, 1, 0, 8, time.Minute, clock.System{})
		defer p.close()
		take := func(m *memory) error { _, err := m.take(8); return err }
		if err := p.do(t.Context(), take); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if p.stats().MemoryBytes != 8*blockBytes {
			t.Error("the memory is given back before the time")
		}
		<-time.After(2 * time.Minute) // of the bubble's clock
		synctest.Wait()
		if got := p.stats().MemoryBytes; got != 0 {
			t.Errorf("%d bytes are held", got)
		}
		if err := p.do(t.Context(), take); err != nil {
			t.Error(err)
		}
	})
}

func TestPool_EstimatesWhenToTryAgain(t *testing.T) {
	for _, c := range []struct {
		mean          time.Duration
		size, waiting int
		want          time.Duration
	}{
		{0, 2, 10, time.Second},
		{20 * time.Millisecond, 2, 64, time.Second},
		{200 * time.Millisecond, 1, 10, 2 * time.Second},
		{200 * time.Millisecond, 2, 64, 7 * time.Second},
		{time.Second, 1, 10_000, longestRetry},
	} {
		p := &pool{size: c.size, mean: c.mean}
		for range c.waiting {
			p.waiting.PushBack(&job{})
		}
		if got := p.retryAfter(); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

// ticking is a clock that goes on by a second whenever it is asked.
type ticking struct{ n atomic.Int64 }

func (c *ticking) Now() time.Time            { return time.Unix(c.n.Add(1), 0) }
func (*ticking) Shift(t time.Time) time.Time { return t }

func TestPool_MeasuresWorkAndWaiting(t *testing.T) {
	p := newPool(1, 5, 0, 8, time.Hour, &ticking{})
	defer p.close()
	for range 4 { // queued, taken, started, finished: a second apart each
		if err := p.do(t.Context(), nothing); err != nil {
			t.Fatal(err)
		}
	}
	s := p.stats()
	if s.Done != 4 || s.WaitTime != 4*time.Second || s.BusyTime != 4*time.Second {
		t.Errorf("got %+v", s)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mean != time.Second {
		t.Errorf("mean %v", p.mean)
	}
}

func TestPool_ParallelUseGivesEachCallerItsOwnResult(t *testing.T) {
	h := hasher(t, Config{Argon2: cheap.Argon2, Weak: true, Workers: 3, Queue: 64})
	var wg sync.WaitGroup
	for i := range 32 {
		pw := strings.Repeat("x", i)
		wg.Go(func() {
			encoded := hashed(t, h, pw)
			if match, _ := verified(t, h, encoded, pw); !match {
				t.Errorf("%d: no match", i)
			}
			if match, _ := verified(t, h, encoded, pw+"x"); match {
				t.Errorf("%d: matches another's", i)
			}
		})
	}
	wg.Wait()
}
