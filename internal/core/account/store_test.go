package account_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// outcome is what Insert gives, as one value for a transaction.
type outcome struct {
	id    ident.UserID
	taken account.Taken
}

func username(t *testing.T, text string) account.Username {
	t.Helper()
	u, field := account.ParseUsername(text)
	if field != nil {
		t.Fatalf("username %q: %v", text, field.Rules)
	}
	return u
}

func email(t *testing.T, text string) account.Email {
	t.Helper()
	e, field := account.ParseEmail(text)
	if field != nil {
		t.Fatalf("email %q: %v", text, field.Rules)
	}
	return e
}

func tryInsert(t *testing.T, d *db.DB, name, address string) outcome {
	t.Helper()
	u, e := username(t, name), email(t, address)
	got, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (outcome, error) {
		id, taken, err := account.Insert(ctx, tx, u, e, "hash of "+name)
		return outcome{id, taken}, err
	})
	if err != nil {
		t.Fatalf("insert %q: %v", name, err)
	}
	return got
}

func insert(t *testing.T, d *db.DB, name, address string) ident.UserID {
	t.Helper()
	got := tryInsert(t, d, name, address)
	if got.taken.Any() || got.id < 1 {
		t.Fatalf("insert %q: %+v", name, got)
	}
	return got.id
}

func byID(t *testing.T, d *db.DB, id ident.UserID) account.User {
	t.Helper()
	u, found, err := account.ByID(t.Context(), d, id)
	if err != nil || !found {
		t.Fatalf("user %s: found %v, %v", id, found, err)
	}
	return u
}

func write(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) (bool, error)) bool {
	t.Helper()
	got, err := db.Write(t.Context(), d, fn)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestInsert_StoresTheAccountAsTyped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		clk.Advance(24 * time.Hour)
		before := clk.Now().Add(-time.Minute)
		id := insert(t, d, "E\u0301va", "E\u0301va@Sörensen.Example.com")
		if id != 1 {
			t.Errorf("the first user has the id %s", id)
		}
		got := byID(t, d, id)
		want := account.User{
			ID: 1, Username: "Éva", Email: "Éva@Sörensen.Example.com", Status: account.StatusActive,
			CreatedAt: got.CreatedAt, UpdatedAt: got.CreatedAt,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got.CreatedAt.Before(before) || got.CreatedAt.After(before.Add(2*time.Minute)) {
			t.Errorf("created at %s by a clock at %s", got.CreatedAt, clk.Now())
		}
	})
}

func TestInsert_TellsWhichNameIsTaken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		insert(t, d, "Straße", "dörte@sörensen.example.com")
		insert(t, d, "bob", "bob@example.org")
		for _, c := range []struct {
			name, address string
			want          account.Taken
		}{
			{"Straße", "a@example.org", account.Taken{Username: true}},
			{"STRASSE", "a@example.org", account.Taken{Username: true}},
			{"strasse", "DO\u0308RTE@xn--srensen-90a.example.com", account.Taken{Username: true, Email: true}},
			{"a", "Dörte@SÖRENSEN.example.com", account.Taken{Email: true}},
			{"BOB", "dörte@sörensen.example.com", account.Taken{Username: true, Email: true}}, // two accounts' names
		} {
			if got := tryInsert(t, d, c.name, c.address); got != (outcome{taken: c.want}) {
				t.Errorf("%q, %q: %+v", c.name, c.address, got)
			}
		}
	})
}

func TestInsert_ARefusalUsesUpNoNumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		insert(t, d, "alice", "alice@example.org")
		for range 3 {
			tryInsert(t, d, "Alice", "other@example.org")
			tryInsert(t, d, "other", "Alice@example.org")
		}
		if id := insert(t, d, "bob", "bob@example.org"); id != 2 {
			t.Errorf("the second user has the id %s", id)
		}
	})
}

func TestInsert_ARowWrittenByHandKeepsItsExactNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		id := insertByHand(t, d, "Alice", "Alice@example.org")
		if got := tryInsert(t, d, "Alice", "a@example.org"); got.taken != (account.Taken{Username: true}) {
			t.Errorf("its username: %+v", got)
		}
		if got := tryInsert(t, d, "a", "Alice@example.org"); got.taken != (account.Taken{Email: true}) {
			t.Errorf("its email: %+v", got)
		}
		for _, typed := range []string{"Alice", "alice", "Alice@example.org"} {
			_, found, err := account.FindForSignIn(t.Context(), d, account.ParseIdentifier(typed))
			if err != nil || found {
				t.Errorf("it is found as %q: %v", typed, err)
			}
		}
		if u := byID(t, d, id); u.Username != "Alice" || u.Status != account.StatusActive {
			t.Errorf("by its number: %+v", u)
		}
	})
}

func insertByHand(t *testing.T, d *db.DB, name, address string) ident.UserID {
	t.Helper()
	id, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (id ident.UserID, err error) {
		err = tx.QueryRow(ctx, `
			INSERT INTO users (username, email, password_hash) VALUES ($1, $2, 'none')
			RETURNING id`, name, address).Scan(&id)
		return id, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestInsert_OfManyAtOnceExactlyOneGetsTheName(t *testing.T) {
	const rivals = 64
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		outcomes := make([]outcome, rivals)
		var ready, done sync.WaitGroup
		start := make(chan struct{})
		for i := range rivals {
			name := username(t, []string{"straße", "STRASSE", "Strasse"}[i%3])
			address := email(t, "u"+ident.UserID(i+1).String()+"@example.org")
			ready.Add(1)
			done.Go(func() {
				ready.Done()
				<-start
				got, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (outcome, error) {
					id, taken, err := account.Insert(ctx, tx, name, address, "hash")
					return outcome{id, taken}, err
				})
				if err != nil {
					t.Error(err)
				}
				outcomes[i] = got
			})
		}
		ready.Wait()
		close(start)
		done.Wait()
		checkOneWinner(t, d, outcomes)
	})
}

func checkOneWinner(t *testing.T, d *db.DB, outcomes []outcome) {
	t.Helper()
	var winners []ident.UserID
	for _, o := range outcomes {
		switch {
		case o.id > 0 && !o.taken.Any():
			winners = append(winners, o.id)
		case o != (outcome{taken: account.Taken{Username: true}}):
			t.Errorf("a rival got %+v", o)
		}
	}
	users, err := account.List(t.Context(), d, 0, account.MaxPage)
	if err != nil || len(winners) != 1 || len(users) != 1 || users[0].ID != winners[0] {
		t.Errorf("winners %v, users %+v, %v", winners, users, err)
	}
}

// The rival commits between Insert's look and its insertion, which on PostgreSQL waits for it.
func TestInsert_MeetsARivalThatItCouldNotSee(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		if d.Engine() == db.SQLite {
			// One writer: nobody comes in between. What the statement does is tested all the same, by a repetition.
			insert(t, d, "alice", "alice@example.org")
			if got := tryInsert(t, d, "alice", "alice@example.org"); !got.taken.Username || !got.taken.Email {
				t.Errorf("%+v", got)
			}
			return
		}
		name, address := username(t, "alice"), email(t, "alice@example.org")
		second := make(chan outcome, 1)
		write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
			_, _, err := account.Insert(ctx, tx, name, address, "hash")
			go func() {
				got, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (outcome, error) {
					id, taken, err := account.Insert(ctx, tx, name, address, "hash")
					return outcome{id, taken}, err
				})
				if err != nil {
					t.Error(err)
				}
				second <- got
			}()
			return true, errors.Join(err, untilSomebodyWaits(ctx, tx))
		})
		if got := <-second; got != (outcome{taken: account.Taken{Username: true, Email: true}}) {
			t.Errorf("%+v", got)
		}
	})
}

// untilSomebodyWaits returns when another connection waits for this transaction.
func untilSomebodyWaits(ctx context.Context, tx *db.Tx) error {
	for {
		var waiting int64
		err := tx.QueryRow(ctx, `
			SELECT COUNT(*) FROM pg_locks
			WHERE locktype = 'transactionid' AND NOT granted AND transactionid = pg_current_xact_id()::xid`,
		).Scan(&waiting)
		if err != nil || waiting > 0 {
			return err
		}
	}
}

func TestFindForSignIn_ByEitherNameInAnyCase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		insert(t, d, "alice", "alice@example.org")
		id := insert(t, d, "Straße", "Dörte@Sörensen.example.com")
		want := account.Account{User: byID(t, d, id), PasswordHash: "hash of Straße"}
		for _, typed := range []string{
			"Straße", "STRASSE", "strasse", "Dörte@Sörensen.example.com", "DO\u0308RTE@xn--SRENSEN-90a.EXAMPLE.com",
		} {
			i := account.ParseIdentifier(typed)
			got, found, err := account.FindForSignIn(t.Context(), d, i)
			if err != nil || !found || got != want {
				t.Errorf("%q: %+v, %v, %v", typed, got, found, err)
			}
			u, found, err := account.ByIdentifier(t.Context(), d, i)
			if err != nil || !found || u != want.User {
				t.Errorf("%q, without the hash: %+v, %v, %v", typed, u, found, err)
			}
		}
	})
}

func TestFindForSignIn_OfNobodyIsNotFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		insert(t, d, "alice", "alice@example.org")
		insertByHand(t, d, "bob", "bob@example.org")
		for _, typed := range []string{
			"", "nobody", "nobody@example.org", " alice", "alice ",
			"al\x00ice", "al\xffice", "alice@", "alice@xn--a.org",
			"alice@\x00", "alice' OR '1'='1", "%", "bob", "example.org",
		} {
			got, found, err := account.FindForSignIn(t.Context(), d, account.ParseIdentifier(typed))
			if err != nil || found || got != (account.Account{}) {
				t.Errorf("%q: %+v, %v, %v", typed, got, found, err)
			}
		}
	})
}

func TestFindForSignIn_IsOneStatementWhoeverIsAskedFor(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			var statements atomic.Int64
			d := dbtest.Open(t, dbtest.URL(t, engine), db.Options{Observe: func(string) { statements.Add(1) }})
			insert(t, d, "alice", "alice@example.org")
			for _, typed := range []string{"alice", "alice@example.org", "nobody", "no@body.org", "", "\x00", "a@xn--a.org"} {
				before := statements.Load()
				_, _, err := account.FindForSignIn(t.Context(), d, account.ParseIdentifier(typed))
				if n := statements.Load() - before; err != nil || n != 1 {
					t.Errorf("%q took %d statements, %v", typed, n, err)
				}
			}
		})
	}
}

func TestByID_OfNobodyIsNotFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		insert(t, d, "alice", "alice@example.org")
		for _, id := range []ident.UserID{0, -1, 2, 1 << 62} {
			if u, found, err := account.ByID(t.Context(), d, id); err != nil || found || u != (account.User{}) {
				t.Errorf("%s: %+v, %v, %v", id, u, found, err)
			}
		}
	})
}

func TestSetPasswordHash_ChangesTheHashAndTheTimeOfUpdate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		id := insert(t, d, "alice", "alice@example.org")
		other := insert(t, d, "bob", "bob@example.org")
		before, bob := byID(t, d, id), byID(t, d, other)
		clk.Advance(time.Hour)
		if !write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
			return account.SetPasswordHash(ctx, tx, id, "new")
		}) {
			t.Error("not found")
		}
		after := byID(t, d, id)
		if by := after.UpdatedAt.Sub(before.UpdatedAt); by < time.Hour || by > time.Hour+time.Minute {
			t.Errorf("updated_at moved by %s", by)
		}
		before.UpdatedAt = after.UpdatedAt
		if after != before || byID(t, d, other) != bob {
			t.Errorf("something else changed: %+v", after)
		}
		checkHash(t, d, "alice", "new")
		checkHash(t, d, "bob", "hash of bob")
	})
}

func checkHash(t *testing.T, d *db.DB, name, want string) {
	t.Helper()
	a, _, err := account.FindForSignIn(t.Context(), d, account.ParseIdentifier(name))
	if err != nil || a.PasswordHash != want {
		t.Errorf("%s has the hash %q, %v", name, a.PasswordHash, err)
	}
}

func TestSetPasswordHash_OfNobodyFindsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		if write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
			return account.SetPasswordHash(ctx, tx, 7, "new")
		}) {
			t.Error("found")
		}
	})
}

func TestUpgradePasswordHash_LeavesAHashThatWasChangedMeanwhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		id := insert(t, d, "alice", "alice@example.org")
		upgrade := func(old, hash string) bool {
			return write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
				return account.UpgradePasswordHash(ctx, tx, id, old, hash)
			})
		}
		before := byID(t, d, id)
		clk.Advance(time.Hour)
		if upgrade("another", "new") || byID(t, d, id) != before {
			t.Error("upgraded though the hash was another")
		}
		if !upgrade("hash of alice", "new") {
			t.Error("not upgraded")
		}
		checkHash(t, d, "alice", "new")
		if by := byID(t, d, id).UpdatedAt.Sub(before.UpdatedAt); by < time.Hour {
			t.Errorf("updated_at moved by %s", by)
		}
		if upgrade("hash of alice", "newer") {
			t.Error("upgraded twice from the same hash")
		}
	})
}

func TestList_GoesThroughAllUsersPageByPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		var want []ident.UserID
		for _, name := range []string{"eve", "dan", "cas", "bob", "ann"} {
			want = append(want, insert(t, d, name, name+"@example.org"))
		}
		var got []ident.UserID
		after := ident.UserID(0)
		for _, size := range []int{2, 2, 1} {
			page, err := account.List(t.Context(), d, after, 2)
			if err != nil || len(page) != size {
				t.Fatalf("after %s: %d users, %v", after, len(page), err)
			}
			for _, u := range page {
				got = append(got, u.ID)
			}
			after = page[size-1].ID
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if page, err := account.List(t.Context(), d, after, 2); err != nil || len(page) != 0 {
			t.Errorf("after the last: %v, %v", page, err)
		}
	})
}

func TestList_BoundsThePage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		insert(t, d, "alice", "alice@example.org")
		insert(t, d, "bob", "bob@example.org")
		for _, c := range []struct{ limit, want int }{{-1, 1}, {0, 1}, {1, 1}, {2, 2}, {1 << 40, 2}} {
			page, err := account.List(t.Context(), d, 0, c.limit)
			if err != nil || len(page) != c.want {
				t.Errorf("limit %d: %d users, %v", c.limit, len(page), err)
			}
		}
	})
}

func TestNone_UntilTheFirstAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		for _, want := range []bool{true, false} {
			if none, err := account.None(t.Context(), d); err != nil || none != want {
				t.Errorf("none: %v, %v", none, err)
			}
			if want {
				insert(t, d, "alice", "alice@example.org")
			}
		}
	})
}

func TestLock_AChangeOfPasswordWaitsForTheTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		id := insert(t, d, "alice", "alice@example.com")
		locked, release := make(chan struct{}), make(chan struct{})
		var once sync.Once
		var order []string
		var mu sync.Mutex
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (bool, error) {
				a, found, err := account.Lock(ctx, tx, id)
				if err != nil || !found || a.PasswordHash != "hash of alice" || a.Username != "alice" {
					t.Errorf("locked %+v, found %v, %v", a, found, err)
				}
				once.Do(func() { close(locked) })
				<-release
				note("held")
				return true, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-locked
		wg.Go(func() {
			close(release)
			_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (bool, error) {
				found, err := account.SetPasswordHash(ctx, tx, id, "another")
				note("changed")
				return found, err
			})
			if err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if !slices.Equal(order, []string{"held", "changed"}) {
			t.Errorf("order %v", order)
		}
	})
}

func TestLock_NobodyIsNotFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		if write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
			_, found, err := account.Lock(ctx, tx, 42)
			return found, err
		}) {
			t.Error("found")
		}
	})
}

func TestTakenBy_TellsEachName(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		insert(t, d, "alice", "alice@example.com")
		for _, c := range []struct {
			name, address string
			want          account.Taken
		}{
			{"ALICE", "other@example.com", account.Taken{Username: true}},
			{"other", "Alice@example.com", account.Taken{Email: true}},
			{"Alice", "alice@example.com", account.Taken{Username: true, Email: true}},
			{"other", "other@example.com", account.Taken{}},
		} {
			got, err := account.TakenBy(t.Context(), d, username(t, c.name), email(t, c.address))
			if err != nil || got != c.want {
				t.Errorf("%s, %s: %+v, %v; want %+v", c.name, c.address, got, err, c.want)
			}
		}
	})
}
