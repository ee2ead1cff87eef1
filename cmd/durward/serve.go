package main

import (
	"context"
	"log/slog"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/logx"
)

type serveCmd struct{}

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
	found := lookAround(cfg)
	options := app.Options{
		Logger: logger,
		Progress: func(m db.MigrationStatus) {
			logger.InfoContext(ctx, "migration applied", slog.Int64("version", m.Version), slog.String("name", m.Name))
		},
		Prepare: func(ctx context.Context, a *app.App) error { return bootstrap(ctx, a) },
	}
	err := app.Serve(ctx, cfg, options, func(r app.Running) {
		logger.InfoContext(ctx, "listening", slog.String("version", app.Version()), slog.String("public_url", r.PublicURL),
			slog.String("listen", r.Listen), slog.String("ops_listen", r.Ops))
		if cfg.Dev {
			c.welcome(ctx, found, r)
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
