package e2e

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// openDatabase opens an installation's database beside its instances, for looking alone.
func (in *installation) openDatabase(t testing.TB) *sql.DB {
	t.Helper()
	driver, source := "pgx", in.database
	if path, ok := strings.CutPrefix(in.database, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+(&url.URL{Path: path}).String()+"?mode=ro&_pragma=busy_timeout(10000)"
	}
	d, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal("open the database: the driver refuses its URL")
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// number reads one number.
func (in *installation) number(t testing.TB, query string, args ...any) int64 {
	t.Helper()
	d := in.openDatabase(t)
	defer d.Close()
	var n int64
	if err := d.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// lastingTables are the tables that no refused request may change. What is refused is logged in the others.
var lastingTables = []string{"users", "roles", "user_roles", "sessions", "signing_keys", "sealed_keys",
	"schema_migrations"}

// contents gives the rows of the lasting tables.
func (in *installation) contents(t testing.TB) map[string]string {
	t.Helper()
	d := in.openDatabase(t)
	defer d.Close()
	all := map[string]string{}
	for _, table := range lastingTables {
		all[table] = rowsOf(t, d, table)
	}
	return all
}

func rowsOf(t testing.TB, d *sql.DB, table string) string {
	t.Helper()
	rows, err := d.Query("SELECT * FROM " + table + " ORDER BY 1, 2")
	if err != nil {
		t.Fatalf("read %s: %v", table, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&text, values...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// unchanged fails the test where a lasting table differs. Its rows are not shown: they hold what nobody should log.
func (in *installation) unchanged(t testing.TB, before map[string]string) {
	t.Helper()
	for table, now := range in.contents(t) {
		if now != before[table] {
			t.Errorf("the table %s has changed", table)
		}
	}
}
