package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"

	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/server"
	"github.com/durwardhq/durward/internal/surface/accountapi"
	"github.com/durwardhq/durward/internal/surface/ops"
	"github.com/durwardhq/durward/internal/surface/reference"
	"github.com/durwardhq/durward/internal/surface/web"
	"github.com/durwardhq/durward/internal/surface/wellknown"
)

// Running tells where a server can be reached once it answers.
type Running struct {
	App       *App
	PublicURL string
	Listen    string // host:port, with the real port where port 0 was asked for
	Ops       string // empty when it is off
}

// Serve runs the whole server until ctx ends: it binds the addresses, opens the App, tells ready, answers, and stops
// gracefully. It returns nil after a graceful stop.
func Serve(ctx context.Context, cfg *config.Config, o Options, ready func(Running)) error {
	o = o.withDefaults()
	listeners, err := server.Listen(ctx, server.Addresses{Public: cfg.Listen, Ops: cfg.OpsListen})
	if err != nil {
		return err
	}
	if cfg.PublicURLFollowsListen {
		cfg.PublicURL = followListener(listeners.Public)
	}
	a, err := Open(ctx, cfg, o)
	if err != nil {
		return errors.Join(err, listeners.Close())
	}
	keepProcessors(a.Hasher.Stats().Workers)
	if o.Prepare != nil {
		err = o.Prepare(ctx, a)
	}
	var handlers server.Handlers
	if err == nil {
		handlers, err = a.Handlers(o)
	}
	if err != nil {
		return errors.Join(err, listeners.Close(), a.Close())
	}
	jobs, stopJobs := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { a.Jobs(jobs) })
	if ready != nil {
		ready(a.running(listeners))
	}
	err = server.Serve(ctx, listeners, handlers, cfg.ShutdownTimeout, o.Logger)
	stopJobs()
	running.Wait()
	return errors.Join(err, a.Close())
}

// processors is how many threads Go runs at once by its own choice.
var processors = runtime.GOMAXPROCS(0)

// keepProcessors gives Go a thread more for each worker that hashes. Otherwise the workers would hold all of them for
// tens of milliseconds at a time, and every step of every other request would wait for one of these slices to end. So
// it is the system that shares the processors out, which lets whoever has just woken up go first.
func keepProcessors(workers int) { runtime.GOMAXPROCS(processors + workers) }

// followListener is the public URL of a development server that was not told another.
func followListener(l net.Listener) string {
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "http://" + l.Addr().String()
	}
	return "http://localhost:" + port
}

func (a *App) running(l server.Listeners) Running {
	r := Running{App: a, PublicURL: a.Config.PublicURL, Listen: l.Public.Addr().String()}
	if l.Ops != nil {
		r.Ops = l.Ops.Addr().String()
	}
	return r
}

// Handlers builds what answers on both listeners.
func (a *App) Handlers(o Options) (server.Handlers, error) {
	o = o.withDefaults()
	metrics, registry := a.metrics()
	surfaces := server.Surfaces{
		Account:   &accountapi.API{Signup: a.Signup, Signin: a.Signin, Session: a.Session},
		WellKnown: &wellknown.Documents{Keys: a.Ring},
		Ready:     ops.Readyz(o.Clock, a.checks()...),
		Metrics:   ops.Metrics(registry),
	}
	routes, err := server.Public(surfaces, reference.Info{Title: "Durward", PublicURL: a.Config.PublicURL, Version: Version()})
	if err != nil {
		return server.Handlers{}, fmt.Errorf("describe the routes: %w", err)
	}
	kit := web.Kit{Logger: a.Logger, Clock: o.Clock, TrustedProxies: a.Config.TrustedProxies, Metrics: metrics}
	var public, operations http.Handler = web.NewHandler(kit, routes), web.NewHandler(kit, server.Operations(surfaces))
	return server.Handlers{Public: public, Ops: operations}, nil
}

// checks are what /readyz asks.
func (a *App) checks() []ops.Check {
	signs := func(context.Context) error {
		_, err := a.Ring.Signer()
		return err
	}
	return []ops.Check{{Name: "database", Run: a.DB.Ping}, {Name: "keys", Run: signs}}
}
