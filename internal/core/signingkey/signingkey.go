// Package signingkey owns the table signing_keys: the keys that sign this product's tokens, one generation after the
// other, and what every node holds of them in memory, the Ring. It decides when a key signs, when it only verifies and
// when it is gone. The form of tokens and keys is proto/jwt's; that a rotation is logged is the flows' care, so
// functions that write take their transaction.
package signingkey

import (
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// State is what a key is at a moment. It follows from the row's times and the clock; no column holds it, and nothing
// has to run for a key to move on.
//
//	   first key, compromise
//	  ┌────────────────────────────┐
//	  │                            ▼
//	made ──▶ prepared ──────▶ active ──────▶ retired ──────▶ removed
//	         published        signs          verifies        row leaves
//	          │    activate_at  │   retire_at  │   remove_at    ▲
//	          └─────────────────┴──────────────┴────────────────┘
//	                             compromise
//
// A prepared key is published before it signs, so that whoever keeps the JWK Set for its max-age knows the key by its
// first token. A retired key stays published until the last token it signed has expired. In a compromise the new key is
// active and all others are removed in one instant.
type State string

// The states of a key.
const (
	Prepared State = "prepared"
	Active   State = "active"
	Retired  State = "retired"
	Removed  State = "removed"
)

const (
	// JWKSMaxAge is how long a consumer may keep the JWK Set.
	JWKSMaxAge = 5 * time.Minute
	// Lead is how long a key is published before it signs: until the last copy of the set without it is stale, and a
	// minute for nodes that have yet to reread and for clocks.
	Lead = JWKSMaxAge + time.Minute
	// RereadEvery is how often a node rereads the keys. It is the longest that a compromised key goes on signing on
	// nodes other than the one that was told.
	RereadEvery = 5 * time.Second
)

// Key is a row of the table but for its private part. RetireAt and RemoveAt are nil until a successor is made.
type Key struct {
	ID         ident.KeyID
	Generation int64
	Algorithm  jwt.Algorithm
	// PublicJWK is the public key as JSON, for people who look at the table. Nothing is verified with it: what verifies
	// is derived from the sealed private key, which nobody can exchange who has the database alone.
	PublicJWK  string
	CreatedAt  time.Time
	ActivateAt time.Time
	RetireAt   *time.Time
	RemoveAt   *time.Time
}

// StateAt tells the state at now, by the database's clock. A later state comes before an earlier one.
func (k Key) StateAt(now time.Time) State {
	switch {
	case reached(k.RemoveAt, now):
		return Removed
	case reached(k.RetireAt, now):
		return Retired
	case now.Before(k.ActivateAt):
		return Prepared
	}
	return Active
}

func reached(at *time.Time, now time.Time) bool { return at != nil && !now.Before(*at) }

// Plan says how to rotate.
type Plan struct {
	// Lead is how long the new key is published before it signs: at least the constant Lead.
	Lead time.Duration
	// Overlap is how long the old key goes on verifying after its last signature: the longest life of an access token
	// and the leeway.
	Overlap time.Duration
	// Now is for a compromise: the new key signs at once and all others are removed at once, so that whatever they
	// signed is refused. It leaves Lead and Overlap without effect.
	Now bool
}

// Step is what a rotation does to the set. Where Waiting is set nothing is to be done: a rotation is under way already,
// and this is its key.
type Step struct {
	Waiting    *Key
	ActivateAt time.Time // of the new key
	Ends       []End     // of the others
}

// End gives an old key the times of its end.
type End struct {
	ID       ident.KeyID
	RetireAt time.Time
	RemoveAt time.Time
}

// Apply decides what rotating the set at now does. It changes nothing.
func (p Plan) Apply(keys []Key, now time.Time) Step {
	if p.Now {
		return compromise(keys, now)
	}
	var active []Key
	for i, k := range keys {
		switch k.StateAt(now) {
		case Prepared:
			return Step{Waiting: &keys[i]}
		case Active:
			active = append(active, k)
		case Retired, Removed: // their end is set
		}
	}
	if len(active) == 0 {
		return Step{ActivateAt: now} // nobody can sign: to wait would help nobody
	}
	step := Step{ActivateAt: now.Add(p.Lead)}
	for _, k := range active {
		step.Ends = append(step.Ends, End{k.ID, step.ActivateAt, step.ActivateAt.Add(p.Overlap)})
	}
	return step
}

// compromise ends every key that is still of use. One that was retired keeps the time at which it was.
func compromise(keys []Key, now time.Time) Step {
	step := Step{ActivateAt: now}
	for _, k := range keys {
		if k.StateAt(now) == Removed {
			continue
		}
		end := End{k.ID, now, now}
		if reached(k.RetireAt, now) {
			end.RetireAt = *k.RetireAt
		}
		step.Ends = append(step.Ends, end)
	}
	return step
}

// Schedule is what the configuration wants of the keys. Every 0 means that age alone never makes a rotation due.
type Schedule struct {
	Algorithm jwt.Algorithm
	Every     time.Duration // from one key's first signature to the next one's
	Lead      time.Duration // as in the Plan
}

// Due tells whether a rotation should begin at now: early enough that the new key takes over when the old one's time is
// up, or at once where the active key is not of the configured algorithm. While a key is prepared nothing is due.
func Due(keys []Key, now time.Time, s Schedule) bool {
	var newest *Key
	for i, k := range keys {
		switch k.StateAt(now) {
		case Prepared:
			return false
		case Active:
			if newest == nil || k.Generation > newest.Generation {
				newest = &keys[i]
			}
		case Retired, Removed:
		}
	}
	if newest == nil || newest.Algorithm != s.Algorithm {
		return true
	}
	return s.Every > 0 && !now.Before(newest.ActivateAt.Add(s.Every-s.Lead))
}
