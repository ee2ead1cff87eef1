package db

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

// sqliteConn is one connection to the file, used by one goroutine at a time, with its prepared statements. It talks to
// the driver by the interfaces of database/sql/driver: the pool of database/sql above them would only add a second
// queue before the one writer, and a third more time to a read by key.
type sqliteConn struct {
	conn       driver.Conn
	rewrite    *rewriter
	statements map[string]*sqliteStmt
	args       []driver.NamedValue
	row        []driver.Value
	broken     bool
}

// sqliteDriverConn and sqliteDriverStmt are what the driver's connections and statements can do.
type sqliteDriverConn interface {
	driver.ConnPrepareContext
	driver.ExecerContext
}

type sqliteStmt struct {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	columns int
}

// openSQLiteConn opens an existing file and sets the connection up.
func openSQLiteConn(ctx context.Context, path string, rewrite *rewriter, pragmas ...string) (*sqliteConn, error) {
	connector, err := sqlite.NewConnector(sqliteDSN(path))
	if err != nil {
		return nil, fmt.Errorf("db: open %s: %w", path, err)
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, sqliteError(fmt.Errorf("db: open %s: %w", path, err))
	}
	c := &sqliteConn{conn: conn, rewrite: rewrite, statements: make(map[string]*sqliteStmt)}
	for _, pragma := range pragmas {
		if err := c.script(ctx, "PRAGMA "+pragma); err != nil {
			c.close()
			return nil, fmt.Errorf("db: open %s: PRAGMA %s: %w", path, pragma, err)
		}
	}
	return c, nil
}

// script runs any number of statements without arguments.
func (c *sqliteConn) script(ctx context.Context, sql string) error {
	_, err := c.conn.(sqliteDriverConn).ExecContext(ctx, sql, nil)
	return c.note(err)
}

// prepare gives the cached statement for a text.
func (c *sqliteConn) prepare(ctx context.Context, sql string) (*sqliteStmt, error) {
	if s, ok := c.statements[sql]; ok {
		return s, nil
	}
	made, err := c.conn.(sqliteDriverConn).PrepareContext(ctx, c.rewrite.text(sql))
	if err != nil {
		return nil, c.note(err)
	}
	s := &sqliteStmt{Stmt: made, StmtExecContext: made.(driver.StmtExecContext),
		StmtQueryContext: made.(driver.StmtQueryContext)}
	if len(c.statements) >= maxStatements {
		c.forget()
	}
	c.statements[sql] = s
	return s, nil
}

// forget closes one statement, whichever comes first.
func (c *sqliteConn) forget() {
	for sql, s := range c.statements {
		_ = s.Close() // gives the error of its last run again
		delete(c.statements, sql)
		return
	}
}

// query runs a statement and gives its rows, which borrow the connection's buffers until they are closed.
func (c *sqliteConn) query(ctx context.Context, sql string, args []any) (driver.Rows, error) {
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return nil, err
	}
	if c.args, err = bindAll(c.args, args); err != nil {
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

// queryRow runs a statement and scans its first row. drain sees the statement to its end, as a write needs: SQLite
// checks a foreign key only after it has given the rows of RETURNING.
func (c *sqliteConn) queryRow(ctx context.Context, sql string, args, dest []any, drain bool) error {
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
	if drain && err == nil {
		err = c.drain(rows)
	}
	if closed := rows.Close(); err == nil {
		err = closed
	}
	return c.note(err)
}

// drain reads the rows that are left and drops them.
func (c *sqliteConn) drain(rows driver.Rows) error {
	for {
		if err := rows.Next(c.row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// txExec implements txConn.
func (c *sqliteConn) txExec(ctx context.Context, sql string, args []any) (int64, error) {
	ctx = steady(ctx)
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return 0, err
	}
	if c.args, err = bindAll(c.args, args); err != nil {
		return 0, err
	}
	result, err := s.ExecContext(ctx, c.args)
	if err != nil {
		return 0, c.note(err)
	}
	return result.RowsAffected()
}

// txQuery implements txConn.
func (c *sqliteConn) txQuery(ctx context.Context, sql string, args []any) (Rows, error) {
	rows, err := c.query(steady(ctx), sql, args)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{conn: c, rows: rows, drain: true}, nil
}

// txQueryRow implements txConn.
func (c *sqliteConn) txQueryRow(ctx context.Context, sql string, args []any, dest []any) error {
	return c.queryRow(steady(ctx), sql, args, dest, true)
}

// steady keeps a statement of a group from ending with one caller: the closure may have passed that caller's context.
func steady(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// note sorts an error, and remembers one after which the connection had better be opened anew.
func (c *sqliteConn) note(err error) error {
	if err == nil || errors.Is(err, ErrNoRows) {
		return err
	}
	sorted := sqliteError(err)
	if errors.Is(sorted, errUnavailable) && !sqliteBusy(sorted) {
		c.broken = true
	}
	return sorted
}

func (c *sqliteConn) close() {
	for _, s := range c.statements {
		_ = s.Close() // gives the error of its last run again
	}
	_ = c.conn.Close() // nothing is pending: what was acknowledged is in the log already
}

// sqliteRows are the rows of one statement.
type sqliteRows struct {
	conn    *sqliteConn
	rows    driver.Rows
	drain   bool
	release func(*sqliteConn)
	err     error
	closed  bool
}

// Next implements Rows.
func (r *sqliteRows) Next() bool {
	if r.closed || r.err != nil {
		return false
	}
	err := r.rows.Next(r.conn.row)
	if err == nil {
		return true
	}
	if !errors.Is(err, io.EOF) {
		r.err = r.conn.note(err)
	}
	r.drain = false
	r.Close()
	return false
}

// Scan implements Rows.
func (r *sqliteRows) Scan(dest ...any) error {
	if r.closed {
		return errors.New("db: Scan after the rows were closed")
	}
	return assignAll(dest, r.conn.row)
}

// Err implements Rows.
func (r *sqliteRows) Err() error { return r.err }

// Close implements Rows.
func (r *sqliteRows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	if r.drain && r.err == nil {
		r.err = r.conn.note(r.conn.drain(r.rows))
	}
	if err := r.rows.Close(); r.err == nil {
		r.err = r.conn.note(err)
	}
	if r.release != nil {
		r.release(r.conn)
	}
}
