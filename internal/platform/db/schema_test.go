package db_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

var updateGolden = flag.Bool("update", false, "write testdata/schema.golden anew")

const golden = "testdata/schema.golden"

// Both engines must have the schema of the one golden file.
func TestSchema_OfBothEnginesIsTheGoldenOne(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			d := dbtest.Open(t, dbtest.URL(t, engine), db.Options{})
			got := describe(t, d)
			if *updateGolden && engine == db.SQLite {
				must(t, os.MkdirAll("testdata", 0o755))
				must(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the schema differs from %s; if that is meant, run the test with -update\n%s", golden, diff)
			}
		})
	}
}

// describe writes a schema in a form that is the same for both engines: a line for each column, key, index and trigger.
func describe(t *testing.T, d *db.DB) string {
	t.Helper()
	queries := map[db.Engine]map[string]string{db.SQLite: sqliteSchema, db.Postgres: postgresSchema}[d.Engine()]
	var out strings.Builder
	for _, table := range list(t, d, queries["tables"]) {
		fmt.Fprintf(&out, "table %s\n", table)
		for _, line := range list(t, d, queries["columns"], table) {
			fmt.Fprintf(&out, "    %s\n", canonicalColumn(line))
		}
		var rest []string
		for _, kind := range []string{"keys", "indexes", "references", "triggers"} {
			rest = append(rest, list(t, d, queries[kind], table)...)
		}
		for _, check := range checks(t, d, queries["checks"], table) {
			rest = append(rest, "check "+check)
		}
		slices.Sort(rest)
		for _, line := range rest {
			fmt.Fprintf(&out, "    %s\n", line)
		}
	}
	return out.String()
}

// Each query gives one column of text. Columns read "name|type|null|default|identity".
var sqliteSchema = map[string]string{
	"tables": `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
	"columns": `SELECT c.name || '|' || lower(c.type) || '|' ||
			iif(c."notnull" OR c.pk AND c.type = 'INTEGER', 'not null', 'null') || '|' ||
			coalesce(c.dflt_value, '') || '|' || iif(c.pk AND s.sql LIKE '%AUTOINCREMENT%', 'identity', '')
		FROM pragma_table_info($1) c JOIN sqlite_schema s ON s.name = $1 ORDER BY c.cid`,
	"keys": `SELECT 'primary key (' || (SELECT group_concat(name, ', ') FROM
			(SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk)) || ')'
		UNION ALL SELECT 'unique (' || (SELECT group_concat(name, ', ') FROM
			(SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) || ')'
		FROM pragma_index_list($1) l WHERE l.origin = 'u'`,
	"indexes": `SELECT iif(l."unique", 'unique ', '') || 'index ' || l.name || ' (' ||
			(SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) || ')'
		FROM pragma_index_list($1) l WHERE l.origin = 'c'`,
	"references": `SELECT 'foreign key (' || "from" || ') references ' || "table" || ' (' || "to" || ') on delete ' ||
			lower(on_delete)
		FROM pragma_foreign_key_list($1)`,
	"triggers": `SELECT 'trigger ' || name || iif(sql LIKE '%UPDATE ON%', ' on update', '') FROM sqlite_schema
		WHERE type = 'trigger' AND tbl_name = $1`,
	"checks": `SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = $1`,
}

var postgresSchema = map[string]string{
	"tables": `SELECT CAST(table_name AS TEXT) FROM information_schema.tables
		WHERE table_schema = current_schema() ORDER BY table_name COLLATE "C"`,
	"columns": `SELECT c.column_name || '|' ||
			c.data_type || coalesce('(' || c.character_maximum_length || ')', '') || '|' ||
			CASE c.is_nullable WHEN 'NO' THEN 'not null' ELSE 'null' END || '|' || coalesce(c.column_default, '') || '|' ||
			CASE c.is_identity WHEN 'YES' THEN 'identity' ELSE '' END
		FROM information_schema.columns c
		WHERE c.table_schema = current_schema() AND c.table_name = $1 ORDER BY c.ordinal_position`,
	"keys": `SELECT lower(pg_get_constraintdef(oid)) FROM pg_constraint
		WHERE conrelid = to_regclass($1) AND contype IN ('p', 'u')`,
	"indexes": `SELECT CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || 'index ' || c.relname || ' (' ||
			(SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
				JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) || ')'
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = to_regclass($1) AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)`,
	"references": `SELECT 'foreign key (' || a.attname || ') references ' ||
			r.relname || ' (' || b.attname || ') on delete ' ||
			CASE k.confdeltype WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'no action' END
		FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid
		JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
		JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
		WHERE k.conrelid = to_regclass($1) AND k.contype = 'f'`,
	"triggers": `SELECT 'trigger ' || tgname || CASE WHEN tgtype & 16 = 16 THEN ' on update' ELSE '' END FROM pg_trigger
		WHERE tgrelid = to_regclass($1) AND NOT tgisinternal`,
	"checks": `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype = 'c'`,
}

var typeClasses = strings.NewReplacer(
	"character varying", "text", "varchar", "text", "timestamp with time zone", "time", "datetime", "time",
	"bytea", "bytes", "blob", "bytes", "bigint", "integer")

// canonicalColumn turns "name|type|null|default|identity" into a line that says the same for both engines.
func canonicalColumn(line string) string {
	f := strings.SplitN(line, "|", 3)
	// The default may hold the `||` of an expression, so that the last part is cut off from behind.
	null, rest, _ := strings.Cut(f[2], "|")
	at := strings.LastIndex(rest, "|")
	value, identity := rest[:at], rest[at+1:]
	out := []string{f[0], typeClasses.Replace(f[1]), null}
	switch {
	case identity != "":
		out = append(out, identity)
	case strings.Contains(value, "strftime") || strings.Contains(strings.ToUpper(value), "CURRENT_TIMESTAMP"):
		out = append(out, "default now")
	case value != "":
		out = append(out, "default "+casts.ReplaceAllString(value, ""))
	}
	return strings.Join(out, " ")
}

var (
	casts      = regexp.MustCompile(`::[a-z ]+(\[\])?`)
	between    = regexp.MustCompile(`(\S+) between (\S+) and (\S+)`)
	anyOfArray = regexp.MustCompile(`= any array\[([^\]]*)\]`)
	length     = regexp.MustCompile(`length\(+(\w+)\)+`)
	spaces     = regexp.MustCompile(`\s+`)
)

// checks gives a table's checks in one spelling: lower case, without casts and brackets, BETWEEN and IN spelt out.
func checks(t *testing.T, d *db.DB, query, table string) (all []string) {
	t.Helper()
	for _, text := range list(t, d, query, table) {
		for _, part := range strings.Split(text, "CHECK (")[1:] {
			all = append(all, canonicalCheck(closed(part)))
		}
	}
	return all
}

// closed cuts a text off where the bracket before it closes.
func closed(text string) string {
	depth := 1
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return text[:i]
			}
		}
	}
	return text
}

func canonicalCheck(s string) string {
	s = casts.ReplaceAllString(strings.ToLower(s), "")
	s = length.ReplaceAllString(s, "length_of_$1")
	s = strings.NewReplacer("(", " ", ")", " ").Replace(s)
	s = spaces.ReplaceAllString(strings.TrimSpace(s), " ")
	s = between.ReplaceAllString(s, "$1 >= $2 and $1 <= $3")
	s = anyOfArray.ReplaceAllString(s, "in $1")
	return s
}

func TestSchema_AnUpdateWithRawSQLMovesUpdatedAtEveryTimeAndNeverBack(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			d := dbtest.Open(t, dbtest.URL(t, engine), db.Options{})
			must(t, execute(t.Context(), d, addUser, "ann", "ann@example.org"))
			seen := list(t, d, `SELECT CAST(updated_at AS TEXT) FROM users`)
			read := func(q db.Querier) {
				seen = append(seen, list(t, q, `SELECT CAST(updated_at AS TEXT) FROM users`)...)
			}
			for range 5 {
				must(t, execute(t.Context(), d, `UPDATE users SET password_hash = 'x'`))
				read(d)
			}
			_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
				for range 5 { // at one time of the transaction
					if _, err := tx.Exec(ctx, `UPDATE users SET password_hash = 'y'`); err != nil {
						return 0, err
					}
					read(tx)
				}
				return 0, nil
			})
			must(t, err)
			// Written by a clock that was wrong.
			must(t, execute(t.Context(), d, `UPDATE users SET updated_at = $1`, zoned.AddDate(100, 0, 0)))
			read(d)
			must(t, execute(t.Context(), d, `UPDATE users SET password_hash = 'z'`))
			read(d)
			if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
				t.Errorf("updated_at was %s", strings.Join(seen, ", "))
			}
		})
	}
}

const addUser = `INSERT INTO users (username, email, password_hash) VALUES ($1, $2, 'x')`

func TestSchema_IdsAreNeverGivenTwice(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			d := dbtest.Open(t, dbtest.URL(t, engine), db.Options{})
			var ids []int64
			for i := range 4 {
				id, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (id int64, err error) {
					name := fmt.Sprint("user", i)
					err = tx.QueryRow(ctx, addUser+` RETURNING id`, name, name+"@example.org").Scan(&id)
					return id, err
				})
				must(t, err)
				ids = append(ids, id)
				must(t, execute(t.Context(), d, `DELETE FROM users WHERE id = $1`, id)) // the highest, each time
			}
			if !slices.Equal(ids, []int64{1, 2, 3, 4}) {
				t.Errorf("the ids were %v", ids)
			}
		})
	}
}

func TestSchema_TheUserTableHoldsItsRulesItself(t *testing.T) {
	wide := func(n int) string { return strings.Repeat("ü", n) }
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			d := dbtest.Open(t, dbtest.URL(t, engine), db.Options{})
			insert := `INSERT INTO users (username, email, password_hash) VALUES ($1, $2, $3)`
			must(t, execute(t.Context(), d, insert, wide(80), wide(120), wide(128)))
			for name, args := range map[string][]any{
				"username too long":      {wide(81), "a", "x"},
				"username empty":         {"", "a", "x"},
				"no username":            {nil, "a", "x"},
				"username taken":         {wide(80), "a", "x"},
				"email too long":         {"a", wide(121), "x"},
				"email empty":            {"a", "", "x"},
				"no email":               {"a", nil, "x"},
				"email taken":            {"a", wide(120), "x"},
				"password hash too long": {"a", "a", wide(129)},
				"no password hash":       {"a", "a", nil},
			} {
				if err := execute(t.Context(), d, insert, args...); err == nil {
					t.Errorf("%s was accepted", name)
				} else if strings.HasSuffix(name, "taken") != db.IsUnique(err) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for _, sql := range []string{`UPDATE users SET created_at = NULL`, `UPDATE users SET updated_at = NULL`,
				`UPDATE users SET status = 'odd'`} {
				if err := execute(t.Context(), d, sql); err == nil {
					t.Errorf("%s was accepted", sql)
				}
			}
		})
	}
}

func TestSchema_TheFirstColumnsOfUsersAreTheContract(t *testing.T) {
	want := []string{"id integer not null identity", "username text(80) not null", "email text(120) not null",
		"password_hash text(128) not null", "created_at time not null default now", "updated_at time not null default now"}
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			d := dbtest.Open(t, dbtest.URL(t, engine), db.Options{})
			queries := map[db.Engine]map[string]string{db.SQLite: sqliteSchema, db.Postgres: postgresSchema}[engine]
			var got []string
			for _, line := range list(t, d, queries["columns"], "users") {
				got = append(got, canonicalColumn(line))
			}
			if !slices.Equal(got[:min(len(want), len(got))], want) {
				t.Errorf("the columns are %q, want first %q", got, want)
			}
		})
	}
}

func TestSchema_NoTextKeyMayBeNull(t *testing.T) {
	// SQLite lets a primary key be NULL unless it is told not to.
	lines, err := os.ReadFile(golden)
	must(t, err)
	tables := map[string][]string{}
	var table string
	for line := range strings.Lines(string(lines)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "table "); ok {
			table = name
		}
		tables[table] = append(tables[table], strings.TrimSpace(line))
	}
	for name, lines := range tables {
		for _, line := range lines {
			keys, ok := strings.CutPrefix(line, "primary key (")
			if !ok {
				continue
			}
			for key := range strings.SplitSeq(strings.TrimSuffix(keys, ")"), ", ") {
				if !slices.ContainsFunc(lines, func(l string) bool {
					return strings.HasPrefix(l, key+" ") && strings.Contains(l, " not null")
				}) {
					t.Errorf("%s.%s is a key and may be NULL", name, key)
				}
			}
		}
	}
}
