package db

import (
	"context"
	"fmt"
	"time"
)

// Write runs fn in a transaction and gives its value once that is committed. An error or a panic of fn rolls back.
//
// fn may run more than once (after a conflict, or because another closure broke the group it was in), so it must
// change nothing outside but return a value; it uses the context and the Tx that it is given, and nothing else of the
// database. ctx ends the caller's wait for a connection or a place in a group. Once fn runs it is not interrupted: on SQLite a
// caller whose ctx ends meanwhile gets ctx's error at once and the group goes on, on PostgreSQL the transaction is seen
// to its end, for at most ten seconds. An error of kind Unavailable during the commit leaves open whether it happened.
//
// A panic of fn is raised again in the caller's goroutine; on SQLite, where fn ran in another one, as a *Panic.
func Write[T any](ctx context.Context, d *DB, fn func(ctx context.Context, tx *Tx) (T, error)) (T, error) {
	return submit(ctx, d, work{}, fn)
}

// Once is Write for an fn that makes at most one statement, for which PostgreSQL needs no BEGIN and COMMIT; a second
// one is an error. `now`, which tx.Now gives, is an instant that the caller has read from the database just before. An fn
// that fails after its statement succeeded undoes it on SQLite alone, so it must not.
func Once[T any](ctx context.Context, d *DB, now time.Time,
	fn func(ctx context.Context, tx *Tx) (T, error)) (T, error) {
	return submit(ctx, d, work{once: true, now: now}, fn)
}

// work is a closure with how it is to be run.
type work struct {
	closure
	once bool
	now  time.Time
}

// closure is the caller's function without its type.
type closure interface {
	run(ctx context.Context, tx *Tx) error
}

// typed keeps the value of a closure until the caller may have it.
type typed[T any] struct {
	fn    func(ctx context.Context, tx *Tx) (T, error)
	value T
}

func (t *typed[T]) run(ctx context.Context, tx *Tx) error {
	value, err := t.fn(ctx, tx)
	if err == nil {
		t.value = value
	}
	return err
}

// submit hands fn to the engine. The value is read only after the engine said that it is committed, which orders the
// read after the writer's goroutine; a caller that left before leaves the value alone.
func submit[T any](ctx context.Context, d *DB, w work, fn func(context.Context, *Tx) (T, error)) (T, error) {
	var none T
	if err := d.outside(ctx); err != nil {
		return none, err
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	t := &typed[T]{fn: fn}
	w.closure = t
	if err := d.engine.write(ctx, w); err != nil {
		return none, err
	}
	return t.value, nil
}

// Panic is the panic of a closure, carried from the writer's goroutine to the caller's.
type Panic struct {
	Value any
	// Stack is that of the closure, which the caller's goroutine does not have.
	Stack []byte
}

// Error gives the value and where it came from.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n\nin a transaction:\n%s", p.Value, p.Stack) }

// uncancelled is the context that a closure runs under: the caller's values, not its end, and the mark of the database.
func uncancelled(ctx context.Context, d *DB) context.Context {
	return context.WithValue(context.WithoutCancel(ctx), inside{}, d)
}

// finish tells whether the closure of tx, which returned err, may be committed.
func (tx *Tx) finish(err error) error {
	tx.over = true
	switch {
	case tx.rows != nil:
		tx.rows.Rows.Close()
		tx.rows = nil
		if err == nil {
			err = errOpen
		}
	case err == nil && tx.failed != nil:
		err = tx.failed
	}
	return err
}
