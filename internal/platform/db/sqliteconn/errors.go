package sqliteconn

import (
	"database/sql"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNoRows says that a statement selected nothing.
var ErrNoRows = sql.ErrNoRows

// code gives SQLite's result code (https://www.sqlite.org/rescode.html), 0 for an error that is none of SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// IsUnique tells whether a row with such a unique or primary key exists already.
func IsUnique(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// IsBusy tells whether another connection or process holds the lock that was asked for.
func IsBusy(err error) bool { return code(err)&0xff == sqlite3.SQLITE_BUSY }

// IsAway tells whether another moment or a mended disk would help: the statement is not at fault.
func IsAway(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM:
		return true
	}
	return false
}

// IsNoTable tells whether a statement named a table that is not there.
func IsNoTable(err error) bool { return says(err, "no such table: ") }

// IsAlreadyThere tells whether a statement was to make what exists.
func IsAlreadyThere(err error) bool { return says(err, " already exists") }

// says looks into the message, since SQLite has one code for everything that is wrong with a text.
func says(err error, words string) bool {
	return code(err) == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), words)
}
