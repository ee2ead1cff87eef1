package db_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

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

// empty runs fn on a database of each engine that has no table.
func empty(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { fn(t, dbtest.Open(t, dbtest.EmptyURL(t, engine), db.Options{})) })
	}
}

func TestMigrate_LineEndsOfAnotherSystemDoNotChangeTheChecksum(t *testing.T) {
	d := dbtest.Open(t, dbtest.EmptyURL(t, db.SQLite), db.Options{})
	must(t, d.MigrateFrom(t.Context(), set(step(1, 1))))
	must(t, d.MigrateFrom(t.Context(), set(strings.ReplaceAll(step(1, 1), "\n", "\r\n"))))
}

func TestMigrate_AppliesWhatIsPendingAndTellsOfIt(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			var told []db.MigrationStatus
			var statements []string
			d := dbtest.Open(t, dbtest.EmptyURL(t, engine), db.Options{
				Progress: func(s db.MigrationStatus) { told = append(told, s) },
				Observe:  func(sql string) { statements = append(statements, sql) },
			})
			before, err := d.Status(t.Context())
			must(t, err)
			must(t, d.Migrate(t.Context()))
			after, err := d.Status(t.Context())
			must(t, err)
			if len(before) == 0 || len(before) != len(after) || len(told) != len(after) {
				t.Fatalf("%d known, %d told, %d applied", len(before), len(told), len(after))
			}
			for i, s := range after {
				if before[i].AppliedAt != nil || s.AppliedAt == nil || told[i].AppliedAt == nil || !s.Known ||
					s.Version != int64(i+1) || s.Name == "" || s.WorksWith < 1 || s.Name != told[i].Name {
					t.Errorf("migration %d: before %+v, told %+v, after %+v", i+1, before[i], told[i], s)
				}
			}
			told = nil
			must(t, d.Migrate(t.Context()))
			if len(told) != 0 {
				t.Errorf("the second time told %+v", told)
			}
		})
	}
}

func TestMigrate_EightAtOnceOnAnEmptyDatabaseAllSucceed(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			url := dbtest.EmptyURL(t, engine)
			applied := make(chan db.MigrationStatus, 100)
			done := make(chan error)
			handles := []*db.DB{}
			for range 8 { // each a handle of its own, as eight processes would have
				handles = append(handles, dbtest.Open(t, url, db.Options{
					MaxConns: 1, Progress: func(s db.MigrationStatus) { applied <- s }}))
			}
			for _, d := range handles {
				go func() { done <- d.Migrate(t.Context()) }()
			}
			for range handles {
				must(t, receive(t, done))
			}
			status, err := handles[0].Status(t.Context())
			must(t, err)
			if len(applied) != len(status) {
				t.Errorf("%d migrations were applied, want each of %d once", len(applied), len(status))
			}
			var roles int64
			must(t, handles[7].QueryRow(t.Context(), `SELECT count(name) FROM roles`).Scan(&roles))
			if roles != 3 {
				t.Errorf("%d roles, want 3", roles)
			}
		})
	}
}

func TestMigrate_TwoAtOnceThroughOneHandleBothSucceed(t *testing.T) {
	empty(t, func(t *testing.T, d *db.DB) {
		done := make(chan error)
		for range 2 {
			go func() { done <- d.Migrate(t.Context()) }()
		}
		must(t, receive(t, done))
		must(t, receive(t, done))
	})
}

func TestMigrate_AFailureLeavesWhatWasBeforeIt(t *testing.T) {
	empty(t, func(t *testing.T, d *db.DB) {
		broken := "-- works-with: 1\nCREATE TABLE half (id {{identity}});\nCREATE TABLE nonsense (;\n"
		err := d.MigrateFrom(t.Context(), set(step(1, 1), broken))
		if err == nil || !strings.Contains(err.Error(), "migration 2 (step)") {
			t.Fatalf("got %v, want an error that names migration 2", err)
		}
		if err := d.QueryRow(t.Context(), `SELECT count(id) FROM half`).Scan(new(int64)); err == nil {
			t.Error("half of the migration stayed")
		}
		must(t, d.MigrateFrom(t.Context(), set(step(1, 1), step(2, 1))))
	})
}

func TestMigrate_ThatLeavesABrokenReferenceIsUndone(t *testing.T) {
	empty(t, func(t *testing.T, d *db.DB) {
		parent := "-- works-with: 1\nCREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY);\n" +
			"CREATE TABLE child (id BIGINT NOT NULL PRIMARY KEY, parent BIGINT NOT NULL REFERENCES parent (id));\n"
		broken := "-- works-with: 1\nINSERT INTO child (id, parent) VALUES (1, 99);\n"
		if err := d.MigrateFrom(t.Context(), set(parent, broken)); err == nil {
			t.Fatal("a broken reference was committed")
		}
		var n int64
		must(t, d.QueryRow(t.Context(), `SELECT count(id) FROM child`).Scan(&n))
		if n != 0 {
			t.Errorf("%d rows stayed", n)
		}
	})
}

func TestMigrate_EndsWithItsContext(t *testing.T) {
	empty(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.Migrate(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

// The set that an older and a newer binary know, and what the database looks like between them.
func TestMigrate_OlderAndNewerBinaries(t *testing.T) {
	one, two := step(1, 1), step(2, 1)
	for name, c := range map[string]struct {
		applied fs.FS  // by the release before
		tamper  string // with what that release recorded
		known   fs.FS  // to this binary
		want    string // in the refusal; empty when the binary may run
	}{
		"the same":                            {applied: set(one, two), known: set(one, two)},
		"an older database":                   {applied: set(one), known: set(one, two)},
		"a newer one that works with us":      {applied: set(one, two, step(3, 2)), known: set(one, two)},
		"a much newer one that works with us": {applied: set(one, two, step(3, 2), step(4, 2)), known: set(one, two)},
		"a newer one that does not": {
			applied: set(one, two, step(3, 3)), known: set(one, two),
			want: "is at schema 3, which needs a binary that knows schema 3; this one knows 2",
		},
		"one of the newer ones does not": {
			applied: set(one, two, step(3, 2), step(4, 4)), known: set(one, two),
			want: "is at schema 4, which needs a binary that knows schema 4; this one knows 2",
		},
		"a record is missing": {
			applied: set(one, two), tamper: `DELETE FROM schema_migrations WHERE version = 1`, known: set(one, two),
			want: "the record of migration 1 is missing; the database is at schema 2, this binary knows 2",
		},
		"a newer record is missing": {
			applied: set(one, two, step(3, 2), step(4, 2)), known: set(one, two),
			tamper: `DELETE FROM schema_migrations WHERE version = 3`,
			want:   "the record of migration 3 is missing; the database is at schema 4, this binary knows 2",
		},
		"a record cannot be read": {
			applied: set(one, two), known: set(one, two),
			tamper: `UPDATE schema_migrations SET works_with = 0 WHERE version = 2`,
			want:   "the record of migration 2 cannot be read; the database is at schema 2, this binary knows 2",
		},
		"a newer record cannot be read": {
			applied: set(one, two, step(3, 2)), known: set(one, two),
			tamper: `UPDATE schema_migrations SET works_with = 99 WHERE version = 3`,
			want:   "the record of migration 3 cannot be read; the database is at schema 3, this binary knows 2",
		},
		"an applied migration was changed": {
			applied: set(one, two), known: set(one, two+"-- changed\n"),
			want: "migration 2 (step) was applied with other contents",
		},
		"a migration was put in between": {
			applied: set(one, two), known: set(one, "-- works-with: 1\nSELECT 1;\n", two),
			want: "migration 2 (step) was applied with other contents",
		},
		"no record, but tables": {
			applied: set(one), tamper: `DELETE FROM schema_migrations`, known: set(one, two),
			want: "the database is at schema 0, this binary knows 2",
		},
		"no table of records, but tables": {
			applied: set(one), tamper: `DROP TABLE schema_migrations`, known: set(one, two),
			want: "makes what is there already",
		},
	} {
		t.Run(name, func(t *testing.T) {
			empty(t, func(t *testing.T, d *db.DB) {
				must(t, d.MigrateFrom(t.Context(), c.applied))
				if c.tamper != "" {
					must(t, execute(t.Context(), d, c.tamper))
				}
				err := d.MigrateFrom(t.Context(), c.known)
				switch {
				case c.want == "" && err != nil:
					t.Errorf("refused: %v", err)
				case c.want != "" && (!errors.Is(err, db.ErrSchema) || !strings.Contains(err.Error(), c.want)):
					t.Errorf("got %v, want a refusal with %q", err, c.want)
				}
			})
		})
	}
}

func TestStatus_ShowsWhatANewerReleaseApplied(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{})
		must(t, execute(t.Context(), d, `INSERT INTO schema_migrations (version, name, works_with, checksum)
			VALUES (9, 'later', 2, 'x')`))
		status, err := d.Status(t.Context())
		must(t, err)
		last := status[len(status)-1]
		if last.Version != 9 || last.Name != "later" || last.WorksWith != 2 || last.Known || last.AppliedAt == nil {
			t.Errorf("the last is %+v", last)
		}
	})
}

func TestMigrate_AMigratedDatabaseCostsOneRead(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		var seen []string
		d := dbtest.Open(t, url, db.Options{Observe: func(sql string) { seen = append(seen, sql) }})
		must(t, d.Migrate(t.Context()))
		if len(seen) != 1 || !strings.HasPrefix(seen[0], "SELECT version") {
			t.Errorf("it cost %q", seen)
		}
		if d.Engine() == db.SQLite && d.Stats().Groups != 0 {
			t.Error("it wrote")
		}
	})
}

func TestSchemaDigest_TellsTheEnginesApart(t *testing.T) {
	var digests []string
	for _, engine := range dbtest.Engines {
		digest, err := db.SchemaDigest(engine)
		must(t, err)
		digests = append(digests, digest)
	}
	if len(digests[0]) != 64 || slices.Contains(digests[1:], digests[0]) {
		t.Errorf("the digests are %q", digests)
	}
}
