package signingkey

import (
	"context"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// world is two nodes with clocks that are off, on one database, and applications that keep the JWK Set as long as they
// may. Tokens are signed by both nodes every second and live for tokenLife.
type world struct {
	t        *testing.T
	d        *db.DB
	clk      *clock.Offset
	box      *secret.Box
	second   int
	nodes    []*Ring
	served   [][]version    // by node: the documents it has served, in order
	lastGood map[string]int // by kid: the last second at which a token signed with it is valid
	used     []string       // the kids that have signed, in order
}

// version is a document and the second from which it was served.
type version struct {
	from int
	etag string
	keys *jose.JSONWebKeySet
}

const tokenLife = 15 * 60

// TestScheduledRotation_RefusesNoValidToken moves the clock second by second through several rotations by schedule. At
// every second every token that has not expired has to be verifiable on every node, without a reread for an unknown
// kid, and by every application, however old its copy of the JWK Set, as long as that is within its max-age.
func TestScheduledRotation_RefusesNoValidToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		const length = 55 * 60
		w := &world{t: t, d: d, clk: clk, box: boxOf(t, 'm'), lastGood: map[string]int{}}
		ensureFirst(t, d, w.box)
		for _, by := range []time.Duration{-3 * time.Minute, 2 * time.Minute} {
			w.nodes = append(w.nodes, openRing(t, d, w.box, skewed{clk, by}))
			w.served = append(w.served, nil)
		}
		for w.second = range length {
			w.live()
			if t.Failed() {
				t.Fatalf("at second %d", w.second)
			}
			clk.Advance(time.Second)
		}
		if len(w.used) < 3 {
			t.Errorf("only %d keys have signed", len(w.used))
		}
		if keys, _ := list(t, d); len(keys) != len(w.used) && len(keys) != len(w.used)+1 {
			t.Errorf("%d keys in the table, %d have signed", len(keys), len(w.used))
		}
	})
}

// live is one second: the nodes' jobs, then what is served, signed and verified.
func (w *world) live() {
	for i, node := range w.nodes {
		if w.second%60 == 7*i { // the job of each node, by schedule
			w.rotateIfDue()
		}
		if w.second%int(RereadEvery/time.Second) == 3*i {
			reload(w.t, node)
		}
		w.serve(i)
	}
	for _, node := range w.nodes {
		token, kid := sign(w.t, node)
		if _, seen := w.lastGood[kid]; !seen {
			w.used = append(w.used, kid)
		}
		w.lastGood[kid] = w.second + tokenLife - 1
		for _, other := range w.nodes {
			if err := verify(w.t.Context(), other, token); err != nil {
				w.t.Errorf("a node refuses a token just signed with %s: %v", kid, err)
			}
		}
		for _, doc := range w.copies() {
			wantConsumerTakes(w.t, doc.keys, token)
		}
	}
	w.checkOlder()
}

func (w *world) rotateIfDue() {
	keys, at := list(w.t, w.d)
	if !Due(keys, at, Schedule{Algorithm: jwt.ES256, Every: 20 * time.Minute, Lead: Lead}) {
		return
	}
	made := draft(w.t, w.box, jwt.ES256)
	_, err := db.Write(w.t.Context(), w.d, func(ctx context.Context, tx *db.Tx) (Change, error) {
		return Rotate(ctx, tx, made, Plan{Lead: Lead, Overlap: tokenLife*time.Second + jwt.Leeway})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// serve notes the document that a node serves at this second.
func (w *world) serve(node int) {
	doc := w.nodes[node].JWKS()
	if n := len(w.served[node]); n > 0 && w.served[node][n-1].etag == doc.ETag {
		return
	}
	w.served[node] = append(w.served[node], version{w.second, doc.ETag, parse(w.t, doc.Body)})
}

// copies are the documents that an application may hold at this second: whatever a node has served within max-age.
func (w *world) copies() (held []version) {
	oldest := w.second - int(JWKSMaxAge/time.Second)
	for _, versions := range w.served {
		for i, v := range versions {
			if i+1 == len(versions) || versions[i+1].from > oldest {
				held = append(held, v)
			}
		}
	}
	return held
}

// checkOlder looks after the tokens that were signed earlier.
func (w *world) checkOlder() {
	for kid, last := range w.lastGood {
		if w.second > last {
			continue
		}
		for i, node := range w.nodes {
			if !node.Has(kid) {
				w.t.Errorf("node %d does not know %s, whose tokens are valid for another %d s", i, kid, last-w.second)
			}
		}
		for _, doc := range w.copies() {
			if len(doc.keys.Key(kid)) != 1 {
				w.t.Errorf("a copy from second %d lacks %s, whose tokens are valid for another %d s", doc.from, kid,
					last-w.second)
			}
		}
	}
}
