package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// giveUp makes PostgreSQL fail a statement as it fails one that met another transaction.
const giveUp = `DO $$ BEGIN RAISE EXCEPTION 'met another' USING ERRCODE = '40001'; END $$`

func TestRetry_AConflictRunsTheClosureAgain(t *testing.T) {
	d, _ := dbtest.Postgres(t)
	makeNotes(t, d)
	type run func(ctx context.Context, fn func(ctx context.Context, tx *db.Tx) (int, error)) (int, error)
	for name, write := range map[string]run{
		"Write": func(ctx context.Context, fn func(context.Context, *db.Tx) (int, error)) (int, error) {
			return db.Write(ctx, d, fn)
		},
		"Once": func(ctx context.Context, fn func(context.Context, *db.Tx) (int, error)) (int, error) {
			return db.Once(ctx, d, time.Now(), fn)
		},
	} {
		runs := 0
		got, err := write(t.Context(), func(ctx context.Context, tx *db.Tx) (int, error) {
			runs++
			if runs < 3 {
				_, err := tx.Exec(ctx, giveUp)
				return 0, err
			}
			_, err := tx.Exec(ctx, `DELETE FROM notes`)
			return runs, err
		})
		if got != 3 || err != nil {
			t.Errorf("%s: got %d, %v, want the value of the third run", name, got, err)
		}
	}
	if s := d.Stats(); s.Retries != 4 {
		t.Errorf("%d retries, want 4", s.Retries)
	}
}

func TestRetry_ConflictsWithoutEndAreUnavailable(t *testing.T) {
	d, _ := dbtest.Postgres(t)
	runs := 0
	_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
		runs++
		return tx.Exec(ctx, giveUp)
	})
	if !isUnavailable(err) || runs < 2 || runs > 20 {
		t.Errorf("got %v after %d runs, want database_unavailable after a few", err, runs)
	}
}

func TestRetry_EndsWithItsCaller(t *testing.T) {
	d, _ := dbtest.Postgres(t)
	ctx, leave := context.WithCancel(t.Context())
	runs := 0
	_, err := db.Write(ctx, d, func(ctx context.Context, tx *db.Tx) (int64, error) {
		runs++
		leave()
		return tx.Exec(ctx, giveUp)
	})
	if !errors.Is(err, context.Canceled) || runs != 1 {
		t.Errorf("got %v after %d runs, want context.Canceled after one", err, runs)
	}
}

func TestRetry_OfTwoTransactionsInDeadlockBothSucceed(t *testing.T) {
	t.Parallel() // it mostly waits
	d, _ := dbtest.Postgres(t)
	makeNotes(t, d)
	must(t, execute(t.Context(), d, `INSERT INTO notes (id, text, number) VALUES (1, 'a', 0), (2, 'b', 0)`))
	var met sync.WaitGroup // both hold their first row before either asks for its second
	met.Add(2)
	cross := func(first, second int64) error {
		var runs atomic.Int32
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
			if _, err := tx.Exec(ctx, `UPDATE notes SET number = number + 1 WHERE id = $1`, first); err != nil {
				return 0, err
			}
			if runs.Add(1) == 1 {
				met.Done()
				met.Wait()
			}
			return tx.Exec(ctx, `UPDATE notes SET number = number + 1 WHERE id = $1`, second)
		})
		return err
	}
	done := make(chan error, 2)
	go func() { done <- cross(1, 2) }()
	go func() { done <- cross(2, 1) }()
	must(t, receive(t, done))
	must(t, receive(t, done))
	var sum int64
	must(t, d.QueryRow(t.Context(), `SELECT CAST(sum(number) AS BIGINT) FROM notes`).Scan(&sum))
	if s := d.Stats(); sum != 4 || s.Retries != 1 {
		t.Errorf("the sum is %d after %d retries, want 4 after one", sum, s.Retries)
	}
}

func TestRead_ACallerThatLeavesEndsItsStatementAndLosesNoConnection(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	d := dbtest.Open(t, url, db.Options{MaxConns: 1})
	var before, after int64
	must(t, d.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&before))
	ctx, leave := context.WithCancel(t.Context())
	watcher := dbtest.Open(t, url, db.Options{MaxConns: 1})
	go func() {
		defer leave()
		until(t, "the statement", func() bool {
			var n int64
			err := watcher.QueryRow(t.Context(),
				`SELECT count(pid) FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%' AND state = 'active'`,
				before).Scan(&n)
			return err == nil && n == 1
		})
	}()
	started := time.Now()
	err := d.QueryRow(ctx, `SELECT CAST(pg_sleep(20) AS TEXT)`).Scan(new(string))
	if !errors.Is(err, context.Canceled) || time.Since(started) > 10*time.Second {
		t.Errorf("got %v after %v, want context.Canceled soon", err, time.Since(started))
	}
	must(t, d.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&after))
	if after != before {
		t.Error("the connection was lost")
	}
}

func TestTimeouts_OfTheServerAreUnavailable(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	d := dbtest.Open(t, withParameters(url, "&statement_timeout=50"), db.Options{})
	if err := d.QueryRow(t.Context(), `SELECT CAST(pg_sleep(20) AS TEXT)`).Scan(new(string)); !isUnavailable(err) {
		t.Errorf("a read gave %v, want database_unavailable", err)
	}
	if err := execute(t.Context(), d, `SELECT pg_sleep(20)`); !isUnavailable(err) {
		t.Errorf("a write gave %v, want database_unavailable", err)
	}
	var name string
	must(t, d.QueryRow(t.Context(), `SELECT current_setting('statement_timeout')`).Scan(&name))
	if name != "50ms" {
		t.Errorf("the URL's own setting became %q", name)
	}
}

func TestPostgres_AReadOnlyServerIsUnavailable(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	d := dbtest.Open(t, withParameters(url, "&default_transaction_read_only=on"), db.Options{})
	if err := execute(t.Context(), d, `DELETE FROM roles`); !isUnavailable(err) {
		t.Errorf("got %v, want database_unavailable, as from a standby", err)
	}
}

func TestClock_TwoInstancesWithSkewedClocksAgreeOnPostgres(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	fast := dbtest.Open(t, url, db.Options{Clock: skewed{time.Hour}})
	slow := dbtest.Open(t, url, db.Options{Clock: skewed{-time.Hour}})
	now := func(d *db.DB) time.Time {
		at, err := db.Write(t.Context(), d, func(_ context.Context, tx *db.Tx) (time.Time, error) { return tx.Now(), nil })
		must(t, err)
		return at
	}
	if gap := now(slow).Sub(now(fast)); gap.Abs() > time.Minute {
		t.Errorf("their transactions are %v apart", gap)
	}
}

// skewed is the clock of a machine that is wrong by so much; what the database says is not moved.
type skewed struct{ by time.Duration }

func (s skewed) Now() time.Time                { return clock.System{}.Now().Add(s.by) }
func (skewed) Shift(stamp time.Time) time.Time { return clock.System{}.Shift(stamp) }

func TestInstances_TwoWriteAndReadTheSameDatabase(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			url := dbtest.URL(t, engine)
			one, two := dbtest.Open(t, url, db.Options{}), dbtest.Open(t, url, db.Options{})
			makeNotes(t, one)
			must(t, execute(t.Context(), one, `INSERT INTO notes (id, text, number) VALUES (1, 'counter', 0)`))
			const callers, each = 4, 25
			done := make(chan error)
			for i := range callers {
				d := []*db.DB{one, two}[i%2]
				go func() {
					for range each {
						if err := execute(t.Context(), d, `UPDATE notes SET number = number + 1 WHERE id = 1`); err != nil {
							done <- err
							return
						}
					}
					done <- nil
				}()
			}
			for range callers {
				must(t, receive(t, done))
			}
			for _, d := range []*db.DB{one, two} {
				var n int64
				must(t, d.QueryRow(t.Context(), `SELECT number FROM notes WHERE id = 1`).Scan(&n))
				if n != callers*each {
					t.Errorf("one of the two reads %d, want %d", n, callers*each)
				}
			}
		})
	}
}

func TestSQLite_AnotherProcessThatHoldsTheLockMakesUsWaitAndThenGiveUp(t *testing.T) {
	t.Parallel() // it mostly waits
	url := dbtest.URL(t, db.SQLite)
	d := dbtest.Open(t, url, db.Options{})
	makeNotes(t, d)
	other := dbtest.Open(t, url, db.Options{})
	release := occupy(t, other)
	waiting := make(chan error, 1)
	go func() { waiting <- execute(t.Context(), d, addNote, 1, "waited") }()
	until(t, "an attempt", func() bool { return d.Stats().Retries > 3 })
	release()
	must(t, receive(t, waiting))

	release = occupy(t, other)
	defer release()
	err := execute(t.Context(), d, addNote, 2, "gave up")
	if !isUnavailable(err) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v, want database_unavailable that tells of another process", err)
	}
	must(t, d.QueryRow(t.Context(), `SELECT count(id) FROM notes`).Scan(new(int64)))
}
