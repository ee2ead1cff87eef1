package db

import (
	"context"
	"fmt"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/migrations"
)

// MigrationStatus is one migration, known to this binary or found in the database.
type MigrationStatus struct {
	Version int64
	Name    string
	// WorksWith is the oldest schema number whose binary still works once this migration is applied.
	WorksWith int64
	// AppliedAt is nil while the migration is pending.
	AppliedAt *time.Time
	// Known is false for one that a newer release has applied.
	Known bool
}

// ErrSchema says that this binary must not run on this database; the message tells why and what to do.
var ErrSchema = migrations.ErrSchema

// migrator is how an engine runs migrations.
type migrator interface {
	// migrations opens a connection for migrations alone, without the time limits of requests.
	migrations(ctx context.Context) (migrationConn, error)
}

// migrationConn runs one migration after another, each in a transaction that holds the lock of all migrators.
type migrationConn interface {
	txConn
	begin(ctx context.Context) error
	script(ctx context.Context, sql string) error
	end(ctx context.Context, commit bool) error
	close()
}

const (
	// makeRecords is run under the lock; its tokens are those of a migration.
	makeRecords = `CREATE TABLE IF NOT EXISTS schema_migrations (
    version    BIGINT   NOT NULL PRIMARY KEY,
    name       TEXT     NOT NULL,
    works_with BIGINT   NOT NULL,
    checksum   TEXT     NOT NULL,
    applied_at {{time}} NOT NULL DEFAULT {{now}}
)`
	readRecords = `SELECT version, name, works_with, checksum, applied_at FROM schema_migrations ORDER BY version`
	addRecord   = `INSERT INTO schema_migrations (version, name, works_with, checksum) VALUES ($1, $2, $3, $4)
RETURNING applied_at`
)

// known gives this binary's migrations.
func known(engine Engine) ([]migrations.Migration, error) {
	all, err := migrations.Load(migrations.Files, string(engine))
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	return all, nil
}

// SchemaDigest names the schema that this binary makes: binaries with the same digest make the same tables.
func SchemaDigest(engine Engine) (string, error) {
	all, err := known(engine)
	if err != nil {
		return "", err
	}
	return migrations.Digest(all), nil
}

// Migrate brings the schema to this binary's version. A database that is there already costs one read. Several
// instances may call it at the same moment: each migration runs in a transaction with its record, under a lock. A
// database that a newer release has changed is accepted if that release says so, else refused with ErrSchema.
func (d *DB) Migrate(ctx context.Context) error {
	all, err := known(d.Engine())
	if err != nil {
		return err
	}
	return d.migrate(ctx, all)
}

func (d *DB) migrate(ctx context.Context, all []migrations.Migration) error {
	applied, err := d.records(ctx, d.engine.query)
	if err != nil {
		return err
	}
	next, err := migrations.Pending(all, applied)
	if err != nil || next == nil {
		return err
	}
	conn, err := d.engine.migrations(ctx)
	if err != nil {
		return fmt.Errorf("db: connect for migrations: %w", err)
	}
	defer conn.close()
	for {
		done, err := d.migrateNext(ctx, conn, all)
		if err != nil || done == nil {
			return err
		}
		if d.options.Progress != nil {
			d.options.Progress(*done)
		}
	}
}

// migrateNext applies the first migration that is pending once the lock is held, or gives nil when none is.
func (d *DB) migrateNext(ctx context.Context, conn migrationConn,
	all []migrations.Migration) (_ *MigrationStatus, err error) {
	if err := conn.begin(ctx); err != nil {
		return nil, fmt.Errorf("db: wait for the lock of migrations: %w", err)
	}
	defer func() {
		if ended := conn.end(ctx, err == nil); err == nil && ended != nil {
			err = fmt.Errorf("db: commit a migration: %w", ended)
		}
	}()
	table, err := migrations.Expand(makeRecords, string(d.Engine()))
	if err != nil {
		return nil, err
	}
	if err := conn.script(ctx, table); err != nil {
		return nil, fmt.Errorf("db: make the table of migrations: %w", err)
	}
	applied, err := d.records(ctx, conn.txQuery)
	if err != nil {
		return nil, err
	}
	next, err := migrations.Pending(all, applied)
	if err != nil || next == nil {
		return nil, err
	}
	if err = d.script(ctx, conn, next); alreadyThere(err) {
		return nil, migrations.Unrecorded(all, next, err)
	} else if err != nil {
		return nil, fmt.Errorf("db: migration %d (%s): %w", next.Version, next.Name, err)
	}
	return d.record(ctx, conn, next)
}

func (d *DB) script(ctx context.Context, conn migrationConn, m *migrations.Migration) error {
	d.observe(m.Script)
	return conn.script(ctx, m.Script)
}

// record notes that a migration was applied.
func (d *DB) record(ctx context.Context, conn migrationConn, m *migrations.Migration) (*MigrationStatus, error) {
	d.observe(addRecord)
	s := status(m)
	s.AppliedAt = new(time.Time)
	err := conn.txQueryRow(ctx, addRecord, []any{m.Version, m.Name, m.WorksWith, m.Checksum}, []any{s.AppliedAt})
	if err != nil {
		return nil, fmt.Errorf("db: record migration %d (%s): %w", m.Version, m.Name, err)
	}
	return &s, nil
}

// records reads schema_migrations, by a reader or under the lock; without the table there are none.
func (d *DB) records(ctx context.Context,
	query func(context.Context, string, []any) (Rows, error)) ([]migrations.Record, error) {
	d.observe(readRecords)
	rows, err := query(ctx, readRecords, nil)
	var all []migrations.Record
	if err == nil {
		all, err = scanRecords(rows)
	}
	if noTable(err) { // PostgreSQL's driver tells it after the first row only
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("db: read the applied migrations: %w", err)
	}
	return all, nil
}

func scanRecords(rows Rows) ([]migrations.Record, error) {
	defer rows.Close()
	var all []migrations.Record
	for rows.Next() {
		var r migrations.Record
		if err := rows.Scan(&r.Version, &r.Name, &r.WorksWith, &r.Checksum, &r.AppliedAt); err != nil {
			return nil, fmt.Errorf("%w: a record of schema_migrations cannot be read: %w", ErrSchema, err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Status tells of every migration, applied or pending, in order. It changes nothing.
func (d *DB) Status(ctx context.Context) ([]MigrationStatus, error) {
	mine, err := known(d.Engine())
	if err != nil {
		return nil, err
	}
	applied, err := d.records(ctx, d.engine.query)
	if err != nil {
		return nil, err
	}
	all := make([]MigrationStatus, 0, max(len(mine), len(applied)))
	for i := range mine {
		all = append(all, status(&mine[i]))
	}
	for i := range applied {
		all = mark(all, &applied[i])
	}
	return all, nil
}

func status(m *migrations.Migration) MigrationStatus {
	return MigrationStatus{Version: m.Version, Name: m.Name, WorksWith: m.WorksWith, Known: true}
}

// mark notes an applied migration in the list, at its end when it is not known.
func mark(all []MigrationStatus, r *migrations.Record) []MigrationStatus {
	for i := range all {
		if all[i].Version == r.Version {
			all[i].AppliedAt = r.AppliedAt
			return all
		}
	}
	unknown := MigrationStatus{Version: r.Version, WorksWith: int64(r.WorksWith), AppliedAt: r.AppliedAt}
	if r.Name != nil {
		unknown.Name = *r.Name
	}
	return append(all, unknown)
}
