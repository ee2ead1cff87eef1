package archtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSQLForm_IsOneTextForBothEngines(t *testing.T) {
	const file = "internal/core/session/store.go"
	sql := func(name, text string) map[string]string {
		return map[string]string{file: source("session", "") + "\nconst " + name + " = `" + text + "`\n"}
	}
	bad := []string{"sql form: " + file + " q"}
	cases := map[string]broken{
		"an engine's own statement": {sql("sqlLockPostgres", "SELECT id FROM sessions FOR UPDATE"), nil},
		"words in a literal":        {sql("q", "SELECT id FROM sessions WHERE end_reason = 'now() :: *?'"), nil},
		"words in a comment":        {sql("q", "SELECT id -- now()\nFROM sessions"), nil},
		"counting":                  {sql("q", "SELECT COUNT(*) FROM sessions"), nil},
		"multiplying":               {sql("q", "SELECT id FROM sessions WHERE rotation * 2 > $1"), nil},
		"a word within a word":      {sql("q", "SELECT id, now_id FROM sessions WHERE average = $1"), nil},
	}
	for name, text := range map[string]string{
		"all columns":             "SELECT * FROM sessions",
		"all columns, lower case": "select * from sessions",
		"distinct rows":           "SELECT DISTINCT * FROM sessions",
		"all columns of a table":  "SELECT s.* FROM sessions s",
		"all columns beside one":  "SELECT id, * FROM sessions",
		"returning all":           "DELETE FROM sessions RETURNING *",
		"now()":                   "UPDATE sessions SET ended_at = now() WHERE id = $1",
		"a cast":                  "SELECT id::text FROM sessions",
		"ILIKE":                   "SELECT id FROM sessions WHERE client ILIKE $1",
		"a JSON operator":         "SELECT id FROM sessions WHERE amr->>'x' = $1",
		"a JSON function":         "SELECT json_extract(amr, '$.x') FROM sessions",
		"an array":                "SELECT id FROM sessions WHERE id = ANY($1)",
		"a date function":         "SELECT strftime('%s', created_at) FROM sessions",
		"a row lock":              "SELECT id FROM sessions WHERE id = $1 FOR UPDATE",
		"a question mark":         "SELECT id FROM sessions WHERE id = ?",
		"a common table":          "WITH old AS (SELECT id FROM sessions) SELECT * FROM old",
	} {
		cases[name] = broken{sql("q", text), bad}
	}
	checkEach(t, cases)
}

func TestSQL_IsReadWhereItIsPutTogether(t *testing.T) {
	const file = "internal/core/session/store.go"
	checkEach(t, map[string]broken{
		"from constants of another file": {
			map[string]string{
				"internal/core/session/columns.go": source("session", "") +
					"\nconst from = ` FROM ` + table\nconst table = `users`\n",
				file: source("session", "") + "\nconst q = `SELECT id` + from\n",
			},
			[]string{"table owner: " + file + " q"},
		},
		"with a part that is not constant": {
			map[string]string{file: source("session", "") + "\nfunc f(w string) { g(`SELECT * FROM sessions ` + w) }\n"},
			[]string{"sql form: " + file},
		},
		"inside a format": {
			map[string]string{
				file: source("session", "", "fmt") + "\nvar q = fmt.Sprintf(`SELECT id FROM users WHERE %s`, x)\n",
			},
			[]string{"table owner: " + file + " q"},
		},
		"that goes round in a circle": {
			map[string]string{file: source("session", "") + "\nconst a = `SELECT id ` + b\nconst b = `x` + a\n"}, nil,
		},
	})
}

func TestTables_AreNamedByTheirOwnerAlone(t *testing.T) {
	in := func(dir, pkg, text string) map[string]string {
		return map[string]string{dir + "/store.go": source(pkg, "") + "\nconst q = `" + text + "`\n"}
	}
	session := func(text string) map[string]string { return in("internal/core/session", "session", text) }
	lookup := func(text string) map[string]string { return in("internal/core/lookup", "lookup", text) }
	db := func(text string) map[string]string { return in("internal/platform/db", "db", text) }
	bad := []string{"table owner: internal/core/session/store.go q"}
	badLookup := []string{"table owner: internal/core/lookup/store.go q"}
	checkEach(t, map[string]broken{
		"reading another's":     {session("SELECT id FROM users"), bad},
		"joining another's":     {session("SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id"), bad},
		"a list with another's": {session("SELECT s.id FROM sessions s, users WHERE 1 = 1"), bad},
		"in a sub-query":        {session("DELETE FROM sessions WHERE user_id IN (SELECT id FROM users)"), bad},
		"inserting into":        {session("INSERT INTO user_roles (role) VALUES ($1)"), bad},
		"updating":              {session("UPDATE users SET status = $1"), bad},
		"deleting":              {session("DELETE FROM audit_events"), bad},
		"with a common table":   {session("WITH x (id) AS (SELECT id FROM users) SELECT id FROM x"), bad},
		"in quotes":             {session(`SELECT id FROM "users"`), bad},
		"a table without owner": {session("SELECT id FROM things"), bad},
		"an engine's catalogue": {session("SELECT name FROM sqlite_schema"), bad},
		"one's own":             {session("UPDATE sessions SET client = (SELECT max(client) FROM sessions)"), nil},
		"do update":             {session("INSERT INTO sessions (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = 1"), nil},
		"a common table's name": {session("WITH users AS (SELECT id FROM sessions) SELECT id FROM users"), nil},
		"a column's name":       {session("SELECT users FROM sessions"), nil},
		"lookup reads":          {lookup("SELECT s.id FROM sessions s LEFT JOIN user_roles r ON r.user_id = s.id"), nil},
		"lookup writes":         {lookup("UPDATE sessions SET client = $1"), badLookup},
		"lookup deletes":        {lookup("DELETE FROM sessions"), badLookup},
		"platform's own":        {db("SELECT version FROM schema_migrations"), nil},
		"platform's catalogue":  {db("SELECT count(name) FROM sqlite_schema"), nil},
		"platform names another": {
			db("SELECT id FROM users"), []string{"table owner: internal/platform/db/store.go q"},
		},
	})
}

func TestSQL_StandsInCoreAndPlatformAlone(t *testing.T) {
	const file = "internal/flow/signin/a.go"
	text := func(s string) map[string]string {
		return map[string]string{file: source("signin", "") + "\nvar q = `" + s + "`\n"}
	}
	bad := []string{"sql place: " + file + " q"}
	checkEach(t, map[string]broken{
		"SQL in a flow":      {text("SELECT id FROM users"), bad},
		"SQL in lower case":  {text("update users set status = $1"), bad},
		"English in a flow":  {text("Select one from the list, or update your settings."), nil},
		"SQL in a flow test": {map[string]string{"internal/flow/signin/a_test.go": text("SELECT id FROM users")[file]}, nil},
	})
}

func TestTableMap_FollowsTheMigrations(t *testing.T) {
	files := map[string]string{"internal/platform/db/migrations/0001.sql": `
-- CREATE TABLE in_a_comment (
CREATE TABLE users (id INT); CREATE TABLE roles (id INT); CREATE TABLE user_roles (id INT);
CREATE TABLE IF NOT EXISTS sessions (id INT); create table "signing_keys" (id INT);
CREATE TABLE sealed_keys (id INT); CREATE TABLE subject_keys (id INT);
CREATE TABLE stray (id INT);`}
	want := []string{"table map: audit_events", "table map: stray"}
	if diff := cmp.Diff(want, problems(t, files)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
