// Package db opens the database, SQLite or PostgreSQL, and gives the one way to read and write it: reads through a
// Querier, writes through a Tx inside Write or Once. It owns the connections, the grouping of writes on SQLite, the
// conversion of values between Go and the two engines, the migrations and the table that records them. It leaves every
// other table, and all the SQL that names one, to the packages whose data they hold.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// Engine names a kind of database.
type Engine string

const (
	// SQLite is a file on this machine, written by one goroutine of each process.
	SQLite Engine = "sqlite"
	// Postgres is a PostgreSQL server, shared by any number of instances.
	Postgres Engine = "postgres"
)

// ErrNoRows is what Row.Scan gives when the statement selected nothing.
var ErrNoRows = sql.ErrNoRows

// Rows is the answer of a Query. Close is owed on every path and may be called again; after the last row it has
// happened already.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// Row is the answer of a QueryRow. Its statement runs when Scan is called, so that a row nobody scans holds nothing.
// Scan gives the first row, or ErrNoRows.
type Row interface {
	Scan(dest ...any) error
}

// Querier is what reads take: *DB, which reads what is committed, and *Tx, which sees its own writes too.
//
// Parameters are written $1 to $n. Arguments are string, integer and bool kinds (named ones too), []byte, time.Time,
// pointers to these for what may be NULL, and nil; destinations are pointers to the same. Times are kept in
// microseconds and come back in UTC.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) Row
	Engine() Engine
	// Instant turns the CURRENT_TIMESTAMP that a statement selected into the time of the database's clock at that
	// statement. On PostgreSQL that is the value itself, moved by the clock of tests; on SQLite it is the process's
	// clock, since SQLite tells whole seconds only.
	Instant(stamp time.Time) time.Time
}

// Options are the settings of a database. The zero value is good for production.
type Options struct {
	// Clock is the process's clock, by default the machine's.
	Clock clock.Clock
	// MaxConns bounds the connections: PostgreSQL's pool, by default four a core and at least four, or SQLite's
	// readers, by default two a core and at least four.
	MaxConns int
	// Observe is told every statement of a caller before it runs, and BEGIN, COMMIT and ROLLBACK around them. It is
	// called from many goroutines. Tests count statements with it.
	Observe func(sql string)
	// Progress is told each migration once it is applied.
	Progress func(MigrationStatus)
}

// DB is an open database, safe for use by many goroutines.
type DB struct {
	engine  engine
	options Options
}

// engine is what the two kinds of database have in common.
type engine interface {
	kind() Engine
	reader
	writer
	migrator
	close() error
}

// reader is the reading half of an engine.
type reader interface {
	query(ctx context.Context, sql string, args []any) (Rows, error)
	queryRow(ctx context.Context, sql string, args []any, dest []any) error
	ping(ctx context.Context) error
	stats() Stats
}

// writer is the writing half: it runs a unit of work and returns once that is committed.
type writer interface {
	write(ctx context.Context, w work) error
}

var errScheme = errors.New(
	"want `sqlite:PATH` or `postgres://user:password@host:port/name`; the text before the first colon is neither")

// Open opens the database that the URL names: `sqlite:PATH`, whose file and folder are made when they are missing, or
// `postgres://…`. A PostgreSQL server need not be there yet: whatever needs it gives the error `database_unavailable`
// until it is. No error holds the password.
func Open(ctx context.Context, url secret.String, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	d := &DB{options: o}
	var err error
	switch scheme, rest, _ := strings.Cut(url.Reveal(), ":"); scheme {
	case "sqlite":
		d.engine, err = openSQLite(ctx, d, rest)
	case "postgres", "postgresql":
		d.engine, err = openPostgres(ctx, d, url)
	default:
		err = errScheme
	}
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	return d, nil
}

// Query implements Querier. The rows hold a connection until they are closed.
func (d *DB) Query(ctx context.Context, sql string, args ...any) (Rows, error) {
	if err := d.outside(ctx); err != nil {
		return nil, err
	}
	d.observe(sql)
	return d.engine.query(ctx, sql, args)
}

// QueryRow implements Querier.
func (d *DB) QueryRow(ctx context.Context, sql string, args ...any) Row {
	return &dbRow{ctx: ctx, d: d, sql: sql, args: args}
}

type dbRow struct {
	ctx  context.Context
	d    *DB
	sql  string
	args []any
}

func (r *dbRow) Scan(dest ...any) error {
	if err := r.d.outside(r.ctx); err != nil {
		return err
	}
	r.d.observe(r.sql)
	return r.d.engine.queryRow(r.ctx, r.sql, r.args, dest)
}

// Engine implements Querier.
func (d *DB) Engine() Engine { return d.engine.kind() }

// Instant implements Querier.
func (d *DB) Instant(stamp time.Time) time.Time {
	if d.Engine() == SQLite {
		return d.options.Clock.Now()
	}
	return d.options.Clock.Shift(stamp)
}

// pingTimeout bounds Ping: a probe that waits longer is answered "not ready" by whoever asks.
const pingTimeout = time.Second

// Ping tells within a second whether the database answers; its one error is `database_unavailable`.
func (d *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := d.engine.ping(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}

// Close ends all connections. Writes that wait are refused, those under way end first.
func (d *DB) Close() error { return d.engine.close() }

func (d *DB) observe(sql string) {
	if d.options.Observe != nil {
		d.options.Observe(sql)
	}
}

// inside marks the context of a closure with the database that its transaction is on.
type inside struct{}

var errNested = errors.New("db: the database was used inside one of its own transactions: " +
	"use the Tx, since a second connection may never come")

// outside refuses to ask for a second connection while the caller holds one: the pool may have no other.
func (d *DB) outside(ctx context.Context) error {
	if ctx.Value(inside{}) == d {
		return errNested
	}
	return nil
}
