package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// sound is a small tree that keeps every rule.
var sound = map[string]string{
	"go.mod": "module github.com/durwardhq/durward\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/jackc/pgx/v5 v5.12.0\n" +
		"\tgolang.org/x/sync v0.24.0 // indirect\n)\n",
	"docs/dependencies.md":              "| Module | For |\n|---|---|\n| `github.com/jackc/pgx/v5` | PostgreSQL |\n",
	"cmd/durward/main.go":               source("main", "Command durward serves.", "internal/app", "internal/config"),
	"internal/app/app.go":               source("app", "", "internal/server", "internal/platform/db", "net/http"),
	"internal/config/config.go":         source("config", "", "internal/platform/errs"),
	"internal/server/server.go":         source("server", "", "internal/surface/api", "net/http"),
	"internal/surface/web/web.go":       source("web", "", "net/http", "internal/platform/errs"),
	"internal/surface/api/api.go":       source("api", "", "internal/surface/web", "internal/flow/signin", "net/http"),
	"internal/flow/issue/issue.go":      source("issue", "", "internal/core/session"),
	"internal/flow/signin/signin.go":    source("signin", "", "internal/flow/issue", "internal/core/audit"),
	"internal/core/audit/audit.go":      source("audit", "", "internal/platform/db"),
	"internal/core/session/session.go":  source("session", "", "internal/platform/db", "internal/proto/jwt"),
	"internal/core/session/e/e.go":      source("e", ""),
	"internal/core/session/a_test.go":   source("session", "none", "internal/platform/db/dbtest", "internal/core/audit"),
	"internal/proto/jwt/jwt.go":         source("jwt", "", "github.com/go-jose/go-jose/v4"),
	"internal/platform/db/db.go":        source("db", "", "database/sql", "github.com/jackc/pgx/v5", "internal/ident"),
	"internal/platform/db/dbtest/t.go":  source("dbtest", "", "internal/platform/db", "os", "testing"),
	"internal/platform/errs/errs.go":    source("errs", "", "errors"),
	"internal/platform/clock/clock.go":  source("clock", "", "time") + "var now = time.Now\n",
	"internal/ident/ident.go":           source("ident", ""),
	"internal/ident/testdata/broken.go": "this is no Go",
	"terraform/go.mod":                  "module github.com/durwardhq/durward/terraform\n",
	"terraform/main.go":                 "this belongs to another module",
}

// source makes a Go file with a package comment and imports; paths that begin with internal/ are ours.
func source(name, comment string, imports ...string) string {
	var b strings.Builder
	switch comment {
	case "":
		fmt.Fprintf(&b, "// Package %s is one.\n", name)
	case "none":
	default:
		fmt.Fprintf(&b, "// %s\n", comment)
	}
	fmt.Fprintf(&b, "package %s\n\n", name)
	for _, path := range imports {
		if strings.HasPrefix(path, "internal/") {
			path = module + "/" + path
		}
		fmt.Fprintf(&b, "import %q\n", path)
	}
	return b.String()
}

// problems gives "rule: key" of every problem in the sound tree with these files put into it.
func problems(t *testing.T, files map[string]string, exceptions ...Exception) []string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range sound {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range Check(tree, exceptions) {
		if p.What == "" || p.Why == "" || p.Where == "" {
			t.Errorf("a problem that does not say what, where or why: %#v", p)
		}
		got = append(got, p.Rule+": "+p.Key)
	}
	slices.Sort(got)
	return slices.Compact(got)
}

// broken is a change to the sound tree and what it breaks, in the form of problems.
type broken struct {
	files map[string]string
	want  []string
}

func checkEach(t *testing.T, cases map[string]broken) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(cases[name].want, problems(t, cases[name].files)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheck_FindsNothingInASoundTree(t *testing.T) {
	if got := problems(t, nil); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestLoad_TellsWhereAFileDoesNotParse(t *testing.T) {
	_, err := Load(fstest.MapFS{"internal/ident/a.go": &fstest.MapFile{Data: []byte("package ident\nfunc {")}})
	if err == nil || !strings.Contains(err.Error(), "internal/ident/a.go") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestBands_AreKept(t *testing.T) {
	const ours = module + "/internal/"
	checkEach(t, map[string]broken{
		"ident imports ours": {
			map[string]string{"internal/ident/a.go": source("ident", "", "internal/platform/errs")},
			[]string{"bands: internal/ident imports " + ours + "platform/errs"},
		},
		"proto imports ours": {
			map[string]string{"internal/proto/jwt/a.go": source("jwt", "", "internal/ident")},
			[]string{"bands: internal/proto/jwt imports " + ours + "ident"},
		},
		"proto imports another proto": {
			map[string]string{"internal/proto/oauth/a.go": source("oauth", "", "internal/proto/jwt")},
			[]string{"bands: internal/proto/oauth imports " + ours + "proto/jwt"},
		},
		"proto imports net/http": {
			map[string]string{"internal/proto/jwt/a.go": source("jwt", "", "net/http/httputil")},
			[]string{
				"bands: internal/proto/jwt imports net/http/httputil",
				"reach: internal/core/session reaches net/http",
				"reach: internal/flow/issue reaches net/http",
				"reach: internal/flow/signin reaches net/http",
			},
		},
		"platform imports core": {
			map[string]string{"internal/platform/errs/a.go": source("errs", "", "internal/core/session/e")},
			[]string{"bands: internal/platform/errs imports " + ours + "core/session/e"},
		},
		"core imports another core": {
			map[string]string{"internal/core/session/a.go": source("session", "", "internal/core/audit")},
			[]string{"bands: internal/core/session imports " + ours + "core/audit"},
		},
		"core imports its own part": {
			map[string]string{"internal/core/session/a.go": source("session", "", "internal/core/session/e")}, nil,
		},
		"core imports a flow": {
			map[string]string{"internal/core/audit/a.go": source("audit", "", "internal/flow/issue")},
			[]string{"bands: internal/core/audit imports " + ours + "flow/issue"},
		},
		"flow imports another flow": {
			map[string]string{
				"internal/flow/signup/a.go":  source("signup", "", "internal/flow/signin"),
				"internal/flow/machine/a.go": source("machine", ""),
				"internal/flow/stepup/a.go":  source("stepup", "", "internal/flow/machine", "internal/flow/issue"),
			},
			[]string{"bands: internal/flow/signup imports " + ours + "flow/signin"},
		},
		"surface imports another surface": {
			map[string]string{"internal/surface/scim/a.go": source("scim", "", "internal/surface/api")},
			[]string{"bands: internal/surface/scim imports " + ours + "surface/api"},
		},
		"surface imports a database": {
			map[string]string{
				"internal/surface/scim/a.go": source("scim", "", "internal/platform/db"),
				"internal/surface/saml/a.go": source("saml", "", "database/sql/driver"),
			},
			[]string{
				"bands: internal/surface/saml imports database/sql/driver",
				"bands: internal/surface/scim imports " + ours + "platform/db",
			},
		},
		"server imports a flow": {
			map[string]string{"internal/server/a.go": source("server", "", "internal/flow/issue")},
			[]string{"bands: internal/server imports " + ours + "flow/issue"},
		},
		"a test imports a band above": {
			map[string]string{"internal/core/audit/a_test.go": source("audit", "none", "internal/flow/issue")},
			[]string{"bands: internal/core/audit imports " + ours + "flow/issue"},
		},
		"the product imports test support": {
			map[string]string{"internal/core/audit/a.go": source("audit", "", "internal/platform/db/dbtest")},
			[]string{"test support: internal/core/audit imports " + ours + "platform/db/dbtest"},
		},
		"a folder outside of all bands": {
			map[string]string{"internal/util/a.go": source("util", "")}, []string{"bands: internal/util"},
		},
		"source at the root": {
			map[string]string{"a.go": source("durward", "")}, []string{"bands: ."},
		},
	})
}

func TestImporters_AreNamed(t *testing.T) {
	const ours = module + "/internal/"
	checkEach(t, map[string]broken{
		"config is read in a flow": {
			map[string]string{"internal/flow/issue/a_test.go": source("issue", "none", "internal/config")},
			[]string{
				"bands: internal/flow/issue imports " + ours + "config",
				"importers: internal/flow/issue imports " + ours + "config",
			},
		},
		"app is imported": {
			map[string]string{"e2e/a_test.go": source("e2e", "none", "internal/app")},
			[]string{"bands: e2e imports " + ours + "app", "importers: e2e imports " + ours + "app"},
		},
		"an end-to-end test uses test support": {
			map[string]string{"e2e/a_test.go": source("e2e", "none", "internal/platform/db/dbtest")}, nil,
		},
		"the rules are imported": {
			map[string]string{
				"internal/archtest/a.go": source("archtest", ""),
				"internal/app/a.go":      source("app", "", "internal/archtest"),
			},
			[]string{"importers: internal/app imports " + ours + "archtest"},
		},
	})
}

func TestReach_FollowsOurOwnPackages(t *testing.T) {
	files := map[string]string{
		"internal/platform/outbound/a.go": source("outbound", "", "net/http"),
		"internal/platform/logx/a.go":     source("logx", "", "internal/platform/outbound"),
		"internal/core/webhook/a.go":      source("webhook", "", "internal/platform/logx"),
		"internal/flow/link/a.go":         source("link", "", "internal/core/webhook"),
		"internal/surface/api/a.go":       source("api", "", "internal/flow/link"),
	}
	want := []string{"reach: internal/core/webhook reaches net/http", "reach: internal/flow/link reaches net/http"}
	if diff := cmp.Diff(want, problems(t, files)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestHTTPAndSQL_StayApart(t *testing.T) {
	checkEach(t, map[string]broken{
		"database/sql and HTTP": {
			map[string]string{"internal/platform/db/a.go": source("db", "", "net/http")},
			[]string{
				"http and sql: internal/platform/db",
				"reach: internal/core/audit reaches net/http", "reach: internal/core/session reaches net/http",
				"reach: internal/flow/issue reaches net/http", "reach: internal/flow/signin reaches net/http",
			},
		},
		"our database and HTTP": {
			map[string]string{"internal/server/a.go": source("server", "", "internal/platform/db")},
			[]string{"http and sql: internal/server"},
		},
	})
}

func TestModules_HaveTheirPlaces(t *testing.T) {
	checkEach(t, map[string]broken{
		"one that nobody let in": {
			map[string]string{"internal/app/a.go": source("app", "", "github.com/example/framework")},
			[]string{"modules: internal/app imports github.com/example/framework"},
		},
		"one outside of its place": {
			map[string]string{"internal/core/session/a.go": source("session", "", "github.com/jackc/pgx/v5/pgconn")},
			[]string{"modules: internal/core/session imports github.com/jackc/pgx/v5/pgconn"},
		},
		"one for tests in the product": {
			map[string]string{"internal/app/a.go": source("app", "", "pgregory.net/rapid")},
			[]string{"modules: internal/app imports pgregory.net/rapid"},
		},
		"one for tests in a test": {
			map[string]string{"internal/app/a_test.go": source("app", "none", "pgregory.net/rapid")}, nil,
		},
	})
}

func TestWords_HaveTheirPlaces(t *testing.T) {
	body := func(imports []string, line string) string {
		return source("session", "", imports...) + "\nfunc f() {\n\t" + line + "\n}\n"
	}
	const file = "internal/core/session/a.go"
	cases := map[string]broken{}
	for _, c := range []struct{ path, line, key string }{
		{"time", "_ = time.Now()", "time.Now"},
		{"time", "_ = time.Since(x)", "time.Since"},
		{"time", "f := time.Until; f(x)", "time.Until"},
		{"time", "time.Sleep(1)", "time.Sleep"},
		{"context", "_ = context.Background()", "context.Background"},
		{"context", "_ = context.TODO()", "context.TODO"},
		{"os", `_ = os.Getenv("X")`, "os.Getenv"},
		{"os", "os.Exit(1)", "os.Exit"},
		{"math/rand", "", "math/rand"},
		{"math/rand/v2", "_ = rand.N(3)", "math/rand/v2"},
		{"log", `log.Print("x")`, "log"},
	} {
		cases[c.path+" "+c.line] = broken{
			map[string]string{file: body([]string{c.path}, c.line)}, []string{"words: " + file + " " + c.key},
		}
	}
	cases["under another name"] = broken{
		map[string]string{file: "// Package session is one.\npackage session\n\nimport t \"time\"\n\nvar now = t.Now\n"},
		[]string{"words: " + file + " t.Now"},
	}
	cases["in a test"] = broken{
		map[string]string{"internal/core/session/b_test.go": body([]string{"time"}, "_ = time.Now()")}, nil,
	}
	cases["what is allowed of the same package"] = broken{
		map[string]string{file: body([]string{"time"}, "_ = time.Second")}, nil,
	}
	checkEach(t, cases)
}

func TestWriteTransactions_AreOpenedByFew(t *testing.T) {
	open := func(name, line string) string {
		return source(name, "", "internal/platform/db") + "\nfunc f() {\n\t" + line + "\n}\n"
	}
	checkEach(t, map[string]broken{
		"Write in a flow": {
			map[string]string{"internal/flow/signin/a.go": open("signin", "db.Write(ctx, d, g)")},
			[]string{"write transactions: internal/flow/signin/a.go"},
		},
		"Once with its type in a core package": {
			map[string]string{"internal/core/session/a.go": open("session", "db.Once[int](ctx, d, now, g)")},
			[]string{"write transactions: internal/core/session/a.go"},
		},
		"Write as a value": {
			map[string]string{"internal/core/session/a.go": open("session", "w := db.Write[int]; w(ctx, d, g)")},
			[]string{"write transactions: internal/core/session/a.go"},
		},
		"Write in core/audit": {
			map[string]string{"internal/core/audit/a.go": open("audit", "db.Write(ctx, d, g)")}, nil,
		},
		"reading": {
			map[string]string{"internal/flow/signin/a.go": open("signin", "_ = db.ErrNoRows")}, nil,
		},
	})
}

func TestExceptions_AllowOneThingAndMustBeUsed(t *testing.T) {
	files := map[string]string{
		"internal/core/session/a.go": source("session", "", "time") + "\nvar a, b = time.Now, time.Sleep\n",
	}
	allow := Exception{"words", "internal/core/session/a.go time.Now", "a reason"}
	want := []string{"words: internal/core/session/a.go time.Sleep"}
	if diff := cmp.Diff(want, problems(t, files, allow)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for name, e := range map[string]Exception{
		"without use":    {"words", "internal/core/session/gone.go time.Now", "a reason"},
		"without reason": {"words", "internal/core/session/a.go time.Now", " "},
	} {
		if got := problems(t, files, e); !slices.Contains(got, "exceptions: "+e.Key) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
