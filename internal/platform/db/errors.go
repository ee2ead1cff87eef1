package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/durwardhq/durward/internal/platform/db/sqliteconn"
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
func IsUnique(err error) bool { return sqlState(err) == "23505" || sqliteconn.IsUnique(err) } // unique_violation

// sqlState gives the SQLSTATE of an error, empty for one that PostgreSQL did not send.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// noTable tells whether a statement named a table that is not there.
func noTable(err error) bool { return sqlState(err) == "42P01" || sqliteconn.IsNoTable(err) } // undefined_table

// alreadyThere tells whether a statement was to make a table, index, trigger or the like that exists.
func alreadyThere(err error) bool {
	switch sqlState(err) {
	case "42P07", "42710", "42723": // duplicate_table, duplicate_object, duplicate_function
		return true
	}
	return sqliteconn.IsAlreadyThere(err)
}

// sqliteError sorts an error of SQLite: what another moment or a mended disk would help is "unavailable", everything
// else stays as it is.
func sqliteError(err error) error {
	if sqliteconn.IsAway(err) {
		return unavailable(err)
	}
	return err
}

// postgresError sorts an error of pgx. left is the error of the caller's context, nil inside a transaction, which no
// caller ends; broken tells whether the connection is lost, which makes of any error that the server did not send
// itself one of the connection.
func postgresError(err, left error, broken bool) error {
	state := sqlState(err)
	switch {
	case err == nil:
		return nil
	case left != nil && (state == "" || state == queryCanceled):
		return left
	case away(state):
		return unavailable(err)
	case state != "":
		return err
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
	state := sqlState(err)
	return state == "40001" || state == "40P01" // serialization_failure, deadlock_detected
}
