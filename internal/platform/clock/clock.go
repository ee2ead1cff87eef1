// Package clock tells the time in a way that tests can move. On PostgreSQL the database's clock is the truth, so that
// nodes with skewed clocks agree; Shift lets a test move that one too.
package clock

import (
	"sync"
	"time"
)

// Clock gives the current time in UTC with microseconds, the resolution that both databases keep.
type Clock interface {
	// Now is this machine's time.
	Now() time.Time
	// Shift applies to an instant read elsewhere (the database) whatever a test has done to the time.
	Shift(time.Time) time.Time
}

// System is the machine's clock.
type System struct{}

// Now implements Clock.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Shift implements Clock: nothing is moved.
func (System) Shift(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Offset is the machine's clock moved by an amount that can change: the clock of tests.
type Offset struct {
	mu sync.RWMutex
	by time.Duration
}

// Advance moves the clock on, or back.
func (o *Offset) Advance(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.by += d
}

// Now implements Clock.
func (o *Offset) Now() time.Time { return o.Shift(time.Now()) }

// Shift implements Clock.
func (o *Offset) Shift(t time.Time) time.Time {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return System{}.Shift(t.Add(o.by))
}
