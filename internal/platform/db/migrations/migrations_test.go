package migrations_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/durwardhq/durward/internal/platform/db/migrations"
)

var engines = []string{"sqlite", "postgres"}

// set is a set of migrations: the n-th text makes the file of version n.
func set(texts ...string) fs.FS {
	files := fstest.MapFS{}
	for i, text := range texts {
		files[fmt.Sprintf("%04d_step.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// step is a migration that makes one table.
func step(n, worksWith int) string {
	return fmt.Sprintf("-- works-with: %d\nCREATE TABLE step_%d (id {{identity}});\n", worksWith, n)
}

func TestMigrations_OfThisBinaryAreInOrderForBothEngines(t *testing.T) {
	var names [2][]string
	for e, engine := range engines {
		all, err := migrations.Load(migrations.Files, engine)
		if err != nil || len(all) == 0 {
			t.Errorf("%s: %d migrations, %v", engine, len(all), err)
		}
		for i, m := range all {
			if strings.Contains(m.Script, "{{") {
				t.Errorf("%s: migration %d has a token left", engine, i+1)
			}
			names[e] = append(names[e], fmt.Sprint(m.Version, m.Name, m.WorksWith))
		}
	}
	if !slices.Equal(names[0], names[1]) {
		t.Errorf("the engines have different migrations: %v and %v", names[0], names[1])
	}
}

func TestMigrations_ThatBreakARuleAreRefused(t *testing.T) {
	good := step(1, 1)
	for name, c := range map[string]struct {
		files fs.FS
		want  string
	}{
		"no header":              {set("CREATE TABLE a (id {{identity}});"), "`-- works-with: N` is missing"},
		"header after statement": {set("CREATE TABLE a (id {{identity}});\n-- works-with: 1\n"), "is missing"},
		"header without number":  {set("-- works-with: all\nSELECT 1;"), "is missing"},
		"header of nought":       {set("-- works-with: 0\nSELECT 1;"), "is missing"},
		"header above version":   {set("-- works-with: 2\nSELECT 1;"), "above its own version"},
		"header that falls":      {set(good, step(2, 2), step(3, 1)), "it cannot fall"},
		"unknown token":          {set("-- works-with: 1\nCREATE TABLE a (id {{uuid}});"), "unknown token {{uuid}}"},
		"token not closed":       {set("-- works-with: 1\nCREATE TABLE a (id {{identity);"), "without its `}}`"},
		"a gap":                  {fstest.MapFS{"0002_x.sql": {Data: []byte(good)}}, "missing or there twice"},
		"a version twice": {fstest.MapFS{"0001_x.sql": {Data: []byte(good)},
			"0001_y.sqlite.sql": {Data: []byte(good)}, "0001_z.postgres.sql": {Data: []byte(good)}},
			"missing or there twice"},
		"one engine alone": {fstest.MapFS{"0001_x.sqlite.sql": {Data: []byte(good)},
			"0002_y.postgres.sql": {Data: []byte(good)}}, ""},
		"a bad name":       {fstest.MapFS{"1_x.sql": {Data: []byte(good)}}, "NNNN_name.sql"},
		"a foreign engine": {fstest.MapFS{"0001_x.mysql.sql": {Data: []byte(good)}}, "NNNN_name.sql"},
	} {
		refused := 0
		for _, engine := range engines {
			if _, err := migrations.Load(c.files, engine); err != nil && strings.Contains(err.Error(), c.want) {
				refused++
			}
		}
		if want := map[bool]int{true: 1, false: 2}[c.want == ""]; refused != want {
			t.Errorf("%s: refused for %d engines, want %d", name, refused, want)
		}
	}
}

func TestMigrations_TokensAreWrittenOutForEachEngine(t *testing.T) {
	text := "-- works-with: 1\n{{identity}}|{{time}}|{{now}}|{{bytes}}|{{updated in place}}"
	for engine, want := range map[string]string{
		"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT|DATETIME|(strftime('%Y-%m-%d %H:%M:%f000', 'now'))|BLOB|",
		"postgres": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY|TIMESTAMPTZ|CURRENT_TIMESTAMP|BYTEA|" +
			"WITH (fillfactor = 80)",
	} {
		got, err := migrations.Load(set(text), engine)
		if err != nil || got[0].Script != "-- works-with: 1\n"+want {
			t.Errorf("%s: got %+v, %v", engine, got, err)
		}
	}
}
