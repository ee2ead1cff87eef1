package signingkey

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// ErrNoKey says that there is no key to sign with.
var ErrNoKey = errors.New("no signing key: the table signing_keys has none that is active or prepared")

const (
	// unknownEvery is how often, over all callers, an unknown kid may cause a reread.
	unknownEvery = time.Second
	// rereadTimeout bounds a reread, so that callers do not wait long on a database that hangs.
	rereadTimeout = 3 * time.Second
)

// Ring is what a node holds of the keys. Reading it takes no lock and asks nobody: keys change their state in memory by
// the clock, and the set is exchanged whole when it is reread. It is safe for concurrent use.
//
// Time is the database's: each load measures how far this process's clock is off it, so that nodes with skewed clocks
// take up and drop a key at the same moment.
type Ring struct {
	q     db.Querier
	box   *secret.Box
	clock clock.Clock
	log   *slog.Logger

	set  atomic.Pointer[set]
	load chan struct{} // holds one token: loads come one after the other, so that an older one never wins

	mu      sync.Mutex
	running chan struct{} // closed when the reread for an unknown kid that is under way has ended; nil if there is none
	last    time.Time     // when the last one began
}

// Open loads the keys. A master key that does not open one of them is an error that names both.
func Open(
	ctx context.Context, q db.Querier, box *secret.Box, clk clock.Clock, log *slog.Logger,
) (*Ring, error) {
	r := &Ring{q: q, box: box, clock: clk, log: log, load: make(chan struct{}, 1)}
	r.set.Store(&set{})
	if err := r.Reload(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Reload rereads the keys. Where it fails the keys held stay as they are.
func (r *Ring) Reload(ctx context.Context) error {
	select {
	case r.load <- struct{}{}:
		defer func() { <-r.load }()
	case <-ctx.Done():
		return ctx.Err()
	}
	held := r.set.Load()
	before := r.clock.Now()
	rows, at, err := read(ctx, r.q)
	if err != nil {
		return err
	}
	offset := held.offset
	if len(rows) > 0 {
		offset = settle(offset, at.Sub(r.clock.Now()), at.Sub(before))
	}
	next, err := newSet(rows, r.box, held, r.clock.Now().Add(offset), offset)
	if err != nil {
		return err
	}
	r.set.Store(next)
	return nil
}

// settle gives the offset of the database's clock, which is known to lie from low to high: the statement ran somewhere
// between two looks at the clock. The offset held stays if it is among these, so that a slow read does not spoil it.
func settle(held, low, high time.Duration) time.Duration {
	if low <= held && held <= high {
		return held
	}
	return low + (high-low)/2
}

// current gives the set and the database's time. Where a key's time has run out since the load, the set without it
// takes the old one's place.
func (r *Ring) current() (*set, time.Time) {
	s := r.set.Load()
	now := r.clock.Now().Add(s.offset)
	if !reached(s.until, now) {
		return s, now
	}
	next, err := build(s.entries, now, s.offset)
	if err != nil { // cannot be: the same keys have been rendered before
		return s, now
	}
	r.set.CompareAndSwap(s, next) // a reload that came first knows better
	return next, now
}

// Signer gives the signer of the key that is active now, or ErrNoKey.
//
// Where a clock was set back there may be none although there was one: then the first of the prepared keys signs, which
// is published like any other. In the ordinary course of things a key is active whenever one is prepared.
func (r *Ring) Signer() (*jwt.Signer, error) {
	s, now := r.current()
	var first *entry
	for _, e := range s.entries { // the newest first
		switch e.key.StateAt(now) {
		case Active:
			return e.signer, nil
		case Prepared:
			first = e
		case Retired, Removed:
		}
	}
	if first == nil {
		return nil, ErrNoKey
	}
	return first.signer, nil
}

// Has tells whether a key is published: what it signed may still be good.
func (r *Ring) Has(kid string) bool {
	s, now := r.current()
	e, ok := s.byID[kid]
	return ok && e.key.StateAt(now) != Removed
}

// KeyFor gives the public key of a kid if it is published and one for the algorithm. An unknown kid causes a reread,
// since another node may have made the key a moment ago, but at most one a second: kids come from strangers.
func (r *Ring) KeyFor(ctx context.Context, kid string, alg jwt.Algorithm) (crypto.PublicKey, bool) {
	if !r.Has(kid) {
		r.rereadForUnknown(ctx)
	}
	s, now := r.current()
	e, ok := s.byID[kid]
	if !ok || e.key.Algorithm != alg || e.key.StateAt(now) == Removed {
		return nil, false
	}
	return e.public, true
}

// rereadForUnknown rereads the keys once for all who ask at the same time, and not again for a second.
func (r *Ring) rereadForUnknown(ctx context.Context) {
	done := r.join(ctx)
	if done == nil {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// join gives the end of a reread that is under way or has just been begun; nil if it is too early for another.
func (r *Ring) join(ctx context.Context) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != nil {
		return r.running
	}
	now := r.clock.Now()
	if since := now.Sub(r.last); 0 <= since && since < unknownEvery { // a clock set back does not lock anyone out
		return nil
	}
	r.last = now
	done := make(chan struct{})
	r.running = done
	// Others wait for it too, so it does not end with the caller who happened to be first.
	go r.rereadAlone(context.WithoutCancel(ctx), done)
	return done
}

func (r *Ring) rereadAlone(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, rereadTimeout)
	defer cancel()
	if err := r.Reload(ctx); err != nil {
		r.log.LogAttrs(ctx, slog.LevelWarn, "signing keys not reread for an unknown kid; the ones held stay in use",
			slog.String("cause", err.Error()))
	}
	r.mu.Lock()
	r.running = nil
	r.mu.Unlock()
	close(done)
}

// Document is the JWK Set as it is served. ETag is quoted as HTTP wants it (RFC 9110 §8.8.3). Body is shared: it must
// not be changed.
type Document struct {
	Body   []byte
	ETag   string
	MaxAge time.Duration
}

// JWKS gives the public keys that are prepared, active or retired.
func (r *Ring) JWKS() Document {
	s, _ := r.current()
	return s.document
}

// Run rereads the keys every RereadEvery until ctx ends. A failure is logged when it begins and when it is over.
func (r *Ring) Run(ctx context.Context) {
	ticker := time.NewTicker(RereadEvery)
	defer ticker.Stop()
	r.run(ctx, ticker.C)
}

func (r *Ring) run(ctx context.Context, ticks <-chan time.Time) {
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		failing = r.tick(ctx, failing)
	}
}

// tick makes one reread of Run and tells whether it failed.
func (r *Ring) tick(ctx context.Context, failing bool) bool {
	bounded, cancel := context.WithTimeout(ctx, rereadTimeout)
	defer cancel()
	err := r.Reload(bounded)
	switch {
	case ctx.Err() != nil: // the server is stopping
	case err != nil && !failing:
		r.log.LogAttrs(ctx, slog.LevelWarn, "signing keys not reread; the ones held stay in use",
			slog.String("cause", err.Error()))
	case err == nil && failing:
		r.log.LogAttrs(ctx, slog.LevelInfo, "signing keys reread again")
	}
	return err != nil
}
