package signingkey

import (
	"context"
	"crypto"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

const overlap = 15*time.Minute + jwt.Leeway

var (
	scheduled = Plan{Lead: Lead, Overlap: overlap}
	emergency = Plan{Lead: Lead, Overlap: overlap, Now: true}
)

func boxOf(t testing.TB, fill byte) *secret.Box {
	t.Helper()
	box, err := secret.NewBox([]byte(strings.Repeat(string(rune(fill)), secret.MasterKeyLen)))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func draft(t testing.TB, box *secret.Box, alg jwt.Algorithm) Draft {
	t.Helper()
	d, err := NewDraft(box, alg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func ensureFirst(t testing.TB, d *db.DB, box *secret.Box) Key {
	t.Helper()
	made := draft(t, box, jwt.ES256)
	change, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (Change, error) {
		return EnsureFirst(ctx, tx, made)
	})
	if err != nil {
		t.Fatal(err)
	}
	return change.Key
}

func tryRotate(t testing.TB, d *db.DB, box *secret.Box, plan Plan) (Change, error) {
	t.Helper()
	made := draft(t, box, jwt.ES256)
	return db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (Change, error) {
		return Rotate(ctx, tx, made, plan)
	})
}

func mustRotate(t testing.TB, d *db.DB, box *secret.Box, plan Plan) Change {
	t.Helper()
	change, err := tryRotate(t, d, box, plan)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

func list(t testing.TB, q db.Querier) ([]Key, time.Time) {
	t.Helper()
	keys, at, err := List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return keys, at
}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

func openRing(t testing.TB, q db.Querier, box *secret.Box, clk clock.Clock) *Ring {
	t.Helper()
	r, err := Open(t.Context(), q, box, clk, silent)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reload(t testing.TB, r *Ring) {
	t.Helper()
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sign mints a token and tells with which key.
func sign(t testing.TB, r *Ring) (token, kid string) {
	t.Helper()
	signer, err := r.Signer()
	if err != nil {
		t.Fatal(err)
	}
	token, err = signer.Sign(jwt.TypeAccessToken, []byte(`{"sub":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	return token, signer.KeyID()
}

func verify(ctx context.Context, r *Ring, token string) error {
	_, err := jwt.Verify(token, jwt.TypeAccessToken, func(kid string, alg jwt.Algorithm) (crypto.PublicKey, bool) {
		return r.KeyFor(ctx, kid, alg)
	})
	return err
}

// skewed is the clock of a machine that is off by a fixed amount.
type skewed struct {
	clock.Clock
	by time.Duration
}

func (s skewed) Now() time.Time { return s.Clock.Now().Add(s.by) }
