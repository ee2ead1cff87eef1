package signingkey

import (
	"fmt"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// keyIn makes a key that is in a state at noon.
func keyIn(s State, generation int64) Key {
	k := Key{ID: ident.KeyID(fmt.Sprintf("%s-%d", s, generation)), Generation: generation, Algorithm: jwt.ES256}
	at := func(d time.Duration) *time.Time {
		t := noon.Add(d)
		return &t
	}
	switch s {
	case Prepared:
		k.ActivateAt = noon.Add(time.Minute)
	case Active:
		k.ActivateAt = noon.Add(-time.Hour)
	case Retired:
		k.ActivateAt, k.RetireAt, k.RemoveAt = noon.Add(-2*time.Hour), at(-time.Minute), at(time.Minute)
	case Removed:
		k.ActivateAt, k.RetireAt, k.RemoveAt = noon.Add(-3*time.Hour), at(-2*time.Hour), at(-time.Hour)
	}
	return k
}

var states = []State{Prepared, Active, Retired, Removed}

func TestStateAt_ChangesAtTheInstant(t *testing.T) {
	retire, remove := noon.Add(time.Hour), noon.Add(2*time.Hour)
	k := Key{ActivateAt: noon, RetireAt: &retire, RemoveAt: &remove}
	const tick = time.Microsecond
	for _, tt := range []struct {
		at   time.Time
		want State
	}{
		{noon.Add(-tick), Prepared}, {noon, Active}, {retire.Add(-tick), Active}, {retire, Retired},
		{remove.Add(-tick), Retired}, {remove, Removed}, {remove.Add(1000 * time.Hour), Removed},
	} {
		if got := k.StateAt(tt.at); got != tt.want {
			t.Errorf("at %s: %s, want %s", tt.at, got, tt.want)
		}
	}
	if got := (Key{ActivateAt: noon}).StateAt(noon.Add(1e6 * time.Hour)); got != Active {
		t.Errorf("a key without an end is %s", got)
	}
}

// apply carries a step out on a set, as the store does on the table.
func apply(keys []Key, step Step, now time.Time) []Key {
	if step.Waiting != nil {
		return keys
	}
	after := []Key{}
	var generation int64
	for _, k := range keys {
		for _, end := range step.Ends {
			if end.ID == k.ID {
				k.RetireAt, k.RemoveAt = &end.RetireAt, &end.RemoveAt
			}
		}
		generation = max(generation, k.Generation)
		after = append(after, k)
	}
	return append(after, Key{ID: "new", Generation: generation + 1, Algorithm: jwt.ES256, CreatedAt: now,
		ActivateAt: step.ActivateAt})
}

// TestRotation_EveryStateAndEvent: a key alone in the set, a rotation at noon, and what the key and the new one are at
// noon, when the lead is over and when the overlap is over.
func TestRotation_EveryStateAndEvent(t *testing.T) {
	lead, over := noon.Add(Lead), noon.Add(Lead+overlap)
	type seen struct{ old, new State }
	const none = State("none")
	cases := map[State]map[string][3]seen{ // at noon, at lead, at over
		Prepared: {
			"scheduled": {{Prepared, none}, {Active, none}, {Active, none}},
			"now":       {{Removed, Active}, {Removed, Active}, {Removed, Active}},
		},
		Active: {
			"scheduled": {{Active, Prepared}, {Retired, Active}, {Removed, Active}},
			"now":       {{Removed, Active}, {Removed, Active}, {Removed, Active}},
		},
		Retired: { // no key signs: the new one does so at once, and the old one's end stands
			"scheduled": {{Retired, Active}, {Removed, Active}, {Removed, Active}},
			"now":       {{Removed, Active}, {Removed, Active}, {Removed, Active}},
		},
		Removed: {
			"scheduled": {{Removed, Active}, {Removed, Active}, {Removed, Active}},
			"now":       {{Removed, Active}, {Removed, Active}, {Removed, Active}},
		},
	}
	plans := map[string]Plan{"scheduled": scheduled, "now": emergency}
	for _, state := range states {
		for event, plan := range plans {
			t.Run(string(state)+"/"+event, func(t *testing.T) {
				want, ok := cases[state][event]
				if !ok {
					t.Fatal("no such case")
				}
				before := []Key{keyIn(state, 1)}
				after := apply(before, plan.Apply(before, noon), noon)
				for i, at := range []time.Time{noon, lead, over} {
					got := seen{after[0].StateAt(at), none}
					if len(after) > 1 {
						got.new = after[1].StateAt(at)
					}
					if got != want[i] {
						t.Errorf("at %s: %v, want %v", at.Format(time.TimeOnly), got, want[i])
					}
				}
			})
		}
	}
}

// TestRotation_OneKeySignsAtEveryMoment goes through every set of up to one key a state.
func TestRotation_OneKeySignsAtEveryMoment(t *testing.T) {
	for mask := range 1 << len(states) {
		var keys []Key
		for i, s := range states {
			if mask&(1<<i) != 0 {
				keys = append(keys, keyIn(s, int64(len(states)-i)))
			}
		}
		for _, plan := range []Plan{scheduled, emergency} {
			after := apply(keys, plan.Apply(keys, noon), noon)
			if plan.Apply(keys, noon).Waiting != nil {
				continue
			}
			for at := noon; at.Before(noon.Add(Lead + overlap + time.Minute)); at = at.Add(time.Second) {
				if n := countIn(after, Active, at); n != 1 {
					t.Fatalf("%v, now=%t, at %s: %d keys sign", keys, plan.Now, at.Format(time.TimeOnly), n)
				}
			}
		}
	}
}

func countIn(keys []Key, s State, at time.Time) (n int) {
	for _, k := range keys {
		if k.StateAt(at) == s {
			n++
		}
	}
	return n
}

func TestRotation_OfACompromiseLeavesNothingOfTheOthers(t *testing.T) {
	var keys []Key
	for i, s := range states {
		keys = append(keys, keyIn(s, int64(len(states)-i)))
	}
	after := apply(keys, emergency.Apply(keys, noon), noon)
	for _, k := range after[:len(keys)] {
		if k.StateAt(noon) != Removed {
			t.Errorf("%s is %s", k.ID, k.StateAt(noon))
		}
	}
	if got := after[2].RetireAt; !got.Equal(noon.Add(-time.Minute)) {
		t.Errorf("the retired key's time of retirement became %s", got)
	}
	if got := after[3]; !got.RemoveAt.Equal(*keys[3].RemoveAt) {
		t.Errorf("the removed key's time of removal became %s", got.RemoveAt)
	}
}

func TestRotation_ChangesNothingOfWhatItIsGiven(t *testing.T) {
	keys := []Key{keyIn(Active, 1)}
	for _, plan := range []Plan{scheduled, emergency} {
		plan.Apply(keys, noon)
		if keys[0].RetireAt != nil || keys[0].RemoveAt != nil {
			t.Fatal("the key was given an end")
		}
	}
}

func TestDue(t *testing.T) {
	const every = 30 * 24 * time.Hour
	schedule := Schedule{Algorithm: jwt.ES256, Every: every, Lead: Lead}
	aged := func(age time.Duration) Key {
		k := keyIn(Active, 1)
		k.ActivateAt = noon.Add(-age)
		return k
	}
	rsa := keyIn(Active, 1)
	rsa.Algorithm = jwt.RS256
	newerRSA := rsa
	newerRSA.Generation = 2
	for name, tt := range map[string]struct {
		keys     []Key
		schedule Schedule
		want     bool
	}{
		"no keys":                      {nil, schedule, true},
		"removed alone":                {[]Key{keyIn(Removed, 1)}, schedule, true},
		"retired alone":                {[]Key{keyIn(Retired, 1)}, schedule, true},
		"young":                        {[]Key{aged(time.Hour)}, schedule, false},
		"an instant before lead":       {[]Key{aged(every - Lead - time.Microsecond)}, schedule, false},
		"lead before its time":         {[]Key{aged(every - Lead)}, schedule, true},
		"over age":                     {[]Key{aged(2 * every)}, schedule, true},
		"over age, no schedule":        {[]Key{aged(2 * every)}, Schedule{Algorithm: jwt.ES256}, false},
		"over age, prepared":           {[]Key{keyIn(Prepared, 2), aged(2 * every)}, schedule, false},
		"other algorithm":              {[]Key{rsa}, schedule, true},
		"other algorithm, no schedule": {[]Key{rsa}, Schedule{Algorithm: jwt.ES256}, true},
		"other algorithm, prepared":    {[]Key{keyIn(Prepared, 2), rsa}, schedule, false},
		"the newest of two is another's, in order": {[]Key{newerRSA, aged(time.Hour)}, schedule, true},
		"the newest of two is another's, reversed": {[]Key{aged(time.Hour), newerRSA}, schedule, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Due(tt.keys, noon, tt.schedule); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestLead_IsLongerThanAnyCopyOfTheSetLives(t *testing.T) {
	if Lead <= JWKSMaxAge+RereadEvery {
		t.Fatalf("lead %s, max-age %s, reread every %s", Lead, JWKSMaxAge, RereadEvery)
	}
}
