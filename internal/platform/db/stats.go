package db

import "time"

// Stats is what an operator may want to know of a database: the connections now, and counts since the start. On SQLite
// the connections are those of the readers; the writer has one more.
type Stats struct {
	Engine Engine
	// MaxConns is the bound; Open is idle and in use together.
	MaxConns, Open, Idle, InUse int
	// Waits counts how often somebody had to wait for a connection, WaitTime for how long altogether.
	Waits    int64
	WaitTime time.Duration
	// Queue is how many writes wait (SQLite).
	Queue int
	// Groups counts commits, Grouped the writes in them; on PostgreSQL the two are equal.
	Groups, Grouped int64
	// Retries counts closures that were run again: a conflict, or a group that another closure broke.
	Retries int64
	// WALPages is the length of the write-ahead log when it was last looked at, in pages (SQLite).
	WALPages int64
}

// Stats tells how the database is doing. It asks the database nothing.
func (d *DB) Stats() Stats { return d.engine.stats() }
