package archtest

import "testing"

func TestPackageComments_AreThere(t *testing.T) {
	checkEach(t, map[string]broken{
		"none": {
			map[string]string{"internal/core/role/a.go": "package role\n"}, []string{"package comment: internal/core/role"},
		},
		"another form": {
			map[string]string{"internal/core/role/a.go": source("role", "Roles are here.")},
			[]string{"package comment: internal/core/role"},
		},
		"of a command": {
			map[string]string{"cmd/other/main.go": source("main", "Command something does.")},
			[]string{"package comment: cmd/other"},
		},
		"in one file of two": {
			map[string]string{"internal/core/session/b.go": "package session\n"}, nil,
		},
		"tests alone": {
			map[string]string{"e2e/a_test.go": "package e2e\n"}, nil,
		},
	})
}

func TestNothing_IsLeftOpen(t *testing.T) {
	const file = "internal/core/session/b.go"
	bad := []string{"left open: " + file}
	checkEach(t, map[string]broken{
		"to do":         {map[string]string{file: "package session\n\n// TO" + "DO: more\n"}, bad},
		"to mend":       {map[string]string{file: "package session\n\nvar x = 1 // FIX" + "ME\n"}, bad},
		"in a block":    {map[string]string{file: "package session\n\n/*\nXX" + "X\n*/\n"}, bad},
		"a longer word": {map[string]string{file: "package session\n\n// MASTO" + "DONT and HA" + "CKNEY\n"}, nil},
	})
}

func TestTests_AreNotSkipped(t *testing.T) {
	const file = "internal/core/session/b_test.go"
	body := func(line string) map[string]string {
		return map[string]string{file: "package session\n\nfunc TestX(t *testing.T) {\n\t" + line + "\n}\n"}
	}
	bad := []string{"skipped test: " + file + " TestX"}
	checkEach(t, map[string]broken{
		"Skip":               {body(`t.Skip("no database")`), bad},
		"Skipf":              {body(`if x { t.Skipf("%d", 1) }`), bad},
		"SkipNow in a sub":   {body(`t.Run("x", func(t *testing.T) { t.SkipNow() })`), bad},
		"testing.Short":      {body(`if testing.Short() { return }`), bad},
		"a drawn value":      {body(`rapid.Check(t, func(t *rapid.T) { t.Skip("draw again") })`), nil},
		"beside a draw":      {body(`rapid.Check(t, func(r *rapid.T) { t.Skip("no") })`), bad},
		"another thing's":    {body(`reader.Skip(3)`), nil},
		"a test's own value": {body(`t.Log("Skip")`), nil},
		"in test support": {
			map[string]string{"internal/platform/db/dbtest/b.go": "package dbtest\n\nfunc Each(t *testing.T) { t.Skip() }\n"},
			[]string{"skipped test: internal/platform/db/dbtest/b.go Each"},
		},
	})
}

func TestDependencies_AreListed(t *testing.T) {
	mod := "module github.com/durwardhq/durward\n\nrequire github.com/jackc/pgx/v5 v5.12.0\n\nrequire (\n" +
		"\t// a comment\n\tgithub.com/example/new v1.0.0\n\tgithub.com/example/deep v1.0.0 // indirect\n)\n"
	checkEach(t, map[string]broken{
		"one without a row": {
			map[string]string{"go.mod": mod}, []string{"dependencies: github.com/example/new"},
		},
		"one without a row in a nested module": {
			map[string]string{"e2e/go.mod": "module x\nrequire github.com/example/browser v1.0.0\n"},
			[]string{"dependencies: github.com/example/browser"},
		},
		"our own in a nested module": {
			map[string]string{"e2e/go.mod": "module x\nrequire github.com/durwardhq/durward v0.0.0\n"}, nil,
		},
		"a row without one": {
			map[string]string{"go.mod": "module github.com/durwardhq/durward\n"},
			[]string{"dependencies: github.com/jackc/pgx/v5"},
		},
	})
}
