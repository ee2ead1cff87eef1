package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/core/signingkey"
)

func (s shell) keys(t *testing.T) []keyView {
	t.Helper()
	return decode[keyList](t, s.ok(t, "keys", "list", "--json")).Keys
}

func states(keys []keyView) string {
	var words []string
	for _, k := range keys {
		words = append(words, string(k.State))
	}
	return strings.Join(words, " ")
}

func TestKeysRotate_PublishesTheNextKeyBeforeItSigns(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		first := s.keys(t)
		if states(first) != "active" || first[0].Algorithm != "ES256" || first[0].RetiresAt != nil {
			t.Fatalf("got %+v", first)
		}
		done := decode[rotation](t, s.ok(t, "keys", "rotate", "--json"))
		lead := done.Key.ActivatesAt.Sub(done.Key.CreatedAt.Time)
		if !done.Made || done.Key.State != signingkey.Prepared || lead != signingkey.Lead {
			t.Errorf("got %+v", done)
		}
		after := s.keys(t)
		if states(after) != "prepared active" || after[1].ID != first[0].ID || after[1].RetiresAt == nil ||
			!after[1].RetiresAt.Equal(done.Key.ActivatesAt.Time) || !after[1].RemovedAt.After(after[1].RetiresAt.Time) {
			t.Errorf("got %+v", after)
		}
	})
}

func TestKeysRotate_AgainChangesNothingAndSaysSo(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		first := s.run(t, "keys", "rotate", "--signing-algorithm=EdDSA")
		contains(t, first.out, "is published. It signs from ", "(in 6m0s); until then the present key does.")
		contains(t, first.err, "making a key for EdDSA")
		before := s.keys(t)
		contains(t, s.ok(t, "keys", "rotate"), "A rotation is under way already: key "+string(before[0].ID),
			"Nothing was changed.")
		if done := decode[rotation](t, s.ok(t, "keys", "rotate", "--json")); done.Made || done.Key.ID != before[0].ID {
			t.Errorf("got %+v", done)
		}
		if after := s.keys(t); fmt.Sprint(after) != fmt.Sprint(before) || after[0].Algorithm != "EdDSA" {
			t.Errorf("got %+v, want %+v", after, before)
		}
	})
}

func TestKeysRotate_NowRemovesEveryOtherKeyAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		s.ok(t, "keys", "rotate")
		contains(t, s.ok(t, "keys", "rotate", "--now"), "signs now. All earlier keys are removed", "within 5s")
		if got := states(s.keys(t)); got != "active removed removed" {
			t.Errorf("got %s", got)
		}
	})
}

func TestKeysList_ShowsStatesAndTimesAndNothingPrivate(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		text := s.ok(t, "keys", "list")
		contains(t, text, "ID", "ALGORITHM", "STATE", "CREATED", "ACTIVATES", "RETIRES", "REMOVED", "key_", "ES256", "active")
		lacks(t, text+s.ok(t, "keys", "list", "--json"), "kty", "private", "sealed", `"x"`, `"d"`)
	})
}
