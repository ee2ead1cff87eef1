package session

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/policy"
	core "github.com/durwardhq/durward/internal/core/session"
	"github.com/durwardhq/durward/internal/flow/issue"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/logx"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// rounds bounds how often a refresh looks again after somebody else moved the session on in between. After one
// rotation by another, a second look finds the token replaced, which decides; more are for the improbable.
const rounds = 4

// Refresh trades a refresh token for new tokens: one read of everything the policy asks for, and one conditional
// write. The token just replaced gives the same successor again within the reuse window; any older one ends the
// session with ErrReused. Everything else that is not good is ErrRefreshToken.
func (f *Flow) Refresh(ctx context.Context, actor ident.Actor, token secret.String) (issue.Tokens, error) {
	t, err := f.Codec.Parse(token.Reveal())
	if err != nil {
		f.Audit.Note(ctx, audit.SessionRefreshed, audit.Refused, "token_malformed")
		return issue.Tokens{}, ErrRefreshToken
	}
	logx.Add(ctx, slog.String("session_id", string(t.Session)))
	for range rounds {
		tokens, settled, err := f.try(ctx, actor, t)
		if err != nil || settled {
			return tokens, err
		}
	}
	return issue.Tokens{}, ErrRefreshToken
}

// try reads and acts once. settled is false where the row changed between the two.
func (f *Flow) try(ctx context.Context, actor ident.Actor, t core.Token) (tokens issue.Tokens, settled bool, err error) {
	j, err := f.judge(ctx, t)
	if err != nil {
		return tokens, false, err
	}
	if !j.Decision.Allowed() {
		return tokens, true, f.refuse(ctx, actor, j, t, string(j.Decision.Reason))
	}
	switch verdict := j.Session.Judge(t.Rotation, j.Facts.At, f.Issuer.Settings().ReuseWindow); verdict {
	case core.Rotate:
		return f.rotate(ctx, j, t)
	case core.Repeat:
		logx.Add(ctx, slog.Bool("repeated", true))
		opened, err := j.Reopen(j.Session.Rotation, j.Session.RefreshedAt)
		if err != nil {
			return tokens, false, err
		}
		tokens, err = f.Issuer.Mint(opened)
		return tokens, true, err
	case core.Stolen:
		return tokens, true, f.stolen(ctx, actor, j, t)
	default:
		return tokens, true, f.refuse(ctx, actor, j, t, "token_"+string(verdict))
	}
}

func (f *Flow) judge(ctx context.Context, t core.Token) (issue.Judged, error) {
	j, err := f.Issuer.Judge(ctx, f.DB, policy.Refresh, t.Session)
	if err == nil && j.Found {
		logx.Add(ctx, slog.Int64("user_id", int64(j.Facts.User)))
	}
	return j, err
}

// refuse answers a token of ours that is not good any more, and leaves the event. An old token of a session that ended
// by its reuse is told so, however many come; the theft itself is in the log already.
func (f *Flow) refuse(ctx context.Context, actor ident.Actor, j issue.Judged, t core.Token, reason string) error {
	if j.Found && j.Session.EndReason == core.EndReuse && t.Rotation < j.Session.Rotation {
		f.Audit.Note(ctx, audit.RefreshReused, audit.Refused, reason)
		return ErrReused
	}
	_, err := audit.InTx(ctx, f.Audit, actor, audit.SessionRefreshed,
		func(_ context.Context, _ *db.Tx, e *audit.Event) (struct{}, error) {
			e.Subject, e.Session = j.Facts.User, t.Session
			e.Refuse(reason)
			return struct{}{}, nil
		})
	if err != nil {
		return err
	}
	return ErrRefreshToken
}

func (f *Flow) rotate(ctx context.Context, j issue.Judged, t core.Token) (issue.Tokens, bool, error) {
	limits := f.Issuer.Settings().Sessions
	moved, err := audit.Counted(ctx, f.Audit, j.Facts.At, audit.SessionRefreshed,
		func(ctx context.Context, tx *db.Tx) (bool, error) {
			return core.RotateFrom(ctx, tx, t.Session, t.Rotation, limits)
		})
	if err != nil || !moved {
		return issue.Tokens{}, false, err
	}
	opened, err := j.Reopen(t.Rotation+1, j.Facts.At)
	if err != nil {
		return issue.Tokens{}, false, err
	}
	tokens, err := f.Issuer.Mint(opened)
	return tokens, true, err
}

// stolen ends the session, once: of many requests with old tokens one finds it still open and leaves the event.
func (f *Flow) stolen(ctx context.Context, actor ident.Actor, j issue.Judged, t core.Token) error {
	window := f.Issuer.Settings().ReuseWindow
	_, err := audit.InTx(ctx, f.Audit, actor, audit.RefreshReused,
		func(ctx context.Context, tx *db.Tx, e *audit.Event) (bool, error) {
			e.Subject, e.Session = j.Facts.User, t.Session
			e.Detail("presented", itoa(t.Rotation))
			e.Detail("expected", itoa(j.Session.Rotation))
			e.Refuse(string(core.EndReuse))
			ended, err := core.EndStolen(ctx, tx, t, window)
			if !ended {
				e.Moot()
			}
			return ended, err
		})
	if err != nil {
		return err
	}
	return ErrReused
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
