package db

import (
	"context"
	"errors"
	"time"
)

// Tx is a transaction under way. It belongs to one run of one closure and to one goroutine.
type Tx struct {
	d      *DB
	conn   txConn
	now    time.Time
	once   bool
	used   bool
	over   bool
	rows   *txRows
	failed error
}

// txConn is the connection that a transaction runs on.
type txConn interface {
	txQuery(ctx context.Context, sql string, args []any) (Rows, error)
	txQueryRow(ctx context.Context, sql string, args []any, dest []any) error
	txExec(ctx context.Context, sql string, args []any) (int64, error)
}

var (
	errOnce = errors.New("db: a second statement in Once: use Write for more than one")
	errOpen = errors.New("db: rows of an earlier statement of the transaction are still open: close them first")
	errOver = errors.New("db: the transaction is over: a Tx must not outlive its closure")
)

// Exec runs a statement and tells how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (affected int64, err error) {
	if err := tx.admit(sql); err != nil {
		return 0, err
	}
	affected, err = tx.conn.txExec(ctx, sql, args)
	return affected, tx.fail(err)
}

// Query implements Querier. The rows must be closed before the next statement.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (Rows, error) {
	if err := tx.admit(sql); err != nil {
		return nil, err
	}
	rows, err := tx.conn.txQuery(ctx, sql, args)
	if err != nil {
		return nil, tx.fail(err)
	}
	tx.rows = &txRows{Rows: rows, tx: tx}
	return tx.rows, nil
}

// QueryRow implements Querier.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) Row {
	return &txRow{ctx: ctx, tx: tx, sql: sql, args: args}
}

type txRow struct {
	ctx  context.Context
	tx   *Tx
	sql  string
	args []any
}

func (r *txRow) Scan(dest ...any) error {
	if err := r.tx.admit(r.sql); err != nil {
		return err
	}
	return r.tx.fail(r.tx.conn.txQueryRow(r.ctx, r.sql, r.args, dest))
}

// Now is the transaction's time, the same for its whole length: on PostgreSQL the database's, on SQLite the process's,
// in Once the instant that the caller brought.
func (tx *Tx) Now() time.Time { return tx.now }

// Engine implements Querier.
func (tx *Tx) Engine() Engine { return tx.d.Engine() }

// Instant implements Querier.
func (tx *Tx) Instant(stamp time.Time) time.Time { return tx.d.Instant(stamp) }

// admit refuses what one of the engines could not run: a statement beside open rows, a second one in Once.
func (tx *Tx) admit(sql string) error {
	switch {
	case tx.over:
		return errOver
	case tx.rows != nil:
		return tx.fail(errOpen)
	case tx.once && tx.used:
		return tx.fail(errOnce)
	}
	tx.used = true
	tx.d.observe(sql)
	return nil
}

// fail remembers the first statement that failed: PostgreSQL commits nothing after one, so SQLite must not either.
func (tx *Tx) fail(err error) error {
	if err != nil && tx.failed == nil && !errors.Is(err, ErrNoRows) {
		tx.failed = err
	}
	return err
}

// txRows are rows that keep their transaction from running another statement until they are closed.
type txRows struct {
	Rows
	tx *Tx
}

func (r *txRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *txRows) Scan(dest ...any) error { return r.tx.fail(r.Rows.Scan(dest...)) }

func (r *txRows) Err() error { return r.tx.fail(r.Rows.Err()) }

func (r *txRows) Close() {
	r.Rows.Close()
	if r.tx.rows == r {
		r.tx.rows = nil
	}
	_ = r.tx.fail(r.Rows.Err()) // remembered, and given again by Err
}
