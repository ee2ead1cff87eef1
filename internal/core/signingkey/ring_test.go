package signingkey

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

func TestRing_AKeyRotatedOnOneNodeVerifiesOnTheOtherByItsUnknownKid(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		one, other := openRing(t, d, box, clk), openRing(t, d, box, clk)
		old, _ := sign(t, other)
		change := mustRotate(t, d, box, emergency)
		reload(t, one)
		token, kid := sign(t, one)
		if kid != string(change.Key.ID) {
			t.Fatalf("signed with %s, the new key is %s", kid, change.Key.ID)
		}
		if other.Has(kid) {
			t.Fatal("the other node knows the key already")
		}
		if err := verify(t.Context(), other, token); err != nil {
			t.Errorf("the new token: %v", err)
		}
		for name, r := range map[string]*Ring{"one": one, "other": other} {
			if err := verify(t.Context(), r, old); !errors.Is(err, jwt.ErrUnknownKey) {
				t.Errorf("the old token on node %s: %v", name, err)
			}
		}
	})
}

func TestRing_APreparedKeySignsFromItsTimeWithoutAReload(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		next := mustRotate(t, d, box, scheduled)
		counted := &counting{Querier: d}
		r := openRing(t, counted, box, clk)
		loads := counted.queries.Load()

		clk.Advance(Lead - 10*time.Second)
		if _, kid := sign(t, r); kid != string(first.ID) {
			t.Errorf("before its time signs %s", kid)
		}
		clk.Advance(20 * time.Second)
		if _, kid := sign(t, r); kid != string(next.Key.ID) {
			t.Errorf("after its time signs %s", kid)
		}
		if !r.Has(string(first.ID)) || published(t, r) != 2 {
			t.Error("the retired key is not published")
		}
		tag := r.JWKS().ETag
		clk.Advance(overlap)
		if r.Has(string(first.ID)) || published(t, r) != 1 || r.JWKS().ETag == tag {
			t.Error("the removed key is published")
		}
		if counted.queries.Load() != loads {
			t.Error("the database was asked")
		}
	})
}

func TestRing_LearnsTheEndOfAKeyItHolds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		r := openRing(t, d, box, clk)
		mustRotate(t, d, box, scheduled)
		reload(t, r)
		clk.Advance(Lead + overlap - time.Minute)
		if !r.Has(string(first.ID)) {
			t.Error("the key left before its end")
		}
		clk.Advance(2 * time.Minute)
		if r.Has(string(first.ID)) || published(t, r) != 1 {
			t.Error("the key outlived its end")
		}
	})
}

func TestRing_KeysLeaveTheSetOneByOneEachAtItsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		mustRotate(t, d, box, scheduled)
		clk.Advance(Lead + time.Minute)
		mustRotate(t, d, box, scheduled)
		r := openRing(t, d, box, clk)
		clk.Advance(Lead + time.Minute)
		// The first key was retired a lead before the second.
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 3}, {overlap - Lead - time.Minute, 2}, {Lead + time.Minute, 1}} {
			clk.Advance(step.wait)
			doc := r.JWKS()
			if n := published(t, r); n != step.want {
				t.Errorf("%d keys are published, want %d", n, step.want)
			}
			if again := r.JWKS(); &again.Body[0] != &doc.Body[0] {
				t.Error("the document is rendered at each call")
			}
		}
	})
}

func TestRing_AKeyItHoldsIsOpenedAgainWhenItsRowIsAltered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		r := openRing(t, d, box, clk)
		exec(t, d, `UPDATE signing_keys SET sealed_private = $1`, []byte("broken"))
		wantMasterKeyError(t, r.Reload(t.Context()), string(first.ID))
	})
}

func published(t *testing.T, r *Ring) int {
	t.Helper()
	return len(parse(t, r.JWKS().Body).Keys)
}

// counting counts queries, and fails them while it is told to.
type counting struct {
	db.Querier
	queries atomic.Int64
	broken  atomic.Bool
	gate    chan struct{} // where set, a query waits for it
}

var errBroken = errors.New("the database is away")

func (c *counting) Query(ctx context.Context, sql string, args ...any) (db.Rows, error) {
	c.queries.Add(1)
	if c.broken.Load() {
		return nil, errBroken
	}
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c.Querier.Query(ctx, sql, args...)
}

func TestRing_NodesWithSkewedClocksAgree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		next := mustRotate(t, d, box, scheduled)
		rings := map[time.Duration]*Ring{}
		for _, by := range []time.Duration{-24 * time.Hour, -3 * time.Minute, 0, 3 * time.Minute, 24 * time.Hour} {
			rings[by] = openRing(t, d, box, skewed{clk, by})
		}
		wantAll := func(want Key) {
			t.Helper()
			for by, r := range rings {
				if _, kid := sign(t, r); kid != string(want.ID) {
					t.Errorf("the node whose clock is off by %s signs with %s, want %s", by, kid, want.ID)
				}
			}
		}
		wantAll(first)
		clk.Advance(Lead - 10*time.Second)
		wantAll(first)
		clk.Advance(20 * time.Second)
		wantAll(next.Key)
	})
}

func TestSettle_KeepsTheOffsetHeldUnlessItIsRefuted(t *testing.T) {
	for _, tt := range []struct{ held, low, high, want time.Duration }{
		{0, -5, 5, 0}, {5, -5, 5, 5}, {-5, -5, 5, -5}, {6, -4, 4, 0}, {0, 10, 20, 15}, {0, -20, -10, -15}, {7, 7, 7, 7},
		{0, 90 * time.Second, 90*time.Second + 4, 90*time.Second + 2},
	} {
		if got := settle(tt.held, tt.low, tt.high); got != tt.want {
			t.Errorf("settle(%d, %d, %d) = %d, want %d", tt.held, tt.low, tt.high, got, tt.want)
		}
	}
}

func TestRing_AClockSetBackLeavesAKeyToSignWith(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		mustRotate(t, d, box, scheduled)
		clk.Advance(-time.Hour)
		r := openRing(t, d, box, clk)
		if token, kid := sign(t, r); kid != string(first.ID) || verify(t.Context(), r, token) != nil {
			t.Errorf("signs with %s, want the oldest, %s", kid, first.ID)
		}
	})
}

func TestRing_WithoutKeysSignsAndVerifiesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		r := openRing(t, d, box, clk)
		if _, err := r.Signer(); !errors.Is(err, ErrNoKey) {
			t.Errorf("got %v", err)
		}
		if r.Has("") || string(r.JWKS().Body) != `{"keys":[]}` {
			t.Errorf("%s", r.JWKS().Body)
		}
		ensureFirst(t, d, box)
		reload(t, r)
		sign(t, r)
	})
}

func TestRing_ADatabaseThatIsAwayLeavesTheKeysHeld(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		q := &counting{Querier: d}
		r := openRing(t, q, box, clk)
		before := r.JWKS()
		q.broken.Store(true)
		if err := r.Reload(t.Context()); !errors.Is(err, errBroken) {
			t.Fatalf("got %v", err)
		}
		token, _ := sign(t, r)
		if err := verify(t.Context(), r, token); err != nil {
			t.Error(err)
		}
		if _, ok := r.KeyFor(t.Context(), "unknown", jwt.ES256); ok {
			t.Error("an unknown key was found")
		}
		if !bytes.Equal(before.Body, r.JWKS().Body) {
			t.Error("the set has changed")
		}
	})
}

func TestRing_AKeyThatDoesNotOpenLeavesTheKeysHeld(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		r := openRing(t, d, box, clk)
		mustRotate(t, d, box, scheduled)
		exec(t, d, `UPDATE signing_keys SET sealed_private = $1 WHERE generation = 2`, []byte("broken"))
		if err := r.Reload(t.Context()); err == nil {
			t.Fatal("taken")
		}
		if _, kid := sign(t, r); kid != string(first.ID) {
			t.Errorf("signs with %s", kid)
		}
	})
}

func TestRing_ARemovedKeyThatDoesNotOpenDoesNoHarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		ensureFirst(t, d, boxOf(t, 'm'))
		exec(t, d, `UPDATE signing_keys SET sealed_private = $1, remove_at = activate_at`, []byte("broken"))
		r := openRing(t, d, boxOf(t, 'm'), clk)
		if _, err := r.Signer(); !errors.Is(err, ErrNoKey) {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeyFor_AnUnknownKidRereadsAtMostOnceASecond(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		first := ensureFirst(t, d, box)
		q := &counting{Querier: d}
		hand := &byHand{now: clk.Now()}
		r := openRing(t, q, box, hand)
		ask := func(kid string, alg jwt.Algorithm, wantFound bool, wantQueries int64) {
			t.Helper()
			before := q.queries.Load()
			_, ok := r.KeyFor(t.Context(), kid, alg)
			if made := q.queries.Load() - before; ok != wantFound || made != wantQueries {
				t.Errorf("%s: found %t with %d queries, want %t with %d", kid, ok, made, wantFound, wantQueries)
			}
		}
		ask(string(first.ID), jwt.ES256, true, 0)
		ask(string(first.ID), jwt.RS256, false, 0) // known, but of another algorithm
		ask("x", jwt.ES256, false, 1)
		ask("y", jwt.ES256, false, 0)
		hand.advance(unknownEvery - time.Microsecond)
		ask("z", jwt.ES256, false, 0)
		hand.advance(time.Microsecond)
		ask("z", jwt.ES256, false, 1)
		hand.advance(-time.Hour) // a clock set back
		ask("z", jwt.ES256, false, 1)
	})
}

// byHand is a clock that stands still until it is moved.
type byHand struct {
	mu  sync.Mutex
	now time.Time
}

func (c *byHand) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *byHand) Shift(t time.Time) time.Time { return t }

func (c *byHand) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestKeyFor_ManyUnknownKidsAtOnceShareOneReread(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		q := &counting{Querier: d}
		r := openRing(t, q, box, clk)
		loads := q.queries.Load()
		next := mustRotate(t, d, box, scheduled)
		q.gate = make(chan struct{})

		var found atomic.Int64
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if _, ok := r.KeyFor(t.Context(), string(next.Key.ID), jwt.ES256); ok {
					found.Add(1)
				}
			})
		}
		left, cancel := context.WithCancel(t.Context())
		cancel()
		if _, ok := r.KeyFor(left, string(next.Key.ID), jwt.ES256); ok {
			t.Error("a caller who left found the key")
		}
		close(q.gate)
		all.Wait()
		if n := q.queries.Load() - loads; n != 1 {
			t.Errorf("%d rereads", n)
		}
		// Those who came after the reread found the key without one.
		if found.Load() != 32 {
			t.Errorf("%d of 32 found the key", found.Load())
		}
	})
}

func TestKeyFor_ACallerWhoLeavesDoesNotEndTheReread(t *testing.T) {
	d, clk := dbtest.SQLite(t)
	box := boxOf(t, 'm')
	ensureFirst(t, d, box)
	q := &counting{Querier: d}
	r := openRing(t, q, box, clk)
	next := mustRotate(t, d, box, scheduled)
	q.gate = make(chan struct{})
	left, cancel := context.WithCancel(t.Context())
	cancel()
	r.KeyFor(left, string(next.Key.ID), jwt.ES256)
	done := r.join(t.Context()) // the reread that the first caller began
	close(q.gate)
	<-done
	if !r.Has(string(next.Key.ID)) {
		t.Error("the reread was given up")
	}
}

func TestReload_GivesUpWithItsCaller(t *testing.T) {
	d, clk := dbtest.SQLite(t)
	box := boxOf(t, 'm')
	ensureFirst(t, d, box)
	r := openRing(t, d, box, clk)
	r.load <- struct{}{} // another load is under way
	left, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Reload(left); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRun_RereadsAtEachTickAndTellsOnceWhenItFails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		q := &counting{Querier: d}
		var log bytes.Buffer
		r, err := Open(t.Context(), q, box, clk, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ticks, ended := make(chan time.Time), make(chan struct{})
		go func() {
			defer close(ended)
			r.run(ctx, ticks)
		}()
		next := mustRotate(t, d, box, scheduled)
		for _, broken := range []bool{true, true, true, false, false} {
			q.broken.Store(broken)
			ticks <- time.Time{}
			r.load <- struct{}{} // the tick has been taken; wait for a load under way
			<-r.load
		}
		stop()
		<-ended
		if !r.Has(string(next.Key.ID)) {
			t.Error("the new key is not known")
		}
		text := log.String()
		if strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=INFO") != 1 ||
			!strings.Contains(text, errBroken.Error()) {
			t.Errorf("log:\n%s", text)
		}
	})
}

func TestRun_EndsWithItsContext(t *testing.T) {
	d, clk := dbtest.SQLite(t)
	r := openRing(t, d, boxOf(t, 'm'), clk)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	r.Run(ctx)
}

func TestJWKS_HasWhatIsPublishedAndHowLongItMayBeKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		box := boxOf(t, 'm')
		ensureFirst(t, d, box)
		r := openRing(t, d, box, clk)
		first := r.JWKS()
		reload(t, r)
		if again := r.JWKS(); again.ETag != first.ETag || !bytes.Equal(again.Body, first.Body) {
			t.Error("rereading the same keys gives another document")
		}
		mustRotate(t, d, box, scheduled)
		reload(t, r)
		both := r.JWKS()
		if both.ETag == first.ETag || both.MaxAge != JWKSMaxAge || published(t, r) != 2 {
			t.Errorf("%+v", both)
		}
		if len(both.ETag) != 24 || both.ETag[0] != '"' || both.ETag[23] != '"' {
			t.Errorf("ETag %s", both.ETag)
		}
		token, _ := sign(t, r)
		wantConsumerTakes(t, parse(t, both.Body), token)
	})
}

func parse(t testing.TB, body []byte) *jose.JSONWebKeySet {
	t.Helper()
	set := &jose.JSONWebKeySet{}
	if err := json.Unmarshal(body, set); err != nil {
		t.Fatal(err)
	}
	return set
}

func wantConsumerTakes(t testing.TB, set *jose.JSONWebKeySet, token string) {
	t.Helper()
	if err := consume(set, token); err != nil {
		t.Error(err)
	}
}

// consume verifies a token as an application would that has the JWK Set and another author's library.
func consume(set *jose.JSONWebKeySet, token string) error {
	object, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		return err
	}
	kid := object.Signatures[0].Header.KeyID
	keys := set.Key(kid)
	if len(keys) != 1 {
		return fmt.Errorf("%d keys %s in the JWK Set", len(keys), kid)
	}
	_, err = object.Verify(keys[0].Key)
	return err
}

func TestRing_IsReadWhileItIsReloaded(t *testing.T) {
	d, clk := dbtest.SQLite(t)
	box := boxOf(t, 'm')
	first := ensureFirst(t, d, box)
	mustRotate(t, d, box, scheduled)
	r := openRing(t, d, box, clk)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				_, err := r.Signer()
				var key crypto.PublicKey
				key, ok := r.KeyFor(ctx, string(first.ID), jwt.ES256)
				if err != nil || !ok || key == nil || len(r.JWKS().Body) == 0 {
					t.Error("a reader found the ring in pieces")
					return
				}
			}
		})
	}
	for range 200 {
		reload(t, r)
	}
	stop()
	all.Wait()
}
