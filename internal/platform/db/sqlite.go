package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/sqliteconn"
)

// errFileGone is the cause when the database file is not where it was opened.
var errFileGone = errors.New("the database file is gone")

const (
	// busyTimeout bounds the wait for another connection's or process's lock.
	busyTimeout = 5 * time.Second
	// acquireTimeout bounds the wait for a connection, or for a place in the queue of writes.
	acquireTimeout = 2 * time.Second
	// watchEvery is how often the file is looked for while nobody writes.
	watchEvery = time.Second
)

// sqliteEngine is a database in a file: readers, one writer, and a goroutine that moves the write-ahead log into the
// file beside them.
type sqliteEngine struct {
	d       *DB
	path    string
	texts   *sqliteconn.Texts
	readers *readers
	writes  *sqliteWriter
	check   *checkpointer

	file      os.FileInfo // what path named when it was opened
	gone      atomic.Bool // whether it names something else now
	closeOnce sync.Once
}

// openSQLite opens the file, makes it when it is missing, and starts the writer.
func openSQLite(ctx context.Context, d *DB, rest string) (engine, error) {
	path, err := sqliteconn.Path(rest)
	if err != nil {
		return nil, err
	}
	if err := sqliteconn.Create(path); err != nil {
		return nil, err
	}
	e := &sqliteEngine{d: d, path: path, texts: sqliteconn.NewTexts()}
	if e.file, err = os.Stat(path); err != nil {
		return nil, fmt.Errorf("cannot find the database file just made: %w", err)
	}
	conn, err := e.openWriter(ctx) // turns the write-ahead log on, before anybody reads
	if err != nil {
		return nil, err
	}
	e.readers = newReaders(e, d.options.MaxConns)
	e.writes = newSQLiteWriter(e, conn)
	e.check = newCheckpointer(e)
	go e.writes.loop()
	go e.check.loop()
	return e, nil
}

// pragmas set up every connection. The engine itself decides when a checkpoint runs.
var pragmas = []string{
	fmt.Sprintf("busy_timeout = %d", busyTimeout.Milliseconds()),
	"journal_mode = WAL",
	"synchronous = FULL",
	"foreign_keys = ON",
	"wal_autocheckpoint = 0",
}

func (e *sqliteEngine) open(ctx context.Context, more ...string) (*sqliteconn.Conn, error) {
	return sqliteconn.Open(ctx, &sqliteconn.Config{
		Path: e.path, Pragmas: slices.Concat(pragmas, more), Texts: e.texts, Sort: sqliteError,
	})
}

func (e *sqliteEngine) openReader(ctx context.Context) (*sqliteconn.Conn, error) {
	return e.open(ctx, "query_only = ON")
}

// openWriter opens the connection of the writer, which polls for the lock itself (see sqliteWriter.begin).
func (e *sqliteEngine) openWriter(ctx context.Context) (*sqliteconn.Conn, error) {
	return e.open(ctx, fmt.Sprintf("busy_timeout = %d", lockPoll.Milliseconds()))
}

// verify tells whether path still names the file that was opened. What is written to a file that was deleted or
// replaced would be lost without an error. The same file in its place again is fine; another one needs a restart, which
// brings its schema up to date and does not mix its log with that of the file before.
func (e *sqliteEngine) verify() error {
	info, err := os.Stat(e.path)
	if err == nil && !os.SameFile(info, e.file) {
		err = fmt.Errorf("another file lies at %s: restart to use it", e.path)
	}
	e.gone.Store(err != nil)
	if err != nil {
		return unavailable(fmt.Errorf("%w: %w", errFileGone, err))
	}
	return nil
}

func (e *sqliteEngine) kind() Engine { return SQLite }

// query implements reader.
func (e *sqliteEngine) query(ctx context.Context, sql string, args []any) (Rows, error) {
	conn, err := e.readers.acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, sql, args, e.readers.release)
	if err != nil {
		e.readers.release(conn)
		return nil, err
	}
	return rows, nil
}

// queryRow implements reader.
func (e *sqliteEngine) queryRow(ctx context.Context, sql string, args []any, dest []any) error {
	conn, err := e.readers.acquire(ctx)
	if err != nil {
		return err
	}
	defer e.readers.release(conn)
	return conn.QueryRow(ctx, sql, args, dest)
}

// ping implements reader.
func (e *sqliteEngine) ping(ctx context.Context) error {
	if err := e.verify(); err != nil {
		return err
	}
	var tables int64
	return e.queryRow(ctx, "SELECT count(name) FROM sqlite_schema", nil, []any{&tables})
}

// write implements writer.
func (e *sqliteEngine) write(ctx context.Context, w work) error { return e.writes.write(ctx, w) }

// stats implements reader.
func (e *sqliteEngine) stats() Stats {
	s := Stats{Engine: SQLite, WALPages: e.check.pages.Load()}
	e.readers.fill(&s)
	e.writes.fill(&s)
	return s
}

// close ends the writer, moves what the log holds into the file, and closes the readers, which wait for nobody.
func (e *sqliteEngine) close() error {
	e.closeOnce.Do(func() {
		e.writes.close()
		e.readers.close()
		e.check.close()
	})
	return nil
}

// sqliteTx is the connection that a transaction runs on. A statement of a group does not end with one caller, whose
// context the closure may have passed.
type sqliteTx struct{ conn *sqliteconn.Conn }

func steady(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// txExec implements txConn.
func (t sqliteTx) txExec(ctx context.Context, sql string, args []any) (int64, error) {
	return t.conn.Exec(steady(ctx), sql, args)
}

// txQuery implements txConn.
func (t sqliteTx) txQuery(ctx context.Context, sql string, args []any) (Rows, error) {
	rows, err := t.conn.Query(steady(ctx), sql, args, nil)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// txQueryRow implements txConn.
func (t sqliteTx) txQueryRow(ctx context.Context, sql string, args []any, dest []any) error {
	return t.conn.QueryRow(steady(ctx), sql, args, dest)
}
