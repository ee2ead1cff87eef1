package archtest

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// owners is which package names a table in its SQL. A new table comes with a line here.
var owners = map[string]string{
	"users":             "internal/core/account",
	"roles":             "internal/core/role",
	"user_roles":        "internal/core/role",
	"sessions":          "internal/core/session",
	"signing_keys":      "internal/core/signingkey",
	"sealed_keys":       "internal/core/keyring",
	"subject_keys":      "internal/core/audit",
	"audit_events":      "internal/core/audit",
	"schema_migrations": platformDB,
}

// lookupDir may read every table, and write none.
const lookupDir = "internal/core/lookup"

// sqlPlaces is where SQL may stand at all.
var sqlPlaces = []string{"internal/core", platformDB}

// catalogs are the engines' own tables, which only platform/db names.
var catalogs = regexp.MustCompile(`^(sqlite_|pragma_|pg_|information_schema)`)

// forms are what one text for both engines cannot have. An engine's own statement is a constant with SQLite or
// Postgres in its name; it is free of them.
var forms = []struct {
	pattern *regexp.Regexp
	what    string
}{
	{
		regexp.MustCompile(`(?i)\bselect\s+(distinct\s+|all\s+)?\*|,\s*\*|\b\w+\.\*|\breturning\s+\*`),
		"it says * where columns are named: one that is added later must not change what is read",
	},
	{regexp.MustCompile(`(?i)\bnow\s*\(`), "now() is PostgreSQL's: use tx.Now()"},
	{regexp.MustCompile(`::`), ":: is PostgreSQL's: use CAST"},
	{regexp.MustCompile(`(?i)\bilike\b`), "ILIKE is PostgreSQL's: compare canonical forms"},
	{
		regexp.MustCompile(`->|#>|@>|<@|(?i)\bjsonb?_\w+\s*\(`),
		"JSON operators differ: parse JSON in Go",
	},
	{
		regexp.MustCompile(`(?i)\barray\s*\[|\b(any|all|unnest)\s*\(\s*\$`),
		"arrays are PostgreSQL's: join, or write one argument each",
	},
	{
		regexp.MustCompile(`(?i)\b(datetime|strftime|julianday|date_trunc|extract|to_char|age)\s*\(`),
		"date functions differ: reckon in Go",
	},
	{regexp.MustCompile(`(?i)\bfor\s+(no\s+key\s+)?(update|share)\b`), "row locks are PostgreSQL's"},
	{regexp.MustCompile(`\?`), "arguments are $1 … $n"},
}

func sqlRules() []rule {
	return []rule{
		{"sql place", "who owns a table knows all the SQL that touches it", checkSQLPlace},
		{"sql form", "both engines run one text, so that they cannot come to differ", checkSQLForm},
		{"table owner", "a table has one owner, whose rules hold for every row", checkTableOwner},
		{"table map", "each table is created by a migration and owned by a package", checkTableMap},
	}
}

func checkSQLPlace(t *Tree, report reporter) {
	for _, p := range t.Packages {
		if under(p.Dir, sqlPlaces...) || under(p.Dir, "bench", "e2e") {
			continue
		}
		for _, s := range t.statements(p) {
			if slices.ContainsFunc(tablesOf(s.text), func(r reference) bool { return owners[r.table] != "" }) {
				report(Problem{
					Key: s.key, Where: s.where,
					What: "SQL stands outside of core and platform/db: " + s.start(),
				})
			}
		}
	}
}

func checkSQLForm(t *Tree, report reporter) {
	for _, s := range t.ownSQL() {
		if strings.Contains(s.name, "SQLite") || strings.Contains(s.name, "Postgres") {
			continue
		}
		for _, f := range forms {
			if f.pattern.MatchString(s.text) {
				report(Problem{Key: s.key, Where: s.where, What: fmt.Sprintf("%s: %s", f.what, s.start())})
			}
		}
	}
}

func checkTableOwner(t *Tree, report reporter) {
	for _, s := range t.ownSQL() {
		for _, r := range tablesOf(s.text) {
			if fault := ownerFault(s.dir, r); fault != "" {
				report(Problem{
					Key: s.key, Where: s.where,
					What: fmt.Sprintf("it names the table %s, which %s: %s", r.table, fault, s.start()),
				})
			}
		}
	}
}

// ownerFault says why a package may not name a table; "" is nothing.
func ownerFault(dir string, r reference) string {
	owner := owners[r.table]
	switch {
	case under(dir, platformDB) && catalogs.MatchString(r.table):
		return ""
	case owner == "":
		return "has no owner: add it to internal/archtest/sql.go"
	case under(dir, lookupDir):
		if r.written {
			return "core/lookup may read but not write"
		}
		return ""
	case !under(dir, owner):
		return owner + " owns; reads across tables stand in core/lookup"
	}
	return ""
}

func checkTableMap(t *Tree, report reporter) {
	created := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(t.Texts)) {
		if path.Ext(file) != ".sql" {
			continue
		}
		for _, m := range createTable.FindAllStringSubmatch(withoutComments(t.Texts[file]), -1) {
			created[m[1]] = true
			if owners[m[1]] == "" {
				report(Problem{
					Key: m[1], Where: file,
					What: "it creates the table " + m[1] + ", which has no owner: add it to internal/archtest/sql.go",
				})
			}
		}
	}
	for _, table := range slices.Sorted(maps.Keys(owners)) {
		if len(created) > 0 && !created[table] && owners[table] != platformDB {
			report(Problem{
				Key: table, Where: "internal/archtest/sql.go",
				What: "no migration creates the table " + table,
			})
		}
	}
}

var createTable = regexp.MustCompile(`(?i)\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?"?(\w+)`)

// ownSQL gives the statements of the packages that may have some.
func (t *Tree) ownSQL() []statement {
	var all []statement
	for _, p := range t.Packages {
		if under(p.Dir, sqlPlaces...) {
			all = append(all, t.statements(p)...)
		}
	}
	return all
}
