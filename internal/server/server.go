// Package server owns the URL table (routes.go) and the listeners: it binds the addresses, serves both, and stops
// gracefully. What a URL does is the surfaces' matter.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/durwardhq/durward/internal/surface/web"
)

// Listeners are the bound addresses. Ops is nil when it is off.
type Listeners struct{ Public, Ops net.Listener }

// Addresses are what to bind: host:port, and for Ops nothing to leave it off.
type Addresses struct{ Public, Ops string }

// Listen binds the addresses. An error names the setting, the address and what to do.
func Listen(ctx context.Context, a Addresses) (Listeners, error) {
	var l Listeners
	var err, opsErr error
	l.Public, err = bind(ctx, "DURWARD_LISTEN", a.Public)
	if a.Ops != "" {
		l.Ops, opsErr = bind(ctx, "DURWARD_OPS_LISTEN", a.Ops)
	}
	if err = errors.Join(err, opsErr); err != nil { // both are told at once
		return Listeners{}, errors.Join(err, l.Close())
	}
	return l, nil
}

func bind(ctx context.Context, setting, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another program; stop it, or set %s to another address", setting,
			address, setting)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: this user may not listen on %s; set %s to a port above 1023", setting, address, setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s: %s is not an address of this machine; set %s to one that is", setting, address, setting)
	}
	return nil, fmt.Errorf("%s: cannot listen on %s: %w", setting, address, err)
}

// Close closes listeners that nobody serves.
func (l Listeners) Close() error {
	var failures []error
	for _, open := range []net.Listener{l.Public, l.Ops} {
		if open != nil {
			failures = append(failures, open.Close())
		}
	}
	return errors.Join(failures...)
}

// Handlers answer on the listeners.
type Handlers struct{ Public, Ops http.Handler }

// Serve answers requests until ctx ends, then takes no more and lets those under way finish, for at most grace. It
// returns nil after a graceful stop.
func Serve(ctx context.Context, l Listeners, h Handlers, grace time.Duration, logger *slog.Logger) error {
	servers := []*http.Server{web.Server(h.Public, logger, web.Limits{})}
	failed := make(chan error, 2)
	start := func(s *http.Server, on net.Listener) {
		go func() {
			if err := s.Serve(on); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	start(servers[0], l.Public)
	if l.Ops != nil {
		ops := web.Server(h.Ops, logger, web.Limits{})
		servers = append(servers, ops)
		start(ops, l.Ops)
	}
	select {
	case err := <-failed:
		return errors.Join(err, stop(servers, 0))
	case <-ctx.Done():
		return stop(servers, grace)
	}
}

// stop lets requests finish for as long as grace allows, then cuts them off. The context that asked for the stop is
// over, so this one stands on its own.
func stop(servers []*http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var failures []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			failures = append(failures, fmt.Errorf("requests were cut off after %s: %w", grace, errors.Join(err, s.Close())))
		}
	}
	return errors.Join(failures...)
}
