package signingkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

func TestEnsureFirst_MakesOneKeyThatSignsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		if keys, at := list(t, d); len(keys) != 0 || !at.IsZero() {
			t.Fatalf("a fresh database has %v at %s", keys, at)
		}
		first := ensureFirst(t, d, boxOf(t, 'm'))
		again := ensureFirst(t, d, boxOf(t, 'm'))
		keys, at := list(t, d)
		if len(keys) != 1 || keys[0].ID != first.ID || again.ID != first.ID || first.Generation != 1 {
			t.Fatalf("%v, %v, %v", keys, first, again)
		}
		if k := keys[0]; k.StateAt(at) != Active || k.Algorithm != jwt.ES256 || k.RetireAt != nil || k.RemoveAt != nil {
			t.Errorf("%+v at %s", k, at)
		}
		if !keys[0].ActivateAt.Equal(first.ActivateAt) || !keys[0].CreatedAt.Equal(first.CreatedAt) {
			t.Errorf("read %+v, written %+v", keys[0], first)
		}
	})
}

func TestEnsureFirst_MakesAKeyOfTheConfiguredAlgorithmAlone(t *testing.T) {
	for _, alg := range jwt.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			made := draft(t, boxOf(t, 'm'), alg)
			dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
				_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (Change, error) {
					return EnsureFirst(ctx, tx, made)
				})
				if err != nil {
					t.Fatal(err)
				}
				keys, _ := list(t, d)
				if len(keys) != 1 || keys[0].Algorithm != alg {
					t.Fatalf("%+v", keys)
				}
				r := openRing(t, d, boxOf(t, 'm'), clk)
				if token, _ := sign(t, r); verify(t.Context(), r, token) != nil {
					t.Error("its token is refused")
				}
			})
		})
	}
}

// attempt is what the i-th of several callers does in its transaction.
type attempt func(ctx context.Context, tx *db.Tx, i int) (Change, error)

// inParallel runs fn eight times at once, over two instances that share a database.
func inParallel(t *testing.T, url secret.String, fn attempt) []Change {
	t.Helper()
	const callers = 8
	instances := []*db.DB{dbtest.Open(t, url, db.Options{}), dbtest.Open(t, url, db.Options{})}
	changes, errs := make([]Change, callers), make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			changes[i], errs[i] = db.Write(t.Context(), instances[i%2],
				func(ctx context.Context, tx *db.Tx) (Change, error) { return fn(ctx, tx, i) })
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return changes
}

func wantOneMade(t *testing.T, changes []Change) {
	t.Helper()
	made := 0
	for _, c := range changes {
		if c.Made {
			made++
		}
		if c.Key.ID == "" || c.Key.ID != changes[0].Key.ID {
			t.Errorf("one got %q, another %q", c.Key.ID, changes[0].Key.ID)
		}
	}
	if made != 1 {
		t.Errorf("%d made a key", made)
	}
}

func drafts(t *testing.T, box *secret.Box) (made [8]Draft) {
	for i := range made {
		made[i] = draft(t, box, jwt.ES256)
	}
	return made
}

func TestEnsureFirst_EightAtOnceMakeOneKey(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		made := drafts(t, boxOf(t, 'm'))
		wantOneMade(t, inParallel(t, url, func(ctx context.Context, tx *db.Tx, i int) (Change, error) {
			return EnsureFirst(ctx, tx, made[i])
		}))
		if keys, _ := list(t, dbtest.Open(t, url, db.Options{})); len(keys) != 1 {
			t.Errorf("%d keys", len(keys))
		}
	})
}

func TestRotate_EightAtOnceMakeOneKey(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{})
		ensureFirst(t, d, boxOf(t, 'm'))
		made := drafts(t, boxOf(t, 'm'))
		wantOneMade(t, inParallel(t, url, func(ctx context.Context, tx *db.Tx, i int) (Change, error) {
			return Rotate(ctx, tx, made[i], scheduled)
		}))
		if keys, _ := list(t, d); len(keys) != 2 || keys[0].Generation != 2 || keys[1].RetireAt == nil {
			t.Errorf("%+v", keys)
		}
	})
}

func TestRotate_CompromisesAtOnceLeaveOneKey(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{})
		ensureFirst(t, d, boxOf(t, 'm'))
		for range 2 {
			inTwo := drafts(t, boxOf(t, 'm'))
			inParallelTwo(t, url, func(ctx context.Context, tx *db.Tx, i int) (Change, error) {
				return Rotate(ctx, tx, inTwo[i], emergency)
			})
		}
		keys, at := list(t, d)
		later := at.Add(time.Second)
		if len(keys) != 5 || countIn(keys, Active, later) != 1 || countIn(keys, Removed, later) != 4 {
			t.Errorf("at %s: %+v", at, keys)
		}
	})
}

// inParallelTwo runs fn on two instances at once.
func inParallelTwo(t *testing.T, url secret.String, fn attempt) {
	t.Helper()
	var both sync.WaitGroup
	for i := range 2 {
		d := dbtest.Open(t, url, db.Options{})
		both.Go(func() {
			_, err := db.Write(t.Context(), d,
				func(ctx context.Context, tx *db.Tx) (Change, error) { return fn(ctx, tx, i) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

func TestRotate_PublishesAtOnceAndSignsAfterTheLead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		change := mustRotate(t, d, box, scheduled)
		keys, at := list(t, d)
		if !change.Made || len(keys) != 2 || keys[0].ID != change.Key.ID || keys[1].ID != first.ID {
			t.Fatalf("%+v, %+v", change, keys)
		}
		next, old := keys[0], keys[1]
		if next.StateAt(at) != Prepared || old.StateAt(at) != Active {
			t.Errorf("%s and %s", next.StateAt(at), old.StateAt(at))
		}
		if next.ActivateAt.Sub(next.CreatedAt) != Lead || !old.RetireAt.Equal(next.ActivateAt) ||
			old.RemoveAt.Sub(*old.RetireAt) != overlap {
			t.Errorf("%+v\n%+v", next, old)
		}
		clk.Advance(Lead)
		if keys, at = list(t, d); keys[0].StateAt(at) != Active || keys[1].StateAt(at) != Retired {
			t.Errorf("after the lead: %+v at %s", keys, at)
		}
		clk.Advance(overlap)
		if keys, at = list(t, d); keys[0].StateAt(at) != Active || keys[1].StateAt(at) != Removed {
			t.Errorf("after the overlap: %+v at %s", keys, at)
		}
	})
}

func TestRotate_WhileAKeyWaitsGivesThatOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		waiting := mustRotate(t, d, box, scheduled)
		before, _ := list(t, d)
		clk.Advance(time.Minute)
		again := mustRotate(t, d, box, scheduled)
		after, _ := list(t, d)
		if again.Made || again.Key.ID != waiting.Key.ID || len(after) != 2 ||
			!after[1].RemoveAt.Equal(*before[1].RemoveAt) {
			t.Errorf("%+v, %+v", again, after)
		}
		clk.Advance(Lead)
		if third := mustRotate(t, d, box, scheduled); !third.Made || third.Key.Generation != 3 {
			t.Errorf("after the lead: %+v", third)
		}
	})
}

func TestRotate_ForACompromiseEndsAllOthersAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		mustRotate(t, d, box, scheduled)
		clk.Advance(Lead + time.Second)
		mustRotate(t, d, box, scheduled) // now one is retired, one active, one prepared
		change := mustRotate(t, d, box, emergency)
		keys, at := list(t, d)
		if !change.Made || len(keys) != 4 || keys[0].ID != change.Key.ID || keys[0].StateAt(at) != Active {
			t.Fatalf("%+v, %+v", change, keys)
		}
		for _, k := range keys[1:] {
			if k.StateAt(at) != Removed {
				t.Errorf("generation %d is %s", k.Generation, k.StateAt(at))
			}
		}
	})
}

func TestRotate_OnAnEmptyTableMakesAKeyThatSignsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		change := mustRotate(t, d, boxOf(t, 'm'), scheduled)
		keys, at := list(t, d)
		if !change.Made || len(keys) != 1 || keys[0].StateAt(at) != Active {
			t.Errorf("%+v, %+v", change, keys)
		}
	})
}

func TestRotate_RefusesADraftOfAnotherMasterKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		first := ensureFirst(t, d, boxOf(t, 'm'))
		for _, plan := range []Plan{scheduled, emergency} {
			_, err := tryRotate(t, d, boxOf(t, 'x'), plan)
			wantMasterKeyError(t, err, string(first.ID))
		}
		if keys, _ := list(t, d); len(keys) != 1 || keys[0].RetireAt != nil {
			t.Errorf("%+v", keys)
		}
	})
}

func wantMasterKeyError(t *testing.T, err error, id string) {
	t.Helper()
	if !errors.Is(err, secret.ErrSealBroken) || !strings.Contains(err.Error(), "DURWARD_MASTER_KEY") ||
		!strings.Contains(err.Error(), id) {
		t.Errorf("got %v, want an error that names DURWARD_MASTER_KEY and %s", err, id)
	}
}

func TestOpen_AWrongMasterKeyIsToldWithTheKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		first := ensureFirst(t, d, boxOf(t, 'm'))
		_, err := Open(t.Context(), d, boxOf(t, 'x'), clk, silent)
		wantMasterKeyError(t, err, string(first.ID))
	})
}

func TestOpen_SealedBytesOfAnotherRowDoNotOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		second := mustRotate(t, d, box, scheduled)
		exec(t, d, `UPDATE signing_keys SET sealed_private =
			(SELECT o.sealed_private FROM signing_keys o WHERE o.generation = 1) WHERE generation = 2`)
		_, err := Open(t.Context(), d, box, clk, silent)
		wantMasterKeyError(t, err, string(second.Key.ID))
	})
}

func TestOpen_AnAlteredAlgorithmIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		first := ensureFirst(t, d, boxOf(t, 'm'))
		for _, alg := range []string{"RS256", "EdDSA", "none", ""} {
			exec(t, d, `UPDATE signing_keys SET algorithm = $1`, alg)
			_, err := Open(t.Context(), d, boxOf(t, 'm'), clk, silent)
			if err == nil || !strings.Contains(err.Error(), string(first.ID)) {
				t.Errorf("%q: %v", alg, err)
			}
		}
	})
}

// TestOpen_AnExchangedPublicKeyVerifiesNothing plays somebody who can write to the database but has no master key.
func TestOpen_AnExchangedPublicKeyVerifiesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		first := ensureFirst(t, d, boxOf(t, 'm'))
		key, err := jwt.Generate(jwt.ES256)
		if err != nil {
			t.Fatal(err)
		}
		jwk, err := jwt.PublicJWK(jwt.ES256, string(first.ID), key.Public())
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(jwk)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, d, `UPDATE signing_keys SET public_jwk = $1`, string(text))
		r := openRing(t, d, boxOf(t, 'm'), clk)
		forger, err := jwt.NewSigner(jwt.ES256, string(first.ID), key)
		if err != nil {
			t.Fatal(err)
		}
		token, err := forger.Sign(jwt.TypeAccessToken, []byte(`{"sub":"1"}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(t.Context(), r, token); !errors.Is(err, jwt.ErrSignature) {
			t.Errorf("the forged token: %v", err)
		}
		if bytes.Contains(r.JWKS().Body, []byte(jwk.X)) {
			t.Error("the exchanged key is published")
		}
	})
}

func exec(t *testing.T, d *db.DB, sql string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, sql, args...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStore_KeepsNoPrivateKeyInTheClear(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		rows, _, err := read(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		der, err := unseal(box, rows[0])
		if err != nil {
			t.Fatal(err)
		}
		for start := 0; start+8 <= len(der); start += 8 {
			if bytes.Contains(rows[0].sealed, der[start:start+8]) {
				t.Errorf("bytes %d on of the private key stand in the row", start)
			}
		}
		var public map[string]string
		if err := json.Unmarshal([]byte(rows[0].PublicJWK), &public); err != nil {
			t.Fatal(err)
		}
		if public["d"] != "" || public["kid"] != string(rows[0].ID) || public["kty"] != "EC" {
			t.Errorf("%v", public)
		}
	})
}

func TestDeleteRemoved_DeletesWhatIsPastItsUseAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		mustRotate(t, d, box, scheduled)
		deleted := func(before time.Time) int64 {
			t.Helper()
			n, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
				return DeleteRemoved(ctx, tx, before)
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		_, at := list(t, d)
		if n := deleted(at.Add(1000 * time.Hour)); n != 0 {
			t.Fatalf("%d keys went while they were of use", n)
		}
		clk.Advance(Lead + overlap + time.Hour)
		_, at = list(t, d)
		if n := deleted(at.Add(-2 * time.Hour)); n != 0 {
			t.Errorf("%d keys went before their time", n)
		}
		if n := deleted(at); n != 1 {
			t.Errorf("%d keys went, want 1", n)
		}
		if keys, at := list(t, d); len(keys) != 1 || keys[0].StateAt(at) != Active {
			t.Errorf("%+v", keys)
		}
		if change := mustRotate(t, d, box, scheduled); change.Key.Generation != 3 {
			t.Errorf("the next generation is %d", change.Key.Generation)
		}
	})
}
