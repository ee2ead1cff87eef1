package db

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/durwardhq/durward/internal/platform/db/migrations"
)

// What the tests of this package see beside its API.
const (
	MaxGroup  = maxGroup
	RestartAt = restartAt
	MaxAhead  = maxAhead
)

// MigrateFrom migrates with other files than this binary's.
func (d *DB) MigrateFrom(ctx context.Context, files fs.FS) error {
	all, err := migrations.Load(files, string(d.Engine()))
	if err != nil {
		return err
	}
	return d.migrate(ctx, all)
}

// Pragma reads a setting of a new connection to a SQLite file: the writer's, or a reader's.
func (d *DB) Pragma(ctx context.Context, writer bool, name string) (value string, err error) {
	e := d.engine.(*sqliteEngine)
	open := e.openReader
	if writer {
		open = e.openWriter
	}
	conn, err := open(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	err = conn.QueryRow(ctx, "PRAGMA "+name, nil, []any{(*printed)(&value)})
	return value, err
}

// printed takes a value of any kind as text.
type printed string

func (p *printed) Scan(src any) error {
	*p = printed(fmt.Sprint(src))
	return nil
}

// Closing tells whether Close of a SQLite database has been called.
func (d *DB) Closing() bool {
	select {
	case <-d.engine.(*sqliteEngine).writes.closing:
		return true
	default:
		return false
	}
}
