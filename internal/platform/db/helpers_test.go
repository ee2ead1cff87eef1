package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// scratch gives a migrated database of each engine with an empty table of notes.
func scratch(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			d := dbtest.Open(t, dbtest.URL(t, engine), db.Options{})
			makeNotes(t, d)
			fn(t, d)
		})
	}
}

func makeNotes(t testing.TB, d *db.DB) {
	t.Helper()
	types := map[db.Engine][2]string{db.SQLite: {"DATETIME", "BLOB"}, db.Postgres: {"TIMESTAMPTZ", "BYTEA"}}[d.Engine()]
	must(t, execute(t.Context(), d, `CREATE TABLE notes (id BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL UNIQUE,
		at `+types[0]+`, raw `+types[1]+`, number BIGINT, flag BOOLEAN)`))
}

// execute writes one statement.
func execute(ctx context.Context, d *db.DB, sql string, args ...any) error {
	_, err := db.Write(ctx, d, func(ctx context.Context, tx *db.Tx) (int64, error) { return tx.Exec(ctx, sql, args...) })
	return err
}

const addNote = `INSERT INTO notes (id, text) VALUES ($1, $2)`

// texts lists the notes by id, read outside of any transaction.
func texts(t *testing.T, d *db.DB) []string {
	t.Helper()
	return list(t, d, `SELECT text FROM notes ORDER BY id`)
}

// list gives a column of texts.
func list(t *testing.T, q db.Querier, sql string, args ...any) []string {
	t.Helper()
	rows, err := q.Query(t.Context(), sql, args...)
	must(t, err)
	defer rows.Close()
	all := []string{}
	for rows.Next() {
		var s string
		must(t, rows.Scan(&s))
		all = append(all, s)
	}
	must(t, rows.Err())
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patience bounds every wait of these tests on a busy machine.
const patience = 30 * time.Second

// until waits for a condition that only polling can tell.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// receive waits for a value.
func receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func isUnavailable(err error) bool {
	e := errs.As(err)
	return e != nil && e.Kind == errs.Unavailable && e.Code == "database_unavailable" && e.RetryAfter > 0
}

// withParameters adds to the query of a PostgreSQL URL, which has one.
func withParameters(url secret.String, more string) secret.String {
	return secret.New(url.Reveal() + more)
}
