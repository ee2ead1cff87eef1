package db

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/durwardhq/durward/internal/platform/db/sqliteconn"
)

// lockAttempts bounds how often a migrator of SQLite waits busyTimeout for another one: a minute.
const lockAttempts = 12

// sqliteMigrations migrates a file. Foreign keys are not followed meanwhile, so that a table can be rebuilt
// (https://www.sqlite.org/lang_altertable.html#otheralter); each migration is checked for broken ones at its end.
type sqliteMigrations struct{ sqliteTx }

// migrations implements migrator.
func (e *sqliteEngine) migrations(ctx context.Context) (migrationConn, error) {
	conn, err := e.open(ctx, "foreign_keys = OFF")
	if err != nil {
		return nil, err
	}
	return sqliteMigrations{sqliteTx{conn}}, nil
}

func (m sqliteMigrations) script(ctx context.Context, sql string) error {
	return m.conn.Script(ctx, sql)
}

func (m sqliteMigrations) close() { m.conn.Close() }

func (m sqliteMigrations) begin(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := m.script(ctx, "BEGIN IMMEDIATE")
		if !sqliteconn.IsBusy(err) || attempt == lockAttempts {
			return err
		}
	}
}

func (m sqliteMigrations) end(ctx context.Context, commit bool) error {
	ctx = context.WithoutCancel(ctx)
	var broken error
	if commit {
		if broken = m.references(ctx); broken == nil {
			return m.script(ctx, "COMMIT")
		}
	}
	if err := m.script(ctx, "ROLLBACK"); broken == nil {
		return err
	}
	return broken
}

// references tells of rows that refer to a row that is not there.
func (m sqliteMigrations) references(ctx context.Context) error {
	rows, err := m.txQuery(ctx, `SELECT "table", "rowid", "parent" FROM pragma_foreign_key_check LIMIT 10`, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var table, parent string
		var rowid *int64
		if err := rows.Scan(&table, &rowid, &parent); err != nil {
			return err
		}
		found = append(found, table+" to "+parent)
	}
	if err := rows.Err(); err != nil || len(found) == 0 {
		return err
	}
	return fmt.Errorf("rows refer to rows that are not there: %s", strings.Join(found, ", "))
}

// migrationLock is the advisory lock of all migrators of one PostgreSQL database: "durward" in ASCII.
const migrationLock = 0x64757277617264

// postgresMigrations migrates on a connection beside the pool, which has no limit of time.
type postgresMigrations struct{ postgresTx }

// migrations implements migrator.
func (e *postgresEngine) migrations(ctx context.Context) (migrationConn, error) {
	config := e.config.ConnConfig.Copy()
	config.RuntimeParams["statement_timeout"] = "0"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, unavailable(err)
	}
	timesInUTC(conn)
	return &postgresMigrations{postgresTx{ctx: ctx, conn: conn}}, nil
}

func (m *postgresMigrations) begin(ctx context.Context) error {
	return m.script(ctx, fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d)", migrationLock))
}

func (m *postgresMigrations) script(ctx context.Context, sql string) error {
	_, err := m.conn.PgConn().Exec(ctx, sql).ReadAll() // the simple protocol takes many statements
	return postgresError(err, ctx.Err(), m.conn.IsClosed())
}

func (m *postgresMigrations) end(ctx context.Context, commit bool) error {
	ctx = context.WithoutCancel(ctx)
	if !commit {
		return m.script(ctx, "ROLLBACK")
	}
	return m.script(ctx, "COMMIT")
}

func (m *postgresMigrations) close() {
	_ = m.conn.Close(context.WithoutCancel(m.ctx)) // whatever is pending is rolled back by that
}
