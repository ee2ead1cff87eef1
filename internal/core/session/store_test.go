package session

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// addUser puts a row in the user table, which is not this package's to write outside tests.
func addUser(t *testing.T, d *db.DB, name string) ident.UserID {
	t.Helper()
	return in(t, d, func(ctx context.Context, tx *db.Tx) (ident.UserID, error) {
		var id ident.UserID
		err := tx.QueryRow(ctx, `INSERT INTO users (username, email, password_hash) VALUES ($1, $2, 'x') RETURNING id`,
			name, name+"@example.com").Scan(&id)
		return id, err
	})
}

func in[T any](t *testing.T, d *db.DB, fn func(context.Context, *db.Tx) (T, error)) T {
	t.Helper()
	v, err := db.Write(t.Context(), d, fn)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func insert(t *testing.T, d *db.DB, user ident.UserID) Session {
	t.Helper()
	return in(t, d, func(ctx context.Context, tx *db.Tx) (Session, error) {
		s := Begin(user, ident.FirstParty, ident.AMRPassword, ident.ACRSingleFactor, tx.Now(), limits)
		return s, Insert(ctx, tx, s)
	})
}

// row is what of a stored session the tests look at.
type row struct {
	rotation int64
	reason   string
	ended    bool
	expires  time.Time
}

func read(t *testing.T, d *db.DB, id ident.SessionID) row {
	t.Helper()
	var r row
	var ended *time.Time
	err := d.QueryRow(t.Context(), `SELECT rotation, COALESCE(end_reason, ''), ended_at, expires_at FROM sessions
		WHERE id = $1`, id).Scan(&r.rotation, &r.reason, &ended, &r.expires)
	if err != nil {
		t.Fatal(err)
	}
	r.ended = ended != nil
	return r
}

func rotate(t *testing.T, d *db.DB, id ident.SessionID, presented int64) bool {
	t.Helper()
	return in(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
		return RotateFrom(ctx, tx, id, presented, limits)
	})
}

func TestRotateFrom_MovesOnlyALiveSessionAndOnlyFromItsNewestToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		user := addUser(t, d, "alice")
		s := insert(t, d, user)
		if !rotate(t, d, s.ID, 0) || rotate(t, d, s.ID, 0) || !rotate(t, d, s.ID, 1) {
			t.Error("a rotation moves a session exactly once")
		}
		if rotate(t, d, ident.NewSessionID(), 0) {
			t.Error("a session that is not there was rotated")
		}
		clk.Advance(limits.Idle)
		if rotate(t, d, s.ID, 2) {
			t.Error("an idle session was rotated")
		}
		ended := insert(t, d, user)
		in(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) { return End(ctx, tx, ended.ID, EndSignOut) })
		if rotate(t, d, ended.ID, 0) {
			t.Error("an ended session was rotated")
		}
		if got := read(t, d, s.ID); got.rotation != 2 {
			t.Errorf("rotation %d, want 2", got.rotation)
		}
	})
}

func TestRotateFrom_NotPastTheAbsoluteEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		s := insert(t, d, addUser(t, d, "alice"))
		const steps = 31
		rotated := int64(0)
		for range steps {
			clk.Advance(limits.Idle - time.Minute)
			if !rotate(t, d, s.ID, rotated) {
				break
			}
			rotated++
		}
		if rotated != 30 {
			t.Errorf("refreshed daily, the session lasted %d days; want 30", rotated)
		}
	})
}

func TestRotateFrom_Of64AtOnceOneSucceeds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		s := insert(t, d, addUser(t, d, "alice"))
		won := parallel(t, 64, func(ctx context.Context) (bool, error) {
			return db.Write(ctx, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
				return RotateFrom(ctx, tx, s.ID, 0, limits)
			})
		})
		if won != 1 || read(t, d, s.ID).rotation != 1 {
			t.Errorf("%d rotations, row at %d; want one", won, read(t, d, s.ID).rotation)
		}
	})
}

// parallel runs act n times at once and counts how often it said yes.
func parallel(t *testing.T, n int, act func(context.Context) (bool, error)) int {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	yes := 0
	for range n {
		wg.Go(func() {
			ok, err := act(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if ok {
				yes++
			}
		})
	}
	wg.Wait()
	return yes
}

func TestEnd_OnceAndTheRowLeavesADayLater(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		s := insert(t, d, addUser(t, d, "alice"))
		end := func(ctx context.Context, tx *db.Tx) (bool, error) { return End(ctx, tx, s.ID, EndSignOut) }
		if !in(t, d, end) || in(t, d, end) {
			t.Error("a session ends exactly once")
		}
		if got := read(t, d, s.ID); !got.ended || got.reason != string(EndSignOut) || !got.expires.Before(s.ExpiresAt) {
			t.Errorf("row after the end: %+v", got)
		}
		deleteExpired := func(ctx context.Context, tx *db.Tx) (int64, error) { return DeleteExpired(ctx, tx, 10) }
		if n := in(t, d, deleteExpired); n != 0 {
			t.Errorf("%d rows left at once", n)
		}
		clk.Advance(linger)
		if n := in(t, d, deleteExpired); n != 1 {
			t.Errorf("%d rows left after a day, want 1", n)
		}
	})
}

func TestEndStolen_DecidesOnTheRowAsItIs(t *testing.T) {
	const window = 10 * time.Second
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		user := addUser(t, d, "alice")
		stolen := func(id ident.SessionID, presented int64) bool {
			return in(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
				return EndStolen(ctx, tx, Token{Session: id, Rotation: presented}, window)
			})
		}
		s := insert(t, d, user)
		rotate(t, d, s.ID, 0)
		if stolen(s.ID, 1) || stolen(s.ID, 0) {
			t.Error("the newest token, or the one just replaced, counted as stolen")
		}
		clk.Advance(window)
		if !stolen(s.ID, 0) || stolen(s.ID, 0) {
			t.Error("outside the window the theft counts, once")
		}
		if got := read(t, d, s.ID); got.reason != string(EndReuse) {
			t.Errorf("row after theft: %+v", got)
		}
		s = insert(t, d, user)
		rotate(t, d, s.ID, 0)
		rotate(t, d, s.ID, 1)
		if !stolen(s.ID, 0) {
			t.Error("the token before the last counts as stolen inside the window too")
		}
	})
}

func TestEndAllOf_EndsThisUsersAndNobodyElses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		alice, bob := addUser(t, d, "alice"), addUser(t, d, "bob")
		first, second, other := insert(t, d, alice), insert(t, d, alice), insert(t, d, bob)
		n := in(t, d, func(ctx context.Context, tx *db.Tx) (int64, error) {
			return EndAllOf(ctx, tx, alice, EndSignOutAll)
		})
		if n != 2 || !read(t, d, first.ID).ended || !read(t, d, second.ID).ended || read(t, d, other.ID).ended {
			t.Errorf("%d ended; want alice's two and not bob's", n)
		}
	})
}

func TestDeleteExpired_InBatches(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		user := addUser(t, d, "alice")
		for range 5 {
			insert(t, d, user)
		}
		clk.Advance(limits.Absolute)
		live := insert(t, d, user)
		var batches []int64
		for range 4 {
			batches = append(batches, in(t, d, func(ctx context.Context, tx *db.Tx) (int64, error) {
				return DeleteExpired(ctx, tx, 2)
			}))
		}
		if got := fmt.Sprint(batches); got != "[2 2 1 0]" {
			t.Errorf("batches %s, want [2 2 1 0]", got)
		}
		read(t, d, live.ID)
	})
}

func TestDeleteIdle_WalksTheTablePageByPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		user := addUser(t, d, "alice")
		for range 5 {
			insert(t, d, user)
		}
		clk.Advance(limits.Idle)
		live := []Session{insert(t, d, user), insert(t, d, user)}
		total, pages, after := int64(0), 0, ident.SessionID("")
		for {
			next := in(t, d, func(ctx context.Context, tx *db.Tx) (ident.SessionID, error) {
				n, next, err := DeleteIdle(ctx, tx, after, 3, limits)
				total += n
				return next, err
			})
			pages++
			if after = next; after == "" {
				break
			}
		}
		if total != 5 || pages != 3 {
			t.Errorf("%d rows in %d pages; want 5 in 3", total, pages)
		}
		for _, s := range live {
			read(t, d, s.ID)
		}
	})
}
