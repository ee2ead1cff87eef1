package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2" // spreads retries; nothing here is secret
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// maxAttempts bounds how often a closure is run when the server gives it up for a conflict.
	maxAttempts = 6
	// retryPause is the longest pause before the second attempt; it doubles with each.
	retryPause = 4 * time.Millisecond
)

type writeCounts struct{ commits, retries atomic.Int64 }

// write implements writer: it runs the closure, again after a conflict.
func (e *postgresEngine) write(ctx context.Context, w work) error {
	for attempt := 1; ; attempt++ {
		err := e.attempt(ctx, w)
		if err == nil {
			e.counts.commits.Add(1)
			return nil
		}
		if !conflict(err) {
			return err
		}
		if attempt == maxAttempts {
			return unavailable(fmt.Errorf("db: given up after %d conflicts: %w", attempt, err))
		}
		e.counts.retries.Add(1)
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// pause waits before the next attempt, a random time so that those who met do not meet again.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(retryPause << (attempt - 1)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attempt runs the closure once. Waiting for the connection is the caller's; from then on the work is seen to its end,
// since a connection whose statement is interrupted is lost, and with it the answer whether the commit happened.
func (e *postgresEngine) attempt(ctx context.Context, w work) error {
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	closureCtx := uncancelled(ctx, e.d)
	bounded, cancel := context.WithTimeout(closureCtx, txTimeout)
	defer cancel()
	tx := &Tx{d: e.d, conn: &postgresTx{ctx: bounded, conn: conn.Conn()}, once: w.once, now: w.now}
	if w.once {
		return tx.finish(w.run(closureCtx, tx))
	}
	return e.transact(closureCtx, bounded, conn, tx, w)
}

// transact runs the closure between BEGIN and COMMIT. Whatever ends it otherwise, a panic too, rolls back.
func (e *postgresEngine) transact(ctx, bounded context.Context, conn *pgxpool.Conn, tx *Tx, w work) (err error) {
	if tx.now, err = e.begin(bounded, conn); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			_ = tx.finish(nil) // closes rows left open
			e.rollback(bounded, conn)
		}
	}()
	if err := tx.finish(w.run(ctx, tx)); err != nil {
		return err
	}
	if err := e.commit(bounded, conn); err != nil {
		return err
	}
	committed = true
	return nil
}

// begin opens the transaction and reads its time in one round trip.
func (e *postgresEngine) begin(ctx context.Context, conn *pgxpool.Conn) (now time.Time, err error) {
	e.d.observe("BEGIN")
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue("SELECT CURRENT_TIMESTAMP")
	results := conn.SendBatch(ctx, batch)
	_, err = results.Exec()
	if err == nil {
		err = results.QueryRow().Scan(&now)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return e.d.options.Clock.Shift(now), postgresError(err, nil, conn.Conn().IsClosed())
}

var errRolledBack = errors.New("db: the server rolled back instead of committing")

func (e *postgresEngine) commit(ctx context.Context, conn *pgxpool.Conn) error {
	e.d.observe("COMMIT")
	tag, err := conn.Exec(ctx, "COMMIT")
	if err == nil && tag.String() == "ROLLBACK" {
		return errRolledBack
	}
	return postgresError(err, nil, conn.Conn().IsClosed())
}

// rollback undoes the transaction, or gives the connection up, which undoes it too.
func (e *postgresEngine) rollback(ctx context.Context, conn *pgxpool.Conn) {
	e.d.observe("ROLLBACK")
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = conn.Conn().Close(ctx) // the pool drops a closed connection
	}
}

// postgresTx runs the statements of a transaction under the transaction's own context: the closure may have passed one
// that ends with its caller.
type postgresTx struct {
	ctx  context.Context
	conn *pgx.Conn
}

func (t *postgresTx) sorted(err error) error {
	return postgresError(noRows(err), nil, t.conn.IsClosed())
}

// txExec implements txConn.
func (t *postgresTx) txExec(_ context.Context, sql string, args []any) (int64, error) {
	tag, err := t.conn.Exec(t.ctx, sql, args...)
	return tag.RowsAffected(), t.sorted(err)
}

// txQuery implements txConn.
func (t *postgresTx) txQuery(_ context.Context, sql string, args []any) (Rows, error) {
	rows, err := t.conn.Query(t.ctx, sql, args...)
	if err != nil {
		return nil, t.sorted(err)
	}
	return &postgresTxRows{Rows: rows, tx: t}, nil
}

// txQueryRow implements txConn.
func (t *postgresTx) txQueryRow(_ context.Context, sql string, args []any, dest []any) error {
	return t.sorted(t.conn.QueryRow(t.ctx, sql, args...).Scan(dest...))
}

// postgresTxRows are rows whose errors are sorted.
type postgresTxRows struct {
	pgx.Rows
	tx *postgresTx
}

// Err implements Rows.
func (r *postgresTxRows) Err() error { return r.tx.sorted(r.Rows.Err()) }
