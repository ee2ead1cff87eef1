package ops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/surface/web"
)

const (
	// freshFor is how long a result of the checks is given out again: whoever asks in a loop does not reach the database.
	freshFor = time.Second
	// checkTime is how long a check may take.
	checkTime = 2 * time.Second
)

// Check is something that has to work before requests are of any use. Run must end when its context does. What it
// returns is shown when it is an *errs.Error, by its message; of anything else only the log sees the text.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

type readiness struct {
	Status string   `json:"status" enum:"ready"`
	Checks []string `json:"checks" example:"database,keys" doc:"What was looked at."`
}

// Readyz is GET /readyz: 200 when every check passes, otherwise 503 not_ready with the checks that fail and why. The
// checks run side by side, at most once a second however many ask.
func Readyz(clk clock.Clock, checks ...Check) web.Endpoint {
	op := web.Operation{
		OperationID: "getReadiness", Tag: tag, Summary: "Can it serve", Quiet: true,
		Description: "For readiness probes and load balancers. The result is at most a second old.",
		Refusals: []web.Refusal{
			{Status: 503, Code: web.CodeNotReady, When: "something that the server needs does not work; the detail names it"},
		},
	}
	p := &probe{clock: clk, checks: checks}
	names := make([]string, len(checks))
	for i, c := range checks {
		names[i] = c.Name
	}
	return web.Query(op, func(r *web.Request) (readiness, error) {
		if err := p.result(r.Context()); err != nil {
			return readiness{}, err
		}
		return readiness{Status: "ready", Checks: names}, nil
	})
}

// probe runs the checks and remembers how they went.
type probe struct {
	clock  clock.Clock
	checks []Check

	mu   sync.Mutex // held while checks run, so that all who ask meanwhile get the one result
	at   time.Time
	last error
}

func (p *probe) result(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := p.clock.Now().Sub(p.at); age < 0 || age >= freshFor {
		// The result is for everybody: a caller who goes away must not make it a failure.
		p.last = p.run(context.WithoutCancel(ctx))
		p.at = p.clock.Now()
	}
	return p.last
}

// run gives nil, or one error for all checks that fail.
func (p *probe) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	failures := make([]error, len(p.checks))
	var group sync.WaitGroup
	for i, c := range p.checks {
		group.Go(func() { failures[i] = c.guarded(ctx) })
	}
	group.Wait()
	var told []string
	for i, err := range failures {
		if err != nil {
			told = append(told, p.checks[i].Name+" ("+words(err)+")")
		}
	}
	if len(told) == 0 {
		return nil
	}
	return errs.Wrap(errors.Join(failures...), errs.Unavailable, web.CodeNotReady,
		"Not ready: "+strings.Join(told, ", ")+".").WithRetry(freshFor)
}

// guarded runs a check; one that panics fails, and the process goes on.
func (c Check) guarded(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := c.Run(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	return nil
}

// words says why a check fails, as far as anybody may know.
func words(err error) string {
	if e := errs.As(err); e != nil && e.Kind != errs.Internal {
		return strings.TrimSuffix(e.Message, ".")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "does not answer in time"
	}
	return "fails; the server's log says why"
}
