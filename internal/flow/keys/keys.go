// Package keys is the story of the installation's keys: making the first ones, rotating the signing key by command or
// by schedule, and letting old ones go. It owns no table.
package keys

import (
	"context"
	"time"

	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/keyring"
	"github.com/durwardhq/durward/internal/core/signingkey"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// keep is how long the row of a removed key stays, so that `keys list` can still show it.
const keep = 30 * 24 * time.Hour

// Flow makes and rotates keys. Every is the age at which a signing key is replaced, 0 for never; Overlap is how long a
// replaced key goes on verifying.
type Flow struct {
	DB        *db.DB
	Audit     *audit.Log
	Box       *secret.Box
	Algorithm jwt.Algorithm
	Chosen    bool // false where Algorithm is only the default: then keys keep the algorithm that they have
	Every     time.Duration
	Overlap   time.Duration
}

// EnsureFirst makes the first signing key where there is none. Of several instances that start at once one makes it.
func (f *Flow) EnsureFirst(ctx context.Context, actor ident.Actor) error {
	held, _, err := signingkey.List(ctx, f.DB)
	if err != nil || len(held) > 0 {
		return err
	}
	draft, err := signingkey.NewDraft(f.Box, f.Algorithm)
	if err != nil {
		return err
	}
	_, err = audit.InTx(ctx, f.Audit, actor, audit.KeyCreated,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (signingkey.Change, error) {
			change, err := signingkey.EnsureFirst(ctx, tx, draft)
			describe(e, change)
			return change, err
		})
	return err
}

// EnsureSealed makes the first symmetric key of a purpose where there is none.
func (f *Flow) EnsureSealed(ctx context.Context, actor ident.Actor, purpose keyring.Purpose) error {
	_, err := audit.InTx(ctx, f.Audit, actor, audit.SealedKeyCreated,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (struct{}, error) {
			e.Detail("purpose", string(purpose))
			made, err := keyring.Ensure(ctx, tx, f.Box, purpose)
			if !made {
				e.Moot()
			}
			return struct{}{}, err
		})
	return err
}

// Rotate publishes a new signing key that signs after the lead time. Where one is prepared already it gives that one.
// With now, for a compromise, the new key signs at once and every other is removed at once: the tokens they signed are
// refused from then on.
func (f *Flow) Rotate(ctx context.Context, actor ident.Actor, now bool) (signingkey.Change, error) {
	draft, err := f.successor(ctx)
	if err != nil {
		return signingkey.Change{}, err
	}
	plan := signingkey.Plan{Lead: signingkey.Lead, Overlap: f.Overlap, Now: now}
	return audit.InTx(ctx, f.Audit, actor, audit.KeyRotated,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (signingkey.Change, error) {
			if now {
				e.Reason = "compromise"
			}
			change, err := signingkey.Rotate(ctx, tx, draft, plan)
			describe(e, change)
			return change, err
		})
}

// successor makes the next key: of the configured algorithm, or where nobody chose one, of the newest key's.
func (f *Flow) successor(ctx context.Context) (signingkey.Draft, error) {
	algorithm := f.Algorithm
	if !f.Chosen {
		held, _, err := signingkey.List(ctx, f.DB)
		if err != nil {
			return signingkey.Draft{}, err
		}
		if len(held) > 0 {
			algorithm = held[0].Algorithm
		}
	}
	return signingkey.NewDraft(f.Box, algorithm)
}

func describe(e *audit.Event, change signingkey.Change) {
	if !change.Made {
		e.Moot()
		return
	}
	e.Detail("key", string(change.Key.ID))
	e.Detail("algorithm", string(change.Key.Algorithm))
}

// Scheduled rotates when the time has come, or the configured algorithm has changed, and deletes keys long removed.
func (f *Flow) Scheduled(ctx context.Context, actor ident.Actor) error {
	held, at, err := signingkey.List(ctx, f.DB)
	if err != nil {
		return err
	}
	algorithm := f.Algorithm
	if !f.Chosen && len(held) > 0 {
		algorithm = held[0].Algorithm
	}
	due := signingkey.Due(held, at, signingkey.Schedule{Algorithm: algorithm, Every: f.Every, Lead: signingkey.Lead})
	if due {
		if _, err := f.Rotate(ctx, actor, false); err != nil {
			return err
		}
	}
	for _, key := range held {
		if key.RemoveAt != nil && key.RemoveAt.Before(at.Add(-keep)) {
			return f.deleteRemoved(ctx, actor, at.Add(-keep))
		}
	}
	return nil
}

func (f *Flow) deleteRemoved(ctx context.Context, actor ident.Actor, before time.Time) error {
	_, err := audit.InTx(ctx, f.Audit, actor, audit.KeysRemoved,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (int64, error) {
			n, err := signingkey.DeleteRemoved(ctx, tx, before)
			if n == 0 {
				e.Moot()
			}
			return n, err
		})
	return err
}
