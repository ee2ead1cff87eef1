package db

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/durwardhq/durward/internal/platform/errs"
)

// retryAfter is what a caller is told while the database is away: about as long as a restart takes.
const retryAfter = 2 * time.Second

// errUnavailable is the one error for a database that does not answer.
var errUnavailable = errs.New(errs.Unavailable, "database_unavailable",
	"The database cannot be reached at the moment. Try again shortly.").WithRetry(retryAfter)

// errClosed is the cause when the database was closed by us.
var errClosed = errors.New("db: closed")

// unavailable wraps a cause, unless that says "unavailable" already.
func unavailable(cause error) error {
	if errors.Is(cause, errUnavailable) {
		return cause
	}
	return errUnavailable.With(cause)
}

// IsUnique tells whether err says that a row with such a unique or primary key exists already.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505" // unique_violation
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// sqliteError sorts an error of the SQLite driver: what another file, another disk or another moment would mend is
// "unavailable", everything else stays as it is.
func sqliteError(err error) error {
	var lite *sqlite.Error
	if err == nil || !errors.As(err, &lite) {
		return err
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM:
		return unavailable(err)
	}
	return err
}

// sqliteBusy tells whether another connection or process holds the lock that was asked for.
func sqliteBusy(err error) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// noTable tells whether a statement named a table that is not there. SQLite has no code of its own for that.
func noTable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "42P01" // undefined_table
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_ERROR &&
		strings.Contains(lite.Error(), "no such table: ")
}

// alreadyThere tells whether a statement was to make a table, index or the like that exists.
func alreadyThere(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "42P07" || pg.Code == "42710" || pg.Code == "42723" // duplicate_table, _object, _function
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_ERROR &&
		strings.Contains(lite.Error(), " already exists")
}

// postgresError sorts an error of pgx. left is the error of the caller's context, nil inside a transaction, which no
// caller ends; broken tells whether the connection is lost, which makes of any error that the server did not send itself
// one of the connection.
func postgresError(err, left error, broken bool) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg):
		if left != nil && pg.Code == queryCanceled {
			return left
		}
		if away(pg.Code) {
			return unavailable(err)
		}
		return err
	case left != nil:
		return left
	case broken, pgconn.Timeout(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, pgconn.ErrConnClosed):
		return unavailable(err)
	}
	return err
}

// queryCanceled is a statement that met statement_timeout, or our request to end it.
const queryCanceled = "57014"

// away tells whether an SQLSTATE means that this server cannot serve now.
func away(code string) bool {
	switch code {
	case queryCanceled, "25006", "25P03": // read-only (a standby), idle_in_transaction_session_timeout
		return true
	}
	switch code[:min(2, len(code))] {
	case "08", "53", "57", "58": // connection, resources, operator intervention, system
		return true
	}
	return false
}

// conflict tells whether the server gave up a transaction that will succeed when it is run again.
func conflict(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01") // serialization_failure, deadlock
}
