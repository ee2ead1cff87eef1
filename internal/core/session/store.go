package session

import (
	"context"
	"errors"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
)

// linger is how long the row of an ended session stays, so that a late token can still be told why it is refused.
const linger = 24 * time.Hour

const (
	sqlInsert = `INSERT INTO sessions
		(id, user_id, client, amr, acr, created_at, auth_time, refreshed_at, rotation, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

	sqlRotate = `UPDATE sessions SET rotation = rotation + 1, refreshed_at = $1
		WHERE id = $2 AND rotation = $3 AND ended_at IS NULL AND expires_at > $1 AND refreshed_at > $4`

	sqlEnd = `UPDATE sessions SET ended_at = $1, end_reason = $2,
		expires_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END
		WHERE id = $4 AND ended_at IS NULL`

	sqlEndStolen = `UPDATE sessions SET ended_at = $1, end_reason = $2,
		expires_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END
		WHERE id = $4 AND ended_at IS NULL AND (rotation > $5 OR rotation = $5 AND refreshed_at <= $6)`

	sqlEndOfUser = `UPDATE sessions SET ended_at = $1, end_reason = $2,
		expires_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END
		WHERE user_id = $4 AND ended_at IS NULL`

	sqlDeleteExpired = `DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`

	sqlNextPage = `SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`

	sqlDeleteIdle = `DELETE FROM sessions WHERE id > $1 AND id <= $2 AND refreshed_at <= $3`

	sqlDeleteIdleRest = `DELETE FROM sessions WHERE id > $1 AND refreshed_at <= $2`
)

// Insert stores a new session.
func Insert(ctx context.Context, tx *db.Tx, s Session) error {
	_, err := tx.Exec(ctx, sqlInsert, s.ID, s.User, s.Client, s.AMR, s.ACR,
		s.CreatedAt, s.AuthTime, s.RefreshedAt, s.Rotation, s.ExpiresAt)
	return err
}

// RotateFrom moves a live session one rotation on from the one presented. False means that it was not live any more
// or that somebody else has moved it on meanwhile.
func RotateFrom(ctx context.Context, tx *db.Tx, id ident.SessionID, presented int64, l Limits) (bool, error) {
	now := tx.Now()
	n, err := tx.Exec(ctx, sqlRotate, now, id, presented, now.Add(-l.Idle))
	return n == 1, err
}

// End ends a session for a reason. False means that there was none to end.
func End(ctx context.Context, tx *db.Tx, id ident.SessionID, reason EndReason) (bool, error) {
	n, err := tx.Exec(ctx, sqlEnd, tx.Now(), reason, tx.Now().Add(linger), id)
	return n == 1, err
}

// EndStolen ends a session because an old refresh token was presented, if by the row it still is one. False means that
// another request was first.
func EndStolen(ctx context.Context, tx *db.Tx, t Token, window time.Duration) (bool, error) {
	now := tx.Now()
	n, err := tx.Exec(ctx, sqlEndStolen, now, EndReuse, now.Add(linger), t.Session, t.Rotation+1, now.Add(-window))
	return n == 1, err
}

// EndAllOf ends all sessions of a user and tells how many there were.
func EndAllOf(ctx context.Context, tx *db.Tx, user ident.UserID, reason EndReason) (int64, error) {
	return tx.Exec(ctx, sqlEndOfUser, tx.Now(), reason, tx.Now().Add(linger), user)
}

// DeleteExpired deletes up to limit sessions past their absolute end, by the index on it, and tells how many went.
func DeleteExpired(ctx context.Context, tx *db.Tx, limit int) (int64, error) {
	return tx.Exec(ctx, sqlDeleteExpired, tx.Now(), limit)
}

// DeleteIdle deletes the sessions that have been idle too long among the next page of the table after an id, and gives
// the id to go on from, empty at the end. Idle time has no index, since that would make every refresh dearer.
func DeleteIdle(
	ctx context.Context, tx *db.Tx, after ident.SessionID, page int, l Limits,
) (deleted int64, next ident.SessionID, err error) {
	idle := tx.Now().Add(-l.Idle)
	switch err = tx.QueryRow(ctx, sqlNextPage, after, page-1).Scan(&next); {
	case errors.Is(err, db.ErrNoRows):
		deleted, err = tx.Exec(ctx, sqlDeleteIdleRest, after, idle)
		return deleted, "", err
	case err != nil:
		return 0, "", err
	}
	deleted, err = tx.Exec(ctx, sqlDeleteIdle, after, next, idle)
	return deleted, next, err
}
