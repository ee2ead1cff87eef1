// Package manage is what an operator does to accounts: setting a password, giving and taking roles. It owns no table.
package manage

import (
	"context"
	"errors"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/password"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/core/session"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

var errInvalid = errs.New(errs.Invalid, "validation_failed", "The password is not acceptable.")

var errNotFound = errs.New(errs.NotFound, "user_not_found", "There is no such account.")

func missing(found bool) error {
	if found {
		return nil
	}
	return errNotFound
}

// Flow governs accounts.
type Flow struct {
	DB     *db.DB
	Audit  *audit.Log
	Hasher *password.Hasher
	Policy *password.Policy
}

// SetPassword gives an account a new password and ends its sessions; it tells how many. Invalid names the broken rules.
func (f *Flow) SetPassword(ctx context.Context, actor ident.Actor, id ident.UserID, pw secret.String) (int64, error) {
	if bad := f.Policy.Check(pw); bad != nil {
		return 0, errInvalid.WithFields(*bad)
	}
	hash, err := f.Hasher.Hash(ctx, pw)
	if err != nil {
		return 0, err
	}
	return audit.InTx(ctx, f.Audit, actor, audit.PasswordSet,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (int64, error) {
			e.Subject = id
			// The user row first: a sign-in that holds it has stored its session by then, and it ends with the others.
			if found, err := account.SetPasswordHash(ctx, tx, id, hash); err != nil || !found {
				return 0, errors.Join(err, missing(found))
			}
			return session.EndAllOf(ctx, tx, id, session.EndPassword)
		})
}

// Grant gives a role to an account; false means that it had it already.
func (f *Flow) Grant(ctx context.Context, actor ident.Actor, id ident.UserID, name role.Name) (bool, error) {
	return f.change(ctx, actor, audit.RoleGranted, id, name, role.Grant)
}

// Revoke takes a role from an account, from its next request on; false means that it did not have it.
func (f *Flow) Revoke(ctx context.Context, actor ident.Actor, id ident.UserID, name role.Name) (bool, error) {
	return f.change(ctx, actor, audit.RoleRevoked, id, name, role.Revoke)
}

func (f *Flow) change(
	ctx context.Context, actor ident.Actor, typ audit.Type, id ident.UserID, name role.Name,
	act func(context.Context, *db.Tx, ident.UserID, role.Name) (bool, error),
) (bool, error) {
	return audit.InTx(ctx, f.Audit, actor, typ, func(ctx context.Context, tx *db.Tx, e *audit.Event) (bool, error) {
		e.Subject = id
		e.Detail("role", string(name))
		changed, err := act(ctx, tx, id, name)
		if !changed {
			e.Moot()
		}
		return changed, err
	})
}
