// Package dbtest gives tests fresh databases of both engines, and a PostgreSQL server that they may stop. It owns how
// the databases are made, quickly and apart from each other, and how they are removed; what is tested on them is the
// caller's. A PostgreSQL server that is missing fails the test: half of what the product promises would go untested.
package dbtest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// Engines are the engines that everything is tested on.
var Engines = []db.Engine{db.SQLite, db.Postgres}

// Each runs fn as the subtests "sqlite" and "postgres", each on a fresh, migrated database whose clock can be moved.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB, clk *clock.Offset)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url secret.String) {
		clk := new(clock.Offset)
		fn(t, Open(t, url, db.Options{Clock: clk}), clk)
	})
}

// EachURL runs fn as the subtests "sqlite" and "postgres", each with the URL of a fresh, migrated database, so that it
// may open it more than once and as it likes.
func EachURL(t *testing.T, fn func(t *testing.T, url secret.String)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) { fn(t, URL(t, engine)) })
	}
}

// SQLite gives a fresh, migrated SQLite database with a clock that can be moved.
func SQLite(t testing.TB) (*db.DB, *clock.Offset) { return fresh(t, db.SQLite) }

// Postgres gives a fresh, migrated PostgreSQL database with a clock that can be moved.
func Postgres(t testing.TB) (*db.DB, *clock.Offset) { return fresh(t, db.Postgres) }

func fresh(t testing.TB, engine db.Engine) (*db.DB, *clock.Offset) {
	t.Helper()
	clk := new(clock.Offset)
	return Open(t, URL(t, engine), db.Options{Clock: clk}), clk
}

// Open opens a database and closes it when the test ends.
func Open(t testing.TB, url secret.String, o db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url, o)
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return d
}

// URL gives the URL of a fresh, migrated database, which is removed when the test ends.
func URL(t testing.TB, engine db.Engine) secret.String {
	t.Helper()
	if engine == db.Postgres {
		return postgresURL(t, migratedTemplate(t))
	}
	template, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("make the template of SQLite databases: %v", err)
	}
	path := filepath.Join(t.TempDir(), "durward.db")
	if err := os.WriteFile(path, template, 0o600); err != nil {
		t.Fatalf("copy the template: %v", err)
	}
	return secret.New("sqlite:" + path)
}

// EmptyURL gives the URL of a database without any table, which is removed when the test ends.
func EmptyURL(t testing.TB, engine db.Engine) secret.String {
	t.Helper()
	if engine == db.Postgres {
		return postgresURL(t, "template0")
	}
	return secret.New("sqlite:" + filepath.Join(t.TempDir(), "durward.db"))
}

// sqliteTemplate is the content of a migrated file, made once a test binary.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "durward-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "template.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
