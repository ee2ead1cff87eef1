package floors

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // the driver of database/sql, without anything of ours around it
)

// floorStore reads and writes rows like sessions, one by its key at a time, by the shortest way that the driver has.
type floorStore interface {
	read(ctx context.Context, client int) error
	update(ctx context.Context, client int) error
	close()
}

// floorRows is how many rows the floors spread over.
const floorRows = 100_000

const (
	floorTable = `CREATE TABLE floor_rows (id TEXT NOT NULL PRIMARY KEY, user_id BIGINT NOT NULL, client TEXT NOT NULL,
		rotation BIGINT NOT NULL, refreshed_at %[1]s NOT NULL, expires_at %[1]s NOT NULL)`
	floorSelectSQL = `SELECT user_id, client, rotation, refreshed_at, expires_at FROM floor_rows WHERE id = $1`
	floorUpdateSQL = `UPDATE floor_rows SET rotation = rotation + 1, refreshed_at = $2 WHERE id = $1`
)

// floorKey is the key of a row picked at random.
func floorKey() string { return rowKey(rand.IntN(floorRows)) }

func rowKey(i int) string { return "ses_" + strconv.Itoa(1_000_000+i) + "0123456789abcdefghj" }

// storedRow is what a read gives.
type storedRow struct {
	user               int64
	client             string
	rotation           int64
	refreshed, expires time.Time
}

func (r *storedRow) columns() []any {
	return []any{&r.user, &r.client, &r.rotation, &r.refreshed, &r.expires}
}

// openFloorStore makes the floors' table in a database of the server's, or, with SQLite, in a file of its own beside it.
func openFloorStore(ctx context.Context, address string) (floorStore, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return openSQLiteFloor(ctx, path+".floor")
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 16 // more are slower where PostgreSQL has one core
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		fmt.Sprintf(floorTable, "TIMESTAMPTZ") + " WITH (fillfactor = 80)",
		fmt.Sprintf(`INSERT INTO floor_rows SELECT 'ses_' || i || '0123456789abcdefghj', i, 'durward', 0, now(), now()
			FROM generate_series(1000000, %d) i`, 1_000_000+floorRows-1),
	} {
		if _, err := pool.Exec(ctx, statement); err != nil {
			pool.Close()
			return nil, fmt.Errorf("make the floors' table: %w", err)
		}
	}
	return postgresFloor{pool}, nil
}

type postgresFloor struct{ pool *pgxpool.Pool }

func (f postgresFloor) read(ctx context.Context, _ int) error {
	var row storedRow
	return f.pool.QueryRow(ctx, floorSelectSQL, floorKey()).Scan(row.columns()...)
}

func (f postgresFloor) update(ctx context.Context, _ int) error {
	_, err := f.pool.Exec(ctx, floorUpdateSQL, floorKey(), time.Now())
	return err
}

func (f postgresFloor) close() { f.pool.Close() }

// sqliteFloor has prepared statements for reading, and one writer that takes whatever waits into one transaction.
type sqliteFloor struct {
	readers, writer *sql.DB
	reading         *sql.Stmt
	writing         *sql.Stmt
	queue           chan sqliteUpdate
	ended           chan struct{}
}

// sqliteUpdate is a caller of update, who hears of the commit on done.
type sqliteUpdate struct {
	key  string
	done chan error
}

// floorGroup is the most updates of one commit.
const floorGroup = 64

func openSQLiteFloor(ctx context.Context, path string) (_ *sqliteFloor, err error) {
	const pragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	f := &sqliteFloor{queue: make(chan sqliteUpdate, floorGroup), ended: make(chan struct{})}
	if f.writer, err = sql.Open("sqlite", "file:"+path+pragmas); err != nil {
		return nil, err
	}
	f.writer.SetMaxOpenConns(1)
	if err := fillSQLite(ctx, f.writer); err != nil {
		return nil, fmt.Errorf("make the floors' table: %w", err)
	}
	if f.readers, err = sql.Open("sqlite", "file:"+path+pragmas); err != nil {
		return nil, err
	}
	f.readers.SetMaxOpenConns(4)
	f.readers.SetMaxIdleConns(4)
	if f.reading, err = f.readers.PrepareContext(ctx, floorSelectSQL); err != nil {
		return nil, err
	}
	if f.writing, err = f.writer.PrepareContext(ctx, floorUpdateSQL); err != nil {
		return nil, err
	}
	go f.write(ctx)
	return f, nil
}

func fillSQLite(ctx context.Context, d *sql.DB) error {
	if _, err := d.ExecContext(ctx, fmt.Sprintf(floorTable, "DATETIME")); err != nil {
		return err
	}
	_, err := d.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
		INSERT INTO floor_rows SELECT 'ses_' || i || '0123456789abcdefghj', i, 'durward', 0, $3, $3 FROM n`,
		1_000_000, 1_000_000+floorRows-1, time.Now().UTC())
	return err
}

func (f *sqliteFloor) read(ctx context.Context, _ int) error {
	var row storedRow
	return f.reading.QueryRowContext(ctx, floorKey()).Scan(row.columns()...)
}

func (f *sqliteFloor) update(_ context.Context, _ int) error {
	u := sqliteUpdate{floorKey(), make(chan error, 1)}
	f.queue <- u
	return <-u.done
}

// write is the writer.
func (f *sqliteFloor) write(ctx context.Context) {
	defer close(f.ended)
	group := make([]sqliteUpdate, 0, floorGroup)
	for first := range f.queue {
		group = append(group[:0], first)
		for len(group) < floorGroup && len(f.queue) > 0 {
			group = append(group, <-f.queue)
		}
		err := f.commit(ctx, group)
		for _, u := range group {
			u.done <- err
		}
	}
}

func (f *sqliteFloor) commit(ctx context.Context, group []sqliteUpdate) error {
	tx, err := f.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	statement := tx.StmtContext(ctx, f.writing)
	for _, u := range group {
		if _, err := statement.ExecContext(ctx, u.key, time.Now()); err != nil {
			_ = tx.Rollback() // the error that matters is the first
			return err
		}
	}
	return tx.Commit()
}

func (f *sqliteFloor) close() {
	close(f.queue)
	<-f.ended
	_ = f.readers.Close() // the data are temporary
	_ = f.writer.Close()
}
