package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// occupied gives a SQLite database whose writer is busy until release is called, so that whatever is written meanwhile
// makes one group.
func occupied(t *testing.T) (d *db.DB, release func()) {
	t.Helper()
	d = dbtest.Open(t, dbtest.URL(t, db.SQLite), db.Options{})
	makeNotes(t, d)
	return d, occupy(t, d)
}

func occupy(t *testing.T, d *db.DB) (release func()) {
	t.Helper()
	busy, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := db.Write(t.Context(), d, func(context.Context, *db.Tx) (int, error) {
			close(busy)
			<-free
			return 0, nil
		})
		done <- err
	}()
	receive(t, busy)
	return func() {
		close(free)
		must(t, receive(t, done))
	}
}

// caller is one write of a group, and what came of it.
type caller struct {
	err      error
	panicked any
}

// queue starts writes one after another, each in the queue before the next, and gives a function that waits for all.
func queue(t *testing.T, d *db.DB, writes ...func() error) (outcomes func() []caller) {
	t.Helper()
	all := make([]caller, len(writes))
	var wait sync.WaitGroup
	for i, write := range writes {
		wait.Go(func() {
			all[i].panicked = panicOf(func() { all[i].err = write() })
		})
		until(t, "a place in the queue", func() bool { return d.Stats().Queue == i+1 })
	}
	return func() []caller {
		wait.Wait()
		return all
	}
}

func TestGroup_OfSixteenWithOneCancelledOnePanickingAndOneBreakingAConstraintLetsTheOthersStand(t *testing.T) {
	url := dbtest.URL(t, db.SQLite)
	d, err := db.Open(t.Context(), url, db.Options{})
	must(t, err)
	makeNotes(t, d)
	must(t, execute(t.Context(), d, addNote, 100, "taken"))
	release := occupy(t, d)
	before := d.Stats()

	const cancelled, panics, breaks = 3, 7, 11
	ctx, cancel := context.WithCancel(t.Context())
	var ran [16]atomic.Int32
	writes := make([]func() error, 16)
	for i := range writes {
		writes[i] = func() error {
			mine, text := t.Context(), fmt.Sprintf("note %02d", i)
			switch i {
			case cancelled:
				mine = ctx
			case breaks:
				text = "taken"
			}
			id, err := db.Write(mine, d, func(ctx context.Context, tx *db.Tx) (int64, error) {
				ran[i].Add(1)
				if i == panics {
					panic("boom")
				}
				_, err := tx.Exec(ctx, addNote, i, text)
				return int64(i), err
			})
			if err == nil && id != int64(i) {
				return fmt.Errorf("the value is %d", id)
			}
			return err
		}
	}
	outcomes := queue(t, d, writes...)
	cancel()
	release()

	var want []string
	for i, out := range outcomes() {
		switch i {
		case cancelled:
			if !errors.Is(out.err, context.Canceled) || ran[i].Load() != 0 {
				t.Errorf("the cancelled one got %v and ran %d times", out.err, ran[i].Load())
			}
		case panics:
			if p, ok := out.panicked.(*db.Panic); !ok || p.Value != "boom" {
				t.Errorf("the panicking one got %+v", out)
			}
		case breaks:
			if !db.IsUnique(out.err) {
				t.Errorf("the breaking one got %v", out.err)
			}
		default:
			want = append(want, fmt.Sprintf("note %02d", i))
			if out != (caller{}) {
				t.Errorf("number %d got %+v", i, out)
			}
		}
	}
	want = append(want, "taken")
	if after := d.Stats(); after.Retries-before.Retries != 15 {
		t.Errorf("%d closures were run again, want all 15 of the group", after.Retries-before.Retries)
	}
	must(t, d.Close())
	if got := texts(t, dbtest.Open(t, url, db.Options{})); !slices.Equal(got, want) {
		t.Errorf("after reopening the notes are %v, want %v", got, want)
	}
}

func TestGroup_WaitingWritesShareOneCommit(t *testing.T) {
	d, release := occupied(t)
	before := d.Stats()
	writes := make([]func() error, 2*db.MaxGroup)
	for i := range writes {
		writes[i] = func() error { return execute(t.Context(), d, addNote, i, fmt.Sprint(i)) }
	}
	outcomes := queue(t, d, writes...)
	release()
	for i, out := range outcomes() {
		if out != (caller{}) {
			t.Errorf("number %d got %+v", i, out)
		}
	}
	after := d.Stats()
	groups, grouped := after.Groups-before.Groups, after.Grouped-before.Grouped
	if groups != 3 || grouped != 1+2*db.MaxGroup {
		t.Errorf("%d writes took %d commits, want the one before and two groups", grouped, groups)
	}
}

func TestGroup_ACallerCancelledWhileItsGroupRunsReturnsAtOnceAndTheGroupGoesOn(t *testing.T) {
	d, release := occupied(t)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan struct{})
	outcomes := queue(t, d,
		func() error {
			defer close(left)
			return execute(ctx, d, addNote, 1, "its caller left")
		},
		func() error {
			_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
				cancel()
				<-left // comes only if the first caller does not wait for the group
				return tx.Exec(ctx, addNote, 2, "stayed")
			})
			return err
		})
	release()
	got := outcomes()
	if !errors.Is(got[0].err, context.Canceled) || got[1] != (caller{}) {
		t.Errorf("got %+v", got)
	}
	if got := texts(t, d); !slices.Equal(got, []string{"its caller left", "stayed"}) {
		t.Errorf("the notes are %v, want both", got)
	}
}

func TestGroup_AClosureCancelledInTheQueueNeverRuns(t *testing.T) {
	d, release := occupied(t)
	ctx, cancel := context.WithCancel(t.Context())
	var ran atomic.Bool
	outcomes := queue(t, d, func() error {
		_, err := db.Write(ctx, d, func(context.Context, *db.Tx) (int, error) {
			ran.Store(true)
			return 0, nil
		})
		return err
	})
	cancel()
	if got := outcomes(); !errors.Is(got[0].err, context.Canceled) {
		t.Errorf("got %+v before the writer was free, want context.Canceled", got)
	}
	release()
	must(t, execute(t.Context(), d, addNote, 1, "after it in the queue"))
	if ran.Load() {
		t.Error("the closure ran")
	}
}

// unnoticed is a context that has ended without its caller having been told yet.
type unnoticed struct {
	context.Context
	ended atomic.Bool
}

func (u *unnoticed) Done() <-chan struct{} { return nil }

func (u *unnoticed) Err() error {
	if u.ended.Load() {
		return context.Canceled
	}
	return nil
}

func TestGroup_AClosureWhoseCallerIsAboutToLeaveDoesNotRunEither(t *testing.T) {
	d, release := occupied(t)
	ctx := &unnoticed{Context: t.Context()}
	outcomes := queue(t, d,
		func() error { return execute(ctx, d, addNote, 1, "its context ended") },
		func() error { return execute(t.Context(), d, addNote, 2, "stayed") })
	ctx.ended.Store(true)
	release()
	if got := outcomes(); !errors.Is(got[0].err, context.Canceled) || got[1] != (caller{}) {
		t.Errorf("got %+v", got)
	}
	if got := texts(t, d); !slices.Equal(got, []string{"stayed"}) {
		t.Errorf("the notes are %v", got)
	}
}

func TestGroup_AFailureThatEndsTheGoroutineIsFoundAndTheOthersStand(t *testing.T) {
	d, release := occupied(t)
	outcomes := queue(t, d,
		func() error { return execute(t.Context(), d, addNote, 1, "one") },
		func() error {
			_, err := db.Write(t.Context(), d, func(context.Context, *db.Tx) (int, error) {
				runtime.Goexit()
				return 0, nil
			})
			return err
		},
		func() error { return execute(t.Context(), d, addNote, 3, "three") })
	release()
	got := outcomes()
	ended := got[1].err
	if got[0] != (caller{}) || got[2] != (caller{}) || ended == nil || !strings.Contains(ended.Error(), "Goexit") {
		t.Errorf("got %+v", got)
	}
	if got := texts(t, d); !slices.Equal(got, []string{"one", "three"}) {
		t.Errorf("the notes are %v", got)
	}
}

func TestGroup_EachClosureHasItsCallersValues(t *testing.T) {
	type name struct{}
	d, release := occupied(t)
	write := func(who string) func() error {
		return func() error {
			ctx := context.WithValue(t.Context(), name{}, who)
			got, err := db.Write(ctx, d, func(ctx context.Context, _ *db.Tx) (any, error) { return ctx.Value(name{}), nil })
			if got != who {
				return fmt.Errorf("got %v, want %s", got, who)
			}
			return err
		}
	}
	outcomes := queue(t, d, write("alice"), write("bob"))
	release()
	for _, out := range outcomes() {
		must(t, out.err)
	}
}

func TestClose_RefusesWhatWaitsAndLetsTheGroupUnderWayEnd(t *testing.T) {
	url := dbtest.URL(t, db.SQLite)
	d, err := db.Open(t.Context(), url, db.Options{})
	must(t, err)
	makeNotes(t, d)
	busy, free := make(chan struct{}), make(chan struct{})
	running := make(chan error, 1)
	go func() {
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
			close(busy)
			<-free
			return tx.Exec(ctx, addNote, 1, "under way")
		})
		running <- err
	}()
	receive(t, busy)
	outcomes := queue(t, d, func() error { return execute(t.Context(), d, addNote, 2, "waiting") })
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	until(t, "the closing", func() bool { return d.Closing() })
	close(free)
	must(t, receive(t, closed))
	must(t, receive(t, running))
	if got := outcomes(); !isUnavailable(got[0].err) {
		t.Errorf("the one that waited got %+v, want database_unavailable", got)
	}
	if got := texts(t, dbtest.Open(t, url, db.Options{})); !slices.Equal(got, []string{"under way"}) {
		t.Errorf("the notes are %v", got)
	}
}
