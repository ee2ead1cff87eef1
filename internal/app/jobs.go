package app

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Ticker is the clockwork of a job: time.Ticker in production, a hand in tests.
type Ticker interface {
	C() <-chan time.Time
	Stop()
}

type realTicker struct{ *time.Ticker }

func (t realTicker) C() <-chan time.Time { return t.Ticker.C }

func realTicks(every time.Duration) Ticker { return realTicker{time.NewTicker(every)} }

// How often the jobs run.
const (
	everyCleanup = time.Minute
	everyKeys    = time.Minute
)

// Jobs runs what happens without a request until ctx ends, and returns when all of it has stopped. A failure is logged
// and tried again at the next tick.
func (a *App) Jobs(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { a.Ring.Run(ctx) })
	for _, job := range []struct {
		name  string
		every time.Duration
		run   func(context.Context) error
	}{
		{"rotate signing keys", everyKeys, func(ctx context.Context) error { return a.Keys.Scheduled(ctx, system) }},
		{"delete expired sessions", everyCleanup, func(ctx context.Context) error {
			_, err := a.Upkeep.Sessions(ctx)
			return err
		}},
	} {
		wg.Go(func() { a.repeat(ctx, job.name, job.every, job.run) })
	}
	wg.Wait()
}

func (a *App) repeat(ctx context.Context, name string, every time.Duration, run func(context.Context) error) {
	ticker := a.ticks(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
			if err := run(ctx); err != nil && ctx.Err() == nil {
				a.Logger.WarnContext(ctx, "job failed", slog.String("job", name), slog.String("cause", err.Error()))
			}
		}
	}
}
