// Package sqliteconn is one connection to a SQLite file: making the file, opening it, prepared statements, and the
// conversion of values between Go and what the file keeps. It leaves to package db who uses a connection when, in which
// transaction, and what an error means to a caller.
package sqliteconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
)

// maxStatements bounds the prepared statements that one connection keeps. The SQL texts are constants, so more than
// this many means that one is put together at run time.
const maxStatements = 256

// Config says how to open a connection.
type Config struct {
	// Path is the absolute path of a file that exists.
	Path string
	// Pragmas are run in this order, each without the word PRAGMA.
	Pragmas []string
	// Texts is what the connections to the file share.
	Texts *Texts
	// Sort turns an error into what callers are to see.
	Sort func(error) error
}

// Conn is one connection, for one goroutine at a time. It talks to the driver by the interfaces of database/sql/driver:
// the pool of database/sql above them would only put a second queue before the one writer, and a time of its own on
// every read.
type Conn struct {
	conn       driverConn
	config     *Config
	statements map[string]*statement
	args       []driver.NamedValue // of the statement under way
	row        []driver.Value
	broken     bool
}

// driverConn is what the driver's connections can do.
type driverConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
}

// statement is what the driver's prepared statements can do.
type statement struct {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	columns int // known after the first run
}

// Open opens an existing file and sets the connection up.
func Open(ctx context.Context, config *Config) (*Conn, error) {
	connector, err := sqlite.NewConnector(dsn(config.Path))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", config.Path, err)
	}
	made, err := connector.Connect(ctx)
	if err != nil {
		return nil, config.Sort(fmt.Errorf("open %s: %w", config.Path, err))
	}
	c := &Conn{conn: made.(driverConn), config: config, statements: make(map[string]*statement)}
	for _, pragma := range config.Pragmas {
		if err := c.Script(ctx, "PRAGMA "+pragma); err != nil {
			c.Close()
			return nil, fmt.Errorf("open %s: PRAGMA %s: %w", config.Path, pragma, err)
		}
	}
	return c, nil
}

// Script runs any number of statements without arguments.
func (c *Conn) Script(ctx context.Context, sql string) error {
	_, err := c.conn.ExecContext(ctx, sql, nil)
	return c.note(err)
}

// prepare gives the cached statement for a text, with its arguments bound.
func (c *Conn) prepare(ctx context.Context, sql string, args []any) (s *statement, err error) {
	if c.args, err = bindAll(c.args, args); err != nil {
		return nil, err
	}
	if s, ok := c.statements[sql]; ok {
		return s, nil
	}
	made, err := c.conn.PrepareContext(ctx, c.config.Texts.rewrite(sql))
	if err != nil {
		return nil, c.note(err)
	}
	s = &statement{Stmt: made, StmtExecContext: made.(driver.StmtExecContext),
		StmtQueryContext: made.(driver.StmtQueryContext)}
	if len(c.statements) >= maxStatements {
		c.forget()
	}
	c.statements[sql] = s
	return s, nil
}

// forget closes one statement, whichever comes first.
func (c *Conn) forget() {
	for sql, s := range c.statements {
		_ = s.Close() // gives the error of its last run again
		delete(c.statements, sql)
		return
	}
}

// Exec runs a statement and tells how many rows it changed.
func (c *Conn) Exec(ctx context.Context, sql string, args []any) (int64, error) {
	s, err := c.prepare(ctx, sql, args)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(ctx, c.args)
	if err != nil {
		return 0, c.note(err)
	}
	return result.RowsAffected()
}

// query runs a statement and gives its rows, which borrow the connection's buffers until they are closed.
func (c *Conn) query(ctx context.Context, sql string, args []any) (driver.Rows, error) {
	s, err := c.prepare(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, c.args)
	if err != nil {
		return nil, c.note(err)
	}
	if s.columns == 0 {
		s.columns = len(rows.Columns())
	}
	if cap(c.row) < s.columns {
		c.row = make([]driver.Value, s.columns)
	}
	c.row = c.row[:s.columns]
	return rows, nil
}

// Query runs a statement and gives its rows. release, which may be nil, is told when they are closed.
func (c *Conn) Query(ctx context.Context, sql string, args []any, release func(*Conn)) (*Rows, error) {
	rows, err := c.query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	return &Rows{conn: c, rows: rows, release: release}, nil
}

// QueryRow runs a statement and scans its first row, or gives ErrNoRows. A write has made all its changes by then, and
// closing tells what SQLite checks only afterwards, such as a foreign key.
func (c *Conn) QueryRow(ctx context.Context, sql string, args, dest []any) error {
	rows, err := c.query(ctx, sql, args)
	if err != nil {
		return err
	}
	err = rows.Next(c.row)
	switch {
	case errors.Is(err, io.EOF):
		err = ErrNoRows
	case err == nil:
		err = assignAll(dest, c.row)
	}
	if closed := rows.Close(); err == nil {
		err = closed
	}
	return c.note(err)
}

// note sorts an error, and remembers one after which the connection had better be opened anew.
func (c *Conn) note(err error) error {
	if err == nil || errors.Is(err, ErrNoRows) {
		return err
	}
	if IsAway(err) && !IsBusy(err) {
		c.broken = true
	}
	return c.config.Sort(err)
}

// Broken tells whether the connection had better be opened anew.
func (c *Conn) Broken() bool { return c.broken }

// Break says that it had.
func (c *Conn) Break() { c.broken = true }

// Close ends the connection. What is committed is in the log already, so that there is nothing to fail.
func (c *Conn) Close() {
	for _, s := range c.statements {
		_ = s.Close() // gives the error of its last run again
	}
	_ = c.conn.Close() // the same
}

// Rows are the rows of one statement.
type Rows struct {
	conn    *Conn
	rows    driver.Rows
	release func(*Conn)
	err     error
	closed  bool
}

// Next goes to the next row, if there is one; else the rows are closed.
func (r *Rows) Next() bool {
	if r.closed {
		return false
	}
	err := r.rows.Next(r.conn.row)
	if err == nil {
		return true
	}
	if !errors.Is(err, io.EOF) {
		r.err = r.conn.note(err)
	}
	r.Close()
	return false
}

// Scan puts the row into the destinations.
func (r *Rows) Scan(dest ...any) error {
	if r.closed {
		return errors.New("a row is scanned after its rows were closed")
	}
	return assignAll(dest, r.conn.row)
}

// Err tells what ended the rows early.
func (r *Rows) Err() error { return r.err }

// Close ends the statement. It may be called again.
func (r *Rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	if err := r.rows.Close(); r.err == nil {
		r.err = r.conn.note(err)
	}
	if r.release != nil {
		r.release(r.conn)
	}
}
