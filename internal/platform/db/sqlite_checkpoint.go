package db

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/sqliteconn"
)

// Sizes of the write-ahead log, in pages of 4 KiB.
const (
	// moveAt pages not yet in the file start a checkpoint beside the writer.
	moveAt = 1000
	// restartAt pages in the log make the writer pause until it can start the log over. Without that pause a log that
	// is written all the time would grow for ever: it starts over only when everything in it has been moved.
	restartAt = 4000
	// pauseFor pages are few enough to be moved while the writer waits.
	pauseFor = 250
	// lookEvery writes the log is looked at.
	lookEvery = 2 * maxGroup
	// maxAhead writes may be committed before the log has been looked after: on a disk that cannot keep up the writer
	// waits, or the log would grow without bounds.
	maxAhead = 32 * maxGroup
	// readerWait bounds the writer's pause for readers that still need the log.
	readerWait = 50 * time.Millisecond
)

// checkpointer moves the write-ahead log into the file, on a connection of its own, so that no request pays for it.
type checkpointer struct {
	e       *sqliteEngine
	conn    *sqliteconn.Conn
	restart int64        // pages in the log at which it is to start over
	writes  atomic.Int64 // committed
	seen    atomic.Int64 // of these, when the log was last looked after
	pages   atomic.Int64
	wake    chan struct{}
	looked  chan struct{}
	closing chan struct{}
	closed  chan struct{}
}

func newCheckpointer(e *sqliteEngine) *checkpointer {
	return &checkpointer{e: e, restart: restartAt, wake: make(chan struct{}, 1), looked: make(chan struct{}, 1),
		closing: make(chan struct{}), closed: make(chan struct{})}
}

// wrote is called by the writer after each commit of so many writes.
func (c *checkpointer) wrote(writes int64) {
	if sum := c.writes.Add(writes); sum/lookEvery != (sum-writes)/lookEvery {
		signal(c.wake)
	}
}

// keepUp makes the writer wait while it is too far ahead.
func (c *checkpointer) keepUp() {
	for c.writes.Load()-c.seen.Load() > maxAhead {
		signal(c.wake)
		select {
		case <-c.looked:
		case <-c.e.writes.closing:
			return
		}
	}
}

// signal leaves word for a goroutine that may be busy.
func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

func (c *checkpointer) loop() {
	defer close(c.closed)
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	for {
		select {
		case <-c.closing:
			return
		case <-watch.C:
			_ = c.e.verify() // noted in the engine, for those who read
		case <-c.wake:
			_ = c.keepSmall() // a checkpoint that fails is tried again after the next commits
			c.seen.Store(c.writes.Load())
			signal(c.looked)
		}
	}
}

// keepSmall moves pages beside the writer while they are many, and pauses it when the log has to start over.
func (c *checkpointer) keepSmall() error {
	now, err := c.checkpoint("NOOP")
	if err != nil || now.left < moveAt && now.pages < c.restart {
		return err
	}
	if now, err = c.checkpoint("PASSIVE"); err != nil || now.pages < c.restart {
		return err
	}
	if now.left > pauseFor { // what was written meanwhile
		if _, err = c.checkpoint("PASSIVE"); err != nil {
			return err
		}
	}
	return c.startOver()
}

// startOver moves the rest while the writer pauses. A reader that needs the log for longer than the writer can pause
// is left alone until the log has grown by as much again.
func (c *checkpointer) startOver() error {
	c.e.writes.gate.Lock()
	defer c.e.writes.gate.Unlock()
	now, err := c.checkpoint("RESTART")
	c.restart = restartAt
	if now.busy {
		c.restart += now.pages
	}
	return err
}

// wal is the state of the write-ahead log: its pages, those of them that are not in the file, and whether a reader or
// another writer kept a checkpoint from its end.
type wal struct {
	pages, left int64
	busy        bool
}

// checkpoint runs one of SQLite's checkpoints (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
func (c *checkpointer) checkpoint(mode string) (wal, error) {
	ctx := c.e.writes.background()
	if err := c.open(ctx); err != nil {
		return wal{}, err
	}
	var now wal
	var moved int64
	err := c.conn.QueryRow(ctx, "PRAGMA wal_checkpoint("+mode+")", nil, []any{&now.busy, &now.pages, &moved})
	if err != nil {
		return wal{}, err
	}
	now.left = now.pages - moved
	c.pages.Store(now.pages)
	return now, nil
}

// open opens the connection when there is none, or none that is good.
func (c *checkpointer) open(ctx context.Context) error {
	if c.conn != nil && !c.conn.Broken() {
		return nil
	}
	conn, err := c.e.open(ctx, fmt.Sprintf("busy_timeout = %d", readerWait.Milliseconds()))
	if err != nil {
		return err
	}
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = conn
	return nil
}

// close moves everything into the file and empties the log, unless another process still uses it. The writer has ended.
func (c *checkpointer) close() {
	close(c.closing)
	<-c.closed
	_, _ = c.checkpoint("TRUNCATE") // what stays in the log is durable there
	if c.conn != nil {
		c.conn.Close()
	}
}
