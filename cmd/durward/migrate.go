package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/platform/db"
)

type migrateStatusCmd struct{ jsonFlag }

func (migrateStatusCmd) examples() []example {
	return []example{
		{"what an upgrade would apply:", "durward migrate status"},
		{"the same for a program:", "durward migrate status --json"},
	}
}

// schema is the state of a database's migrations as programs read it.
type schema struct {
	Schema     int64             `json:"schema"` // the newest one applied
	Pending    int               `json:"pending"`
	Migrations []migrationStatus `json:"migrations"`

	knows int64 // the newest one of this program
	needs int64 // the oldest schema number that a program must know
}

type migrationStatus struct {
	Version   int64  `json:"version"`
	Name      string `json:"name"`
	WorksWith int64  `json:"works_with"`
	AppliedAt *stamp `json:"applied_at"`
	Known     bool   `json:"known"`
}

func newSchema(all []db.MigrationStatus) schema {
	s := schema{Migrations: []migrationStatus{}}
	for _, m := range all {
		s.Migrations = append(s.Migrations,
			migrationStatus{m.Version, m.Name, m.WorksWith, optional(m.AppliedAt), m.Known})
		if m.Known {
			s.knows = max(s.knows, m.Version)
		}
		if m.AppliedAt == nil {
			s.Pending++
			continue
		}
		s.Schema, s.needs = max(s.Schema, m.Version), max(s.needs, m.WorksWith)
	}
	return s
}

func (migrateStatusCmd) Run(ctx context.Context, c *call) error {
	return c.onDatabase(ctx, app.Options{}, func(ctx context.Context, d *db.DB) error {
		all, err := d.Status(ctx)
		if err != nil {
			return err
		}
		s := newSchema(all)
		return c.answer(s, s.print)
	})
}

func (s schema) print(w io.Writer) {
	var rows [][]string
	for _, m := range s.Migrations {
		applied := m.AppliedAt.String()
		switch {
		case m.AppliedAt == nil:
			applied = "pending"
		case !m.Known:
			applied += " by a newer release"
		}
		rows = append(rows, []string{strconv.FormatInt(m.Version, 10), m.Name, applied})
	}
	table(w, []string{"VERSION", "NAME", "APPLIED"}, rows)
	if s.Pending == 0 {
		fmt.Fprintf(w, "\nThe database is at schema %d. Nothing is pending.\n", s.Schema)
		return
	}
	fmt.Fprintf(w, "\nThe database is at schema %d. %s pending: durward migrate up\n", s.Schema,
		count(s.Pending, "migration is", "migrations are"))
}

type migrateUpCmd struct{ jsonFlag }

func (migrateUpCmd) examples() []example {
	return []example{
		{"before the first instance of a new release starts:", "durward migrate up --config /etc/durward.yaml"},
	}
}

// upgraded is what migrate up did, as programs read it.
type upgraded struct {
	Schema  int64             `json:"schema"`
	Applied []migrationStatus `json:"applied"`
}

// Run makes the database where there is none: that is what it is for.
func (migrateUpCmd) Run(ctx context.Context, c *call) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	done := upgraded{Applied: []migrationStatus{}}
	progress := func(m db.MigrationStatus) {
		c.tellMigration(m)
		done.Applied = append(done.Applied, newSchema([]db.MigrationStatus{m}).Migrations...)
	}
	return opened(ctx, cfg, app.Options{Progress: progress}, func(ctx context.Context, d *db.DB) error {
		if err := d.Migrate(ctx); err != nil {
			return err
		}
		all, err := d.Status(ctx)
		if err != nil {
			return err
		}
		done.Schema = newSchema(all).Schema
		return c.answer(done, done.print)
	})
}

func (u upgraded) print(w io.Writer) {
	if len(u.Applied) == 0 {
		fmt.Fprintf(w, "The database is at schema %d already. Nothing was applied.\n", u.Schema)
		return
	}
	fmt.Fprintf(w, "The database is at schema %d. %s applied.\n", u.Schema,
		count(len(u.Applied), "migration was", "migrations were"))
}

// count writes a number with the word for it.
func count[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
