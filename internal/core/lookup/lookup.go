// Package lookup reads across tables: the joins that answer a request in one statement. It writes nothing and judges
// nothing; each table it names is owned, and written, by another core package.
package lookup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
)

// SessionFacts is a session, its user and the user's roles as they are at the moment At of the database's clock.
type SessionFacts struct {
	Session     ident.SessionID
	Client      ident.Client
	AMR         ident.AMR
	ACR         ident.ACR
	CreatedAt   time.Time
	AuthTime    time.Time
	RefreshedAt time.Time
	Rotation    int64
	ExpiresAt   time.Time
	EndedAt     *time.Time
	EndReason   string

	User          ident.UserID
	Username      string
	Email         string
	UserStatus    string
	UserCreatedAt time.Time
	UserUpdatedAt time.Time
	Roles         []string // sorted

	At time.Time
}

const sqlSession = `SELECT s.id, s.client, s.amr, s.acr, s.created_at, s.auth_time, s.refreshed_at, s.rotation,
		s.expires_at, s.ended_at, COALESCE(s.end_reason, ''),
		u.id, u.username, u.email, u.status, u.created_at, u.updated_at,
		COALESCE((SELECT string_agg(r.role, ' ') FROM user_roles r WHERE r.user_id = u.id), ''),
		CURRENT_TIMESTAMP
	FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`

// Session reads everything that deciding about a session takes, in one statement. found is false where there is no
// such session.
func Session(ctx context.Context, q db.Querier, id ident.SessionID) (f SessionFacts, found bool, err error) {
	var roles string
	var stamp time.Time
	err = q.QueryRow(ctx, sqlSession, id).Scan(&f.Session, &f.Client, &f.AMR, &f.ACR, &f.CreatedAt, &f.AuthTime,
		&f.RefreshedAt, &f.Rotation, &f.ExpiresAt, &f.EndedAt, &f.EndReason,
		&f.User, &f.Username, &f.Email, &f.UserStatus, &f.UserCreatedAt, &f.UserUpdatedAt, &roles, &stamp)
	if errors.Is(err, db.ErrNoRows) {
		return SessionFacts{}, false, nil
	}
	if err != nil {
		return SessionFacts{}, false, err
	}
	f.Roles = strings.Fields(roles)
	slices.Sort(f.Roles)
	f.At = q.Instant(stamp)
	return f, true, nil
}
