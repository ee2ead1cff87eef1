package role_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// users makes n accounts, the first with the number 1.
func users(t *testing.T, d *db.DB, n int) {
	t.Helper()
	write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) {
		for i := range n {
			name := fmt.Sprintf("user%d", i+1)
			_, err := tx.Exec(ctx, `INSERT INTO users (username, email, password_hash) VALUES ($1, $2, 'none')`,
				name, name+"@example.org")
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func write(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) (bool, error)) bool {
	t.Helper()
	got, err := db.Write(t.Context(), d, fn)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func grant(t *testing.T, d *db.DB, user ident.UserID, name role.Name) bool {
	t.Helper()
	return write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) { return role.Grant(ctx, tx, user, name) })
}

func revoke(t *testing.T, d *db.DB, user ident.UserID, name role.Name) bool {
	t.Helper()
	return write(t, d, func(ctx context.Context, tx *db.Tx) (bool, error) { return role.Revoke(ctx, tx, user, name) })
}

func checkRoles(t *testing.T, d *db.DB, user ident.UserID, want ...role.Name) {
	t.Helper()
	got, err := role.OfUser(t.Context(), d, user)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("user %s holds %v, %v, want %v", user, got, err, want)
	}
}

func TestAll_GivesTheRolesThatExistFromTheStart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		roles, err := role.All(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		var names []role.Name
		for _, r := range roles {
			names = append(names, r.Name)
			if r.Description == "" || time.Since(r.CreatedAt).Abs() > time.Hour {
				t.Errorf("%+v", r)
			}
			if parsed, field := role.Parse(string(r.Name)); field != nil || parsed != r.Name {
				t.Errorf("%q is in the table and not known", r.Name)
			}
		}
		if want := []role.Name{role.Admin, role.Editor, role.Viewer}; !slices.Equal(names, want) {
			t.Errorf("got %v, want %v", names, want)
		}
	})
}

func TestGrant_OnceChangesAndTwiceDoesNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		users(t, d, 2)
		checkRoles(t, d, 1)
		if !grant(t, d, 1, role.Viewer) || !grant(t, d, 1, role.Admin) {
			t.Error("the first grant changed nothing")
		}
		if grant(t, d, 1, role.Viewer) {
			t.Error("the second grant changed something")
		}
		checkRoles(t, d, 1, role.Admin, role.Viewer)
		checkRoles(t, d, 2)
	})
}

func TestGrant_OfManyAtOnceOneChanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		users(t, d, 1)
		var changes atomic.Int64
		var done sync.WaitGroup
		for range 16 {
			done.Go(func() {
				changed, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (bool, error) {
					return role.Grant(ctx, tx, 1, role.Editor)
				})
				if err != nil {
					t.Error(err)
				}
				if changed {
					changes.Add(1)
				}
			})
		}
		done.Wait()
		if changes.Load() != 1 {
			t.Errorf("%d grants changed something", changes.Load())
		}
		checkRoles(t, d, 1, role.Editor)
	})
}

func TestGrant_ToNobodyOrOfNoRoleFails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		users(t, d, 1)
		for _, c := range []struct {
			user ident.UserID
			name role.Name
		}{{2, role.Admin}, {1, "root"}, {1, "Admin"}} {
			_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (bool, error) {
				return role.Grant(ctx, tx, c.user, c.name)
			})
			if err == nil {
				t.Errorf("granted %q to user %s", c.name, c.user)
			}
		}
		checkRoles(t, d, 1)
	})
}

func TestRevoke_TakesTheRoleOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		users(t, d, 2)
		grant(t, d, 1, role.Admin)
		grant(t, d, 1, role.Viewer)
		grant(t, d, 2, role.Admin)
		if !revoke(t, d, 1, role.Admin) {
			t.Error("nothing was revoked")
		}
		if revoke(t, d, 1, role.Admin) || revoke(t, d, 1, role.Editor) || revoke(t, d, 9, role.Admin) {
			t.Error("what was not held was revoked")
		}
		checkRoles(t, d, 1, role.Viewer)
		checkRoles(t, d, 2, role.Admin)
	})
}

func TestOfUsers_GivesEachTheirOwnInOneStatement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		users(t, d, role.MaxUsers)
		grant(t, d, 1, role.Viewer)
		grant(t, d, 1, role.Admin)
		grant(t, d, 2, role.Editor)
		grant(t, d, role.MaxUsers, role.Viewer)
		everybody := make([]ident.UserID, role.MaxUsers)
		for i := range everybody {
			everybody[i] = ident.UserID(i + 1)
		}
		one := map[ident.UserID][]role.Name{1: {role.Admin, role.Viewer}}
		all := map[ident.UserID][]role.Name{2: {role.Editor}, role.MaxUsers: {role.Viewer}}
		maps.Copy(all, one)
		for _, c := range []struct {
			of   []ident.UserID
			want map[ident.UserID][]role.Name
		}{
			{nil, map[ident.UserID][]role.Name{}},
			{[]ident.UserID{3, 999}, map[ident.UserID][]role.Name{}},
			{[]ident.UserID{1}, one},
			{[]ident.UserID{3, 1, 1}, one},
			{everybody, all},
		} {
			got, err := role.OfUsers(t.Context(), d, c.of)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("of %v: %v\n%s", c.of, err, diff)
			}
		}
	})
}

func TestOfUsers_OfTooManyFails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		if got, err := role.OfUsers(t.Context(), d, make([]ident.UserID, role.MaxUsers+1)); err == nil {
			t.Errorf("%v", got)
		}
	})
}

func TestCountHolders_CountsTheHoldersOfThatRole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		users(t, d, 3)
		grant(t, d, 1, role.Admin)
		grant(t, d, 2, role.Admin)
		grant(t, d, 2, role.Viewer)
		for name, want := range map[role.Name]int64{role.Admin: 2, role.Viewer: 1, role.Editor: 0, "root": 0} {
			if got, err := role.CountHolders(t.Context(), d, name); err != nil || got != want {
				t.Errorf("%s: %d, %v, want %d", name, got, err, want)
			}
		}
	})
}

func TestStore_SaysWhatFailed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for what, call := range map[string]func() error{
			"All":          func() error { _, err := role.All(ctx, d); return err },
			"OfUser":       func() error { _, err := role.OfUser(ctx, d, 1); return err },
			"OfUsers":      func() error { _, err := role.OfUsers(ctx, d, []ident.UserID{1}); return err },
			"CountHolders": func() error { _, err := role.CountHolders(ctx, d, role.Admin); return err },
		} {
			if err := call(); err == nil {
				t.Errorf("%s did not notice that its context had ended", what)
			}
		}
	})
}
