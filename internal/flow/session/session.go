// Package session is the life of a session after sign-in: checking the access token of a request, refreshing, and
// ending one or all. It owns no table.
package session

import (
	"context"
	"errors"

	"github.com/durwardhq/durward/internal/core/audit"
	core "github.com/durwardhq/durward/internal/core/session"
	"github.com/durwardhq/durward/internal/flow/issue"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// Refusals of this flow.
var (
	ErrAccessToken = errs.New(errs.Unauthenticated, "invalid_token",
		"The access token is not valid, has expired or was revoked. Refresh it or sign in again.")
	ErrRefreshToken = errs.New(errs.Unauthenticated, "invalid_refresh_token",
		"The refresh token is not valid or its session has ended. Sign in again.")
	ErrReused = errs.New(errs.Unauthenticated, "refresh_token_reused",
		"The refresh token was used before. For safety the session has been ended. Sign in again.")
)

// Flow keeps sessions.
type Flow struct {
	DB       *db.DB
	Audit    *audit.Log
	Issuer   *issue.Issuer
	Verifier *issue.Verifier
	Codec    *core.Codec
}

// Authenticate checks an access token and gives who it stands for, as the database has it now; else ErrAccessToken.
func (f *Flow) Authenticate(ctx context.Context, token string) (issue.Principal, error) {
	p, err := f.Verifier.Verify(ctx, f.DB, token)
	if errors.Is(err, issue.ErrRefused) {
		return p, ErrAccessToken
	}
	return p, err
}

// SignOut ends the session of a request. ErrAccessToken where somebody else has just ended it.
func (f *Flow) SignOut(ctx context.Context, actor ident.Actor, p issue.Principal) error {
	ended, err := f.end(ctx, actor, p.User, p.Session)
	if err == nil && !ended {
		return ErrAccessToken
	}
	return err
}

// SignOutByRefresh ends the session of a refresh token, for when the access token has expired. An older token of the
// session will do: whoever holds it may not use the session, but may end it.
func (f *Flow) SignOutByRefresh(ctx context.Context, actor ident.Actor, token secret.String) error {
	t, err := f.Codec.Parse(token.Reveal())
	if err != nil {
		f.Audit.Note(ctx, audit.SessionEnded, audit.Refused, "token_malformed")
		return ErrRefreshToken
	}
	j, err := f.judge(ctx, t)
	if err != nil {
		return err
	}
	if !j.Decision.Allowed() {
		return f.refuse(ctx, actor, j, t, string(j.Decision.Reason))
	}
	if j.Session.Judge(t.Rotation, j.Facts.At, f.Issuer.Settings().ReuseWindow) == core.Stolen {
		// The session ends as asked, but a copy of its token is about.
		if err := f.stolen(ctx, actor, j, t); !errors.Is(err, ErrReused) {
			return err
		}
		return nil
	}
	actor.Kind, actor.User, actor.Session = ident.ActorUser, j.Facts.User, t.Session
	ended, err := f.end(ctx, actor, j.Facts.User, t.Session)
	if err == nil && !ended {
		return ErrRefreshToken
	}
	return err
}

func (f *Flow) end(ctx context.Context, actor ident.Actor, user ident.UserID, id ident.SessionID) (bool, error) {
	return audit.InTx(ctx, f.Audit, actor, audit.SessionEnded,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (bool, error) {
			e.Subject, e.Session, e.Reason = user, id, string(core.EndSignOut)
			ended, err := core.End(ctx, tx, id, core.EndSignOut)
			if err == nil && !ended {
				e.Refuse("session_ended")
			}
			return ended, err
		})
}

// SignOutAll ends every session of the request's user, this one included.
func (f *Flow) SignOutAll(ctx context.Context, actor ident.Actor, p issue.Principal) error {
	_, err := audit.InTx(ctx, f.Audit, actor, audit.SessionsEnded,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (int64, error) {
			e.Subject, e.Reason = p.User, string(core.EndSignOutAll)
			n, err := core.EndAllOf(ctx, tx, p.User, core.EndSignOutAll)
			e.Detail("sessions", itoa(n))
			return n, err
		})
	return err
}
