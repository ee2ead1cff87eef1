// Package signin is the story of proving a password: find the account, verify, decide, and begin a session with its
// event, all in one transaction. Whatever goes wrong with the credentials has one answer, in words and in time; the
// true reason stands in the audit log.
package signin

import (
	"context"
	"log/slog"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/password"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/flow/issue"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// ErrCredentials is the answer to every wrong combination, whether or not the account exists or may sign in.
var ErrCredentials = errs.New(errs.Unauthenticated, "invalid_credentials",
	"The username or email address and the password do not belong together.")

// The true reasons of a refused sign-in that are not the policy's.
const (
	reasonUnknown  = "account_unknown"
	reasonPassword = "password_wrong"
	reasonChanged  = "password_changed_meanwhile"
)

// Flow signs people in.
type Flow struct {
	DB     *db.DB
	Audit  *audit.Log
	Hasher *password.Hasher
	Issuer *issue.Issuer
	Logger *slog.Logger
}

// proof is what verifying found out, before the transaction.
type proof struct {
	account account.Account
	found   bool
	match   bool
	rehash  string // a hash by the scheme in force, where the stored one is outdated
}

// outcome is what the transaction decided: an opened session, the refusal that the events already tell, or that the
// stored hash is no longer the one that was verified.
type outcome struct {
	opened  issue.Opened
	allowed bool
	stale   bool
}

// attempts bounds how often a password is verified anew because its stored hash changed meanwhile. That is a change of
// the password, or only its hash being renewed by another sign-in, which must not keep out the right password.
const attempts = 3

// SignIn verifies a password for a username or an email address and begins a session. It refuses with ErrCredentials,
// and with Unavailable ("busy") where too many sign-ins wait already.
func (f *Flow) SignIn(
	ctx context.Context, actor ident.Actor, identifier string, typed secret.String,
) (issue.Tokens, error) {
	leave, err := f.Hasher.Admit()
	if err != nil {
		return issue.Tokens{}, err
	}
	defer leave()
	for attempt := 1; ; attempt++ {
		p, err := f.prove(ctx, identifier, typed)
		if err != nil {
			return issue.Tokens{}, err
		}
		done, err := audit.InTx(ctx, f.Audit, actor, audit.SessionStarted,
			func(ctx context.Context, tx *db.Tx, e *audit.Event) (outcome, error) {
				return f.begin(ctx, tx, e, p, attempt == attempts)
			})
		switch {
		case err != nil:
			return issue.Tokens{}, err
		case done.allowed:
			f.upgrade(ctx, actor, p)
			return f.Issuer.Mint(done.opened)
		case !done.stale:
			return issue.Tokens{}, ErrCredentials
		}
	}
}

// prove does what is slow: one verification, whoever is asked for.
func (f *Flow) prove(ctx context.Context, identifier string, typed secret.String) (proof, error) {
	a, found, err := account.FindForSignIn(ctx, f.DB, account.ParseIdentifier(identifier))
	if err != nil {
		return proof{}, err
	}
	if !found {
		return proof{}, f.Hasher.VerifyAbsent(ctx, typed)
	}
	match, outdated, err := f.Hasher.Verify(ctx, a.PasswordHash, typed)
	if err != nil {
		return proof{}, err
	}
	p := proof{account: a, found: true, match: match}
	if match && outdated {
		// Best effort: a full queue must not keep out somebody who has just been let in.
		if hash, err := f.Hasher.Hash(ctx, typed); err == nil {
			p.rehash = hash
		} else {
			f.Logger.WarnContext(ctx, "password not rehashed", "user_id", a.ID, "cause", err.Error())
		}
	}
	return p, nil
}

// begin decides inside the transaction, on the account as it is now: a password that was changed while the old one was
// being verified opens nothing. Unless it is the last attempt, a hash that changed is no refusal yet.
func (f *Flow) begin(ctx context.Context, tx *db.Tx, e *audit.Event, p proof, last bool) (outcome, error) {
	e.Subject = p.account.ID
	switch {
	case !p.found:
		e.Refuse(reasonUnknown)
		return outcome{}, nil
	case !p.match:
		e.Refuse(reasonPassword)
		return outcome{}, nil
	}
	current, found, err := account.Lock(ctx, tx, p.account.ID)
	if err != nil {
		return outcome{}, err
	}
	if !found || current.PasswordHash != p.account.PasswordHash {
		if !last {
			e.Moot()
			return outcome{stale: true}, nil
		}
		e.Refuse(reasonChanged)
		return outcome{}, nil
	}
	roles, err := role.OfUser(ctx, tx, current.ID)
	if err != nil {
		return outcome{}, err
	}
	opened, decision, err := f.Issuer.Open(ctx, tx, issue.Subject{User: current.User, Roles: names(roles)},
		ident.AMRPassword)
	if err != nil {
		return outcome{}, err
	}
	if !decision.Allowed() {
		e.Refuse(string(decision.Reason))
		return outcome{}, nil
	}
	e.Session = opened.SessionID()
	e.Actor.Kind, e.Actor.User = ident.ActorUser, current.ID
	return outcome{opened: opened, allowed: true}, nil
}

// upgrade stores the new hash, unless the password was changed meanwhile. A failure is logged, and the next sign-in
// tries again.
func (f *Flow) upgrade(ctx context.Context, actor ident.Actor, p proof) {
	if p.rehash == "" {
		return
	}
	_, err := audit.InTx(ctx, f.Audit, actor, audit.PasswordRehashed,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (bool, error) {
			e.Subject = p.account.ID
			done, err := account.UpgradePasswordHash(ctx, tx, p.account.ID, p.account.PasswordHash, p.rehash)
			if err == nil && !done {
				e.Refuse(reasonChanged)
			}
			return done, err
		})
	if err != nil {
		f.Logger.WarnContext(ctx, "password not rehashed", "user_id", p.account.ID, "cause", err.Error())
	}
}

func names(roles []role.Name) []string {
	texts := make([]string, len(roles))
	for i, r := range roles {
		texts[i] = string(r)
	}
	return texts
}
