package main

import (
	"context"
	"log/slog"

	"github.com/durwardhq/durward/cmd/durward/welcome"
	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/logx"
)

type serveCmd struct{}

// Help is what the help says beyond the flags.
func (serveCmd) Help() string {
	return "It migrates the database, makes the keys that are missing, and answers until the first SIGINT or SIGTERM. " +
		"Requests under way may then finish for as long as shutdown_timeout says; a second signal ends it at once.\n\n" +
		"The settings below are those of the configuration; --NAME-file=PATH reads the value of --NAME from a file."
}

func (serveCmd) examples() []example {
	return []example{
		{"a server to try, with its data in .durward/ of this folder:", "durward serve --dev"},
		{"on another port:", "durward serve --dev --listen 127.0.0.1:8081"},
		{"in production:", "durward serve --config /etc/durward.yaml"},
	}
}

// Run serves until the first signal and then stops gracefully.
func (serveCmd) Run(ctx context.Context, c *call) error {
	cfg, report := config.Load(c.source())
	if err := report.Err(); err != nil {
		return err
	}
	logger := logx.New(c.stderr, logx.Format(cfg.LogFormat), cfg.LogLevel)
	logWarnings(ctx, logger, report)
	found := welcome.Found{Database: exists(cfg.SQLitePath()), MasterKey: exists(cfg.DevMasterKeyFile)}
	start := welcome.Start{Program: c.args[0], Env: c.env, Flags: c.words.settings.given()}
	options := app.Options{
		Logger: logger,
		Progress: func(m db.MigrationStatus) {
			logger.InfoContext(ctx, "migration applied", slog.Int64("version", m.Version), slog.String("name", m.Name))
		},
		Prepare: bootstrap,
	}
	err := app.Serve(ctx, cfg, options, func(r app.Running) {
		logger.InfoContext(ctx, "listening", slog.String("version", app.Version()), slog.String("public_url", r.PublicURL),
			slog.String("listen", r.Listen), slog.String("ops_listen", r.Ops))
		if cfg.Dev {
			welcome.Print(ctx, c.stdout, start, found, r)
		}
	})
	if err == nil {
		logger.InfoContext(ctx, "stopped")
	}
	return err
}

func logWarnings(ctx context.Context, logger *slog.Logger, report *config.Report) {
	for _, w := range report.Warnings {
		logger.WarnContext(ctx, "configuration", slog.String("setting", w.Setting), slog.String("where", w.Where),
			slog.String("expected", w.Expected), slog.String("fix", w.Fix))
	}
}
