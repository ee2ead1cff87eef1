package db

import (
	"context"
	"errors"
	"fmt"
	"time"
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
var ErrSchema = errors.New("the database's schema does not fit this binary")

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
	// makeRecords is run under the lock; {{time}} and {{now}} as in a migration.
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

// record is a row of schema_migrations. What should be there and is not, is nil.
type record struct {
	version   int64
	name      *string
	worksWith schemaNumber
	checksum  *string
	appliedAt *time.Time
}

// schemaNumber is a number from 1 upwards, or 0 for whatever else the column holds.
type schemaNumber int64

// Scan implements sql.Scanner.
func (n *schemaNumber) Scan(src any) error {
	value, _ := src.(int64)
	*n = schemaNumber(max(0, value))
	return nil
}

// Migrate brings the schema to this binary's version. A database that is there already costs one read. Several
// instances may call it at the same moment: each migration runs in a transaction with its record, under a lock. A
// database that a newer release has changed is accepted if that release says so, else refused with ErrSchema.
func (d *DB) Migrate(ctx context.Context) error {
	known, err := loadMigrations(migrationFiles, d.Engine())
	if err != nil {
		return err
	}
	return d.migrate(ctx, known)
}

func (d *DB) migrate(ctx context.Context, known []migration) error {
	applied, err := d.records(ctx, d.engine.query)
	if err != nil {
		return err
	}
	next, err := pending(known, applied)
	if err != nil || next == nil {
		return err
	}
	conn, err := d.engine.migrations(ctx)
	if err != nil {
		return fmt.Errorf("db: connect for migrations: %w", err)
	}
	defer conn.close()
	for {
		done, err := d.migrateNext(ctx, conn, known)
		if err != nil || done == nil {
			return err
		}
		if d.options.Progress != nil {
			d.options.Progress(*done)
		}
	}
}

// migrateNext applies the first migration that is pending once the lock is held, or gives nil when none is.
func (d *DB) migrateNext(ctx context.Context, conn migrationConn, known []migration) (_ *MigrationStatus, err error) {
	if err := conn.begin(ctx); err != nil {
		return nil, fmt.Errorf("db: wait for the lock of migrations: %w", err)
	}
	defer func() {
		if ended := conn.end(ctx, err == nil); err == nil && ended != nil {
			err = fmt.Errorf("db: commit a migration: %w", ended)
		}
	}()
	table, err := expand(makeRecords, d.Engine())
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
	next, err := pending(known, applied)
	if err != nil || next == nil {
		return nil, err
	}
	return apply(ctx, conn, next, len(known))
}

// apply runs one migration and records it.
func apply(ctx context.Context, conn migrationConn, m *migration, known int) (*MigrationStatus, error) {
	err := conn.script(ctx, m.script)
	if alreadyThere(err) {
		return nil, fmt.Errorf("%w: migration %d (%s) makes what is there already, though nothing records it; the "+
			"database is at schema %d, this binary knows %d: use an empty database, or restore schema_migrations: %w",
			ErrSchema, m.version, m.name, m.version-1, known, err)
	}
	if err != nil {
		return nil, fmt.Errorf("db: migration %d (%s): %w", m.version, m.name, err)
	}
	s := m.status()
	s.AppliedAt = new(time.Time)
	err = conn.txQueryRow(ctx, addRecord, []any{m.version, m.name, m.worksWith, m.checksum}, []any{s.AppliedAt})
	if err != nil {
		return nil, fmt.Errorf("db: record migration %d (%s): %w", m.version, m.name, err)
	}
	return &s, nil
}

// records reads schema_migrations, by a reader or under the lock; without the table there are none.
func (d *DB) records(ctx context.Context, query func(context.Context, string, []any) (Rows, error)) ([]record, error) {
	d.observe(readRecords)
	rows, err := query(ctx, readRecords, nil)
	var all []record
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

func scanRecords(rows Rows) ([]record, error) {
	defer rows.Close()
	var all []record
	for rows.Next() {
		var r record
		if err := rows.Scan(&r.version, &r.name, &r.worksWith, &r.checksum, &r.appliedAt); err != nil {
			return nil, fmt.Errorf("%w: a record of schema_migrations cannot be read: %w", ErrSchema, err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// pending gives the first migration that is known and not applied, nil when there is none, or ErrSchema when what is
// applied does not fit what is known.
func pending(known []migration, applied []record) (*migration, error) {
	newest := int64(len(known))
	for i, r := range applied {
		version := int64(i + 1)
		switch {
		case r.version != version:
			return nil, refuse(known, applied, "the record of migration %d is missing", version)
		case r.worksWith < 1 || int64(r.worksWith) > version || r.checksum == nil:
			return nil, refuse(known, applied, "the record of migration %d cannot be read", version)
		case version > newest && int64(r.worksWith) > newest:
			return nil, tooOld(known, applied)
		case version <= newest && *r.checksum != known[i].checksum:
			return nil, refuse(known, applied, "migration %d (%s) was applied with other contents (checksum %.12s, not %.12s)",
				version, known[i].name, *r.checksum, known[i].checksum)
		}
	}
	if int64(len(applied)) >= newest {
		return nil, nil
	}
	return &known[len(applied)], nil
}

// tooOld is the refusal of a binary that a later migration has shut out.
func tooOld(known []migration, applied []record) error {
	var needs schemaNumber
	for _, r := range applied {
		needs = max(needs, r.worksWith)
	}
	return fmt.Errorf("%w: the database is at schema %d, which needs a binary that knows schema %d; this one knows %d: "+
		"install the release that was running before, or restore a backup made before the upgrade",
		ErrSchema, applied[len(applied)-1].version, needs, len(known))
}

// refuse is the refusal of records that nobody can have meant.
func refuse(known []migration, applied []record, format string, args ...any) error {
	return fmt.Errorf("%w: %s; the database is at schema %d, this binary knows %d: use the release that this database "+
		"belongs to, or restore a backup", ErrSchema, fmt.Sprintf(format, args...),
		applied[len(applied)-1].version, len(known))
}

// Status tells of every migration, applied or pending, in order. It changes nothing.
func (d *DB) Status(ctx context.Context) ([]MigrationStatus, error) {
	known, err := loadMigrations(migrationFiles, d.Engine())
	if err != nil {
		return nil, err
	}
	applied, err := d.records(ctx, d.engine.query)
	if err != nil {
		return nil, err
	}
	all := make([]MigrationStatus, 0, max(len(known), len(applied)))
	for i := range known {
		all = append(all, known[i].status())
	}
	for _, r := range applied {
		all = r.mark(all)
	}
	return all, nil
}

func (m *migration) status() MigrationStatus {
	return MigrationStatus{Version: m.version, Name: m.name, WorksWith: m.worksWith, Known: true}
}

// mark notes an applied migration in the list, at its end when it is not known.
func (r *record) mark(all []MigrationStatus) []MigrationStatus {
	for i := range all {
		if all[i].Version == r.version {
			all[i].AppliedAt = r.appliedAt
			return all
		}
	}
	unknown := MigrationStatus{Version: r.version, WorksWith: int64(r.worksWith), AppliedAt: r.appliedAt}
	if r.name != nil {
		unknown.Name = *r.name
	}
	return append(all, unknown)
}
