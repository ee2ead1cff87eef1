package main

import (
	"context"
	"testing"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func TestMigrate_TellsWhatIsPendingAppliesItAndIsDone(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		dbtest.Open(t, secret.New(environment(s.env)["DURWARD_DATABASE_URL"]), db.Options{}) // makes SQLite's file
		before := decode[schema](t, s.ok(t, "migrate", "status", "--json"))
		if before.Schema != 0 || before.Pending == 0 || before.Pending != len(before.Migrations) ||
			before.Migrations[0].AppliedAt != nil || !before.Migrations[0].Known {
			t.Errorf("before: %+v", before)
		}
		contains(t, s.ok(t, "migrate", "status"), "VERSION", "foundation", "pending", "migrations are pending: durward migrate up")

		up := s.run(t, "migrate", "up")
		contains(t, up.err, "migration 1 (foundation) applied\n", "migration 2 (touch_users) applied\n")
		contains(t, up.out, "The database is at schema 2. 2 migrations were applied.")
		contains(t, s.ok(t, "migrate", "up"), "The database is at schema 2 already. Nothing was applied.")

		after := decode[schema](t, s.ok(t, "migrate", "status", "--json"))
		if after.Pending != 0 || after.Schema != int64(before.Pending) || after.Migrations[0].AppliedAt == nil {
			t.Errorf("after: %+v", after)
		}
		contains(t, s.ok(t, "migrate", "status"), "Nothing is pending.")
	})
}

func TestMigrateUp_TellsProgramsWhatItApplied(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		r := s.run(t, "migrate", "up", "--json")
		first := decode[upgraded](t, r.out)
		if r.code != exitDone || r.err != "" || first.Schema != 2 || len(first.Applied) != 2 || first.Applied[0].Name != "foundation" ||
			first.Applied[0].AppliedAt == nil {
			t.Errorf("exit code %d, %q, %+v", r.code, r.err, first)
		}
		again := decode[upgraded](t, s.ok(t, "migrate", "up", "--json"))
		if again.Schema != 2 || again.Applied == nil || len(again.Applied) != 0 {
			t.Errorf("the second time: %+v", again)
		}
	})
}

func TestCommands_OfAnOlderReleaseLeaveANewerDatabaseAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		d := dbtest.Open(t, secret.New(environment(s.env)["DURWARD_DATABASE_URL"]), db.Options{})
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `INSERT INTO schema_migrations (version, name, works_with, checksum) VALUES (3, 'later', 3, 'x')`)
		})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s.run(t, "user", "list"), exitFailed, "knows schema 3", "this one knows 2")
		refused(t, s.run(t, "user", "grant", "alice", "admin"), exitFailed, "schema 3")
		contains(t, s.ok(t, "migrate", "status"), "later", "by a newer release")
	})
}
