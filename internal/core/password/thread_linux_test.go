package password

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/durwardhq/durward/internal/platform/clock"
)

func TestPool_EachWorkerHasItsOwnNicedThread(t *testing.T) {
	base := niceOf(unix.Gettid())
	level := min(base+3, MaxNice)
	p := newPool(3, 3, level, 8, time.Hour, clock.System{})
	defer p.close()
	seen, together := make(chan [2]int), make(chan struct{})
	for range 3 {
		if _, err := p.enqueue(func(*memory) error {
			seen <- [2]int{unix.Gettid(), niceOf(unix.Gettid())}
			<-together
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	threads := map[int]bool{}
	for range 3 {
		s := <-seen
		threads[s[0]] = true
		if s[1] != level {
			t.Errorf("thread %d has the nice level %d, want %d", s[0], s[1], level)
		}
	}
	close(together)
	if len(threads) != 3 || p.stats().Nice != level {
		t.Errorf("threads %v, level reported %d", threads, p.stats().Nice)
	}
}

func TestPool_DerivesOnTheWorkersThread(t *testing.T) {
	h := hasher(t, cheap)
	threads := make(chan [2]int, 1)
	if err := h.pool.do(t.Context(), func(m *memory) error {
		before := unix.Gettid()
		_, err := h.inForce.derive(m, "Aa1! Aa1!", newSalt())
		threads <- [2]int{before, unix.Gettid()}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := <-threads; got[0] != got[1] {
		t.Errorf("began on thread %d, ended on %d", got[0], got[1])
	}
}

func TestSetNice_NeverLowersTheLevel(t *testing.T) {
	level := make(chan int)
	p := newPool(1, 1, 2, 8, time.Hour, clock.System{})
	defer p.close()
	if _, err := p.enqueue(func(*memory) error { level <- setNice(0); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := <-level; got < 2 {
		t.Errorf("the level fell to %d", got)
	}
}
