package clock_test

import (
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
)

func TestNow_IsUTCWithMicroseconds(t *testing.T) {
	for name, c := range map[string]clock.Clock{"system": clock.System{}, "offset": new(clock.Offset)} {
		before := time.Now().Truncate(time.Microsecond)
		now := c.Now()
		if now.Before(before) || now.After(time.Now()) {
			t.Errorf("%s: got %v, want the present", name, now)
		}
		isCanonical(t, name, now)
	}
}

func TestShift_OfSystemOnlyMakesCanonical(t *testing.T) {
	here := time.Date(2026, 11, 23, 1, 2, 3, 4567, time.FixedZone("east", 3600))
	got := clock.System{}.Shift(here)
	if want := here.Truncate(time.Microsecond); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	isCanonical(t, "shifted", got)
}

func TestAdvance_MovesBothWays(t *testing.T) {
	var c clock.Offset
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, step := range []struct{ by, total time.Duration }{
		{time.Hour, time.Hour},
		{30 * time.Minute, 90 * time.Minute},
		{-2 * time.Hour, -30 * time.Minute},
	} {
		c.Advance(step.by)
		if got := c.Shift(start).Sub(start); got != step.total {
			t.Errorf("after Advance(%v) an instant is shifted by %v, want %v", step.by, got, step.total)
		}
		if got := time.Until(c.Now()); got > step.total || got < step.total-time.Minute {
			t.Errorf("after Advance(%v) the clock is %v ahead, want about %v", step.by, got, step.total)
		}
	}
}

func TestShift_OfOffsetStaysCanonical(t *testing.T) {
	var c clock.Offset
	c.Advance(time.Nanosecond)
	isCanonical(t, "shifted", c.Shift(time.Now()))
}

func TestOffset_MayBeReadWhileItMoves(t *testing.T) {
	var c clock.Offset
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 100 {
				c.Advance(time.Second)
				c.Now()
			}
		})
	}
	done.Wait()
	if got, want := c.Shift(time.Unix(0, 0)), time.Unix(800, 0); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// isCanonical checks the form in which every time is compared and stored: UTC, whole microseconds, no monotonic part.
func isCanonical(t *testing.T, name string, at time.Time) {
	t.Helper()
	if at != at.UTC().Truncate(time.Microsecond) {
		t.Errorf("%s: %#v is not UTC with whole microseconds", name, at)
	}
}
