package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func TestMigrate_TellsWhatIsPendingAppliesItAndIsDone(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		dbtest.Open(t, secret.New(s.databaseURL()), db.Options{}) // makes SQLite's file
		before := decode[schema](t, s.ok(t, "migrate", "status", "--json"))
		if before.Schema != 0 || before.Pending == 0 || before.Pending != len(before.Migrations) ||
			before.Migrations[0].AppliedAt != nil || !before.Migrations[0].Known {
			t.Errorf("before: %+v", before)
		}
		contains(t, s.ok(t, "migrate", "status"), "VERSION", "foundation", "pending",
			"migrations are pending: durward migrate up")

		up := s.run(t, "migrate", "up")
		contains(t, up.err, "migration 1 (foundation) applied\n", "migration 2 (touch_users) applied\n")
		contains(t, up.out, fmt.Sprintf("The database is at schema %d. %[1]d migrations were applied.", before.Pending))
		contains(t, s.ok(t, "migrate", "up"),
			fmt.Sprintf("The database is at schema %d already. Nothing was applied.", before.Pending))

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
		if r.code != exitDone || r.err != "" || first.Schema < 2 || int64(len(first.Applied)) != first.Schema ||
			first.Applied[0].Name != "foundation" || first.Applied[0].AppliedAt == nil {
			t.Errorf("exit code %d, %q, %+v", r.code, r.err, first)
		}
		again := decode[upgraded](t, s.ok(t, "migrate", "up", "--json"))
		if again.Schema != first.Schema || again.Applied == nil || len(again.Applied) != 0 {
			t.Errorf("the second time: %+v", again)
		}
	})
}

func TestCommands_OfAnOlderReleaseLeaveANewerDatabaseAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		d := dbtest.Open(t, secret.New(s.databaseURL()), db.Options{})
		newest := decode[schema](t, s.ok(t, "migrate", "status", "--json")).Schema
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `INSERT INTO schema_migrations (version, name, works_with, checksum)
				VALUES ($1, 'later', $1, 'x')`, newest+1)
		})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s.run(t, "user", "list"), exitFailed, fmt.Sprint("knows schema ", newest+1),
			fmt.Sprint("this one knows ", newest))
		refused(t, s.run(t, "user", "grant", "alice", "admin"), exitFailed, fmt.Sprint("schema ", newest+1))
		contains(t, s.ok(t, "migrate", "status"), "later", "by a newer release")
	})
}
