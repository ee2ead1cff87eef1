package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/bench/floors"
)

// script is what one client does again and again.
type script struct {
	// request writes the next request; false ends the client, as when it has used up what was prepared for it.
	request func(buf []byte) ([]byte, bool)
	// accept looks at the answer to it; false is an error.
	accept func(status int, body []byte) bool
}

// phase is how far a load has come; what is answered in the middle one counts.
type phase int

const (
	warming phase = iota
	measuring
	stopping
)

// tally is what one client saw.
type tally struct {
	took    []time.Duration
	refused int
	errors  int
	ended   bool
}

// grace is how long anything may take beyond its time.
const grace = 20 * time.Second

// wait waits for a while.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (t *tally) count(status int, good bool, took time.Duration) {
	switch {
	case good:
		t.took = append(t.took, took)
	case status == http.StatusServiceUnavailable:
		t.refused++
	default:
		t.errors++
	}
}

// sum puts together what the clients saw.
func sum(tallies []tally, seconds float64) floors.Figures {
	f := floors.Figures{Seconds: seconds}
	var took []time.Duration
	for _, t := range tallies {
		took = append(took, t.took...)
		f.Refused += t.refused
		f.Errors += t.errors
		f.Ended = f.Ended || t.ended
	}
	f.Fill(took)
	return f
}

// openLoop sends requests at a fixed rate, whether or not answers come (up to one a client waits), until ctx ends.
// Latency counts from when a request was due, so that a server that stalls does not hide it.
func openLoop(ctx context.Context, address string, scripts []script, perSecond float64) (floors.Figures, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tallies := make([]tally, len(scripts))
	begun := time.Now()
	each := time.Duration(float64(len(scripts)) / perSecond * float64(time.Second))
	var clients sync.WaitGroup
	var failed atomic.Pointer[error]
	for i, s := range scripts {
		first := begun.Add(each * time.Duration(i) / time.Duration(len(scripts)))
		clients.Go(func() {
			if err := paced(ctx, address, s, &tallies[i], first, each); err != nil {
				failed.CompareAndSwap(nil, &err)
				cancel(err)
			}
		})
	}
	clients.Wait()
	if err := failed.Load(); err != nil {
		return floors.Figures{}, *err
	}
	return sum(tallies, time.Since(begun).Seconds()), nil
}

// paced is a client of openLoop: it sends at first, first+each, …
func paced(ctx context.Context, address string, s script, t *tally, first time.Time, each time.Duration) error {
	c, err := dial(ctx, address, first.Add(time.Hour))
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now().Add(grace)) }) // fails when it is closed already
	defer stop()
	var request []byte
	for due := first; ; due = due.Add(each) {
		if wait(ctx, time.Until(due)); ctx.Err() != nil {
			return nil
		}
		request, _ = s.request(request[:0])
		status, body, err := c.exchange(request)
		if err != nil {
			return err
		}
		t.count(status, s.accept(status, body), time.Since(due))
	}
}
