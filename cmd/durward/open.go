package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/errs"
)

// operator is the actor of everything that is done at the command line.
var operator = ident.Actor{Kind: ident.ActorOperator}

// reading runs fn on the database as it is. Nothing is made or migrated: a look must not change what it looks at.
func (c *call) reading(ctx context.Context, fn func(ctx context.Context, d *db.DB) error) error {
	return c.onDatabase(ctx, app.Options{}, func(ctx context.Context, d *db.DB) error {
		if err := fits(ctx, d); err != nil {
			return err
		}
		return fn(ctx, d)
	})
}

// onDatabase runs fn on a database that is there, whatever its schema.
func (c *call) onDatabase(ctx context.Context, o app.Options, fn func(ctx context.Context, d *db.DB) error) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if err := mustExist(cfg); err != nil {
		return err
	}
	return opened(ctx, cfg, o, fn)
}

func opened(ctx context.Context, cfg *config.Config, o app.Options, fn func(context.Context, *db.DB) error) error {
	d, err := app.OpenDatabase(ctx, cfg, o)
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, d), d.Close())
}

// changing runs fn on the whole application without its listeners and jobs, on a database that is there. Like a start
// of the server it applies the migrations that the database lacks.
func (c *call) changing(ctx context.Context, fn func(ctx context.Context, a *app.App) error) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if err := mustExist(cfg); err != nil {
		return err
	}
	return c.withApp(ctx, cfg, fn)
}

func (c *call) withApp(ctx context.Context, cfg *config.Config, fn func(ctx context.Context, a *app.App) error) error {
	a, err := app.Open(ctx, cfg, app.Options{Progress: c.tellMigration})
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, a), a.Close())
}

// tellMigration says that a migration is applied, as it happens and beside the answer.
func (c *call) tellMigration(m db.MigrationStatus) {
	if !c.json {
		fmt.Fprintf(c.stderr, "migration %d (%s) applied\n", m.Version, m.Name)
	}
}

// mustExist keeps a command in the wrong folder from making a database there.
func mustExist(cfg *config.Config) error {
	path := cfg.SQLitePath()
	if path == "" || exists(path) {
		return nil
	}
	return errs.New(errs.NotFound, "no_database", "There is no database at "+path+". Run this in the folder that the "+
		"server was started in, or name the server's database with --database-url, DURWARD_DATABASE_URL or --config.")
}

// fits tells whether this program may read the database.
func fits(ctx context.Context, d *db.DB) error {
	all, err := d.Status(ctx)
	if err != nil {
		return err
	}
	s := newSchema(all)
	switch {
	case s.needs > s.knows:
		return fmt.Errorf("%w: it needs a release that knows schema %d, and this one knows %d: "+
			"use the release that the server runs", db.ErrSchema, s.needs, s.knows)
	case s.Pending > 0:
		return fmt.Errorf("the database lacks %d of this release's migrations: apply them with durward migrate up, "+
			"or start the server", s.Pending)
	}
	return nil
}

// exists tells whether there is a file; one that cannot be looked at counts as there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
