// Package upkeep lets rows leave that have done their duty, a small batch at a time so that no request waits long. It
// owns no table and remembers only how far it has walked; where it starts again it walks again, which does no harm.
package upkeep

import (
	"context"

	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/session"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
)

const (
	// batch is how many rows go in one transaction: about 15 ms on a laptop's disk.
	batch = 1000
	// batches bounds one call.
	batches = 200
	// pages is how far one call walks through the table in search of idle sessions.
	pages = 20
)

// Flow deletes what has expired. It is used by one goroutine.
type Flow struct {
	DB     *db.DB
	Audit  *audit.Log
	Limits session.Limits

	walked ident.SessionID
}

// Sessions deletes sessions past their absolute end, and walks a stretch of the table for those idle too long. It
// tells how many went.
func (f *Flow) Sessions(ctx context.Context) (int64, error) {
	total := int64(0)
	for range batches {
		n, err := audit.Routine(ctx, f.Audit, audit.SessionsExpired, deleteExpired)
		total += n
		if err != nil {
			return total, err
		}
		if n < batch {
			break
		}
	}
	for range pages {
		n, err := f.idlePage(ctx)
		total += n
		if err != nil || f.walked == "" {
			return total, err
		}
	}
	return total, nil
}

func (f *Flow) idlePage(ctx context.Context) (int64, error) {
	type page struct {
		deleted int64
		next    ident.SessionID
	}
	after := f.walked
	p, err := audit.Routine(ctx, f.Audit, audit.SessionsExpired, func(ctx context.Context, tx *db.Tx) (page, error) {
		n, next, err := session.DeleteIdle(ctx, tx, after, batch, f.Limits)
		return page{n, next}, err
	})
	if err != nil {
		return 0, err
	}
	f.walked = p.next
	return p.deleted, nil
}

func deleteExpired(ctx context.Context, tx *db.Tx) (int64, error) {
	return session.DeleteExpired(ctx, tx, batch)
}
