package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// pair is two instances of one installation.
type pair struct{ one, other *server }

// eachPair runs fn on two instances over each engine: on one PostgreSQL, and on one SQLite file.
func eachPair(t *testing.T, fn func(t *testing.T, p pair), more ...string) {
	t.Helper()
	eachEngine(t, func(t *testing.T, in *installation) { fn(t, pair{in.start(), in.start()}) }, more...)
}

func (p pair) both(fn func(s *server)) {
	fn(p.one)
	fn(p.other)
}

func TestTwoInstances_SignOutOnOneIsSeenByTheOtherAtTheNextRequest(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		who, held := p.one.signedIn()
		p.both(func(s *server) { s.get("/protected", held.access).want(http.StatusOK, "") })
		p.one.post("/logout", nil, held.access).want(http.StatusNoContent, "")
		p.other.get("/protected", held.access).want(http.StatusUnauthorized, "invalid_token")
		p.other.refresh(held.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")

		first, second := p.one.call(who.signIn()).tokens(), p.other.call(who.signIn()).tokens()
		p.both(func(s *server) { s.get("/protected", first.access).want(http.StatusOK, "") })
		p.other.post("/logout/all", nil, second.access).want(http.StatusNoContent, "")
		p.one.get("/protected", first.access).want(http.StatusUnauthorized, "invalid_token")
		p.one.refresh(second.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")

		third := p.one.call(who.signIn()).tokens()
		p.other.get("/protected", third.access).want(http.StatusOK, "")
		p.other.post("/logout", fields{"refresh_token": third.refresh}, "").want(http.StatusNoContent, "")
		p.one.get("/protected", third.access).want(http.StatusUnauthorized, "invalid_token")
	})
}

func TestTwoInstances_ATokenOfOneIsRefreshedByTheOther(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		_, held := p.one.signedIn()
		for range 4 {
			next := p.other.refresh(held.refresh).tokens()
			p.one.get("/me", next.access).want(http.StatusOK, "")
			if again := p.one.refresh(held.refresh).tokens(); again.refresh != next.refresh {
				t.Fatal("the two give different successors")
			}
			held = next
			p.one, p.other = p.other, p.one
		}
	})
}

func TestTwoInstances_TheftOnOneEndsTheSessionOnBoth(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		_, first := p.one.signedIn()
		second := p.other.refresh(first.refresh).tokens()
		third := p.one.refresh(second.refresh).tokens()
		p.other.refresh(first.refresh).want(http.StatusUnauthorized, "refresh_token_reused")
		p.both(func(s *server) {
			s.refresh(third.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
			s.refresh(first.refresh).want(http.StatusUnauthorized, "refresh_token_reused")
			s.get("/protected", third.access).want(http.StatusUnauthorized, "invalid_token")
		})
		if n := p.one.in.number(t, "SELECT count(*) FROM audit_events WHERE type = 'session.refresh_reused'"); n != 1 {
			t.Errorf("%d events of one theft", n)
		}
	})
}

func TestTwoInstances_RolesGivenByCommandCountAtTheNextRequest(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		who, held := p.one.signedIn()
		want := func(roles string) {
			t.Helper()
			p.both(func(s *server) {
				t.Helper()
				if got := s.get("/me", held.access).want(http.StatusOK, ""); fmt.Sprint(got.json["roles"]) != roles {
					t.Errorf("%s has the roles %v, want %s", s.url, got.json["roles"], roles)
				}
			})
		}
		want("[]")
		p.one.in.must("", "user", "grant", who.name, "viewer")
		want("[viewer]")
		p.one.in.must("", "user", "grant", who.email, "admin")
		want("[admin viewer]")
		p.one.in.must("", "user", "revoke", who.name, "viewer")
		want("[admin]")
	})
}

func TestTwoInstances_APasswordSetByCommandEndsTheSessions(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		who, held := p.one.signedIn()
		fresh := newPassword()
		p.one.in.must(fresh+"\n", "user", "set-password", who.name, "--password-stdin")
		p.both(func(s *server) {
			s.get("/protected", held.access).want(http.StatusUnauthorized, "invalid_token")
			s.call(who.signIn()).want(http.StatusUnauthorized, "invalid_credentials")
			s.call(person{name: who.name, password: fresh}.signIn()).tokens()
		})
	})
}

func TestTwoInstances_AnAccountMadeByCommandSignsInOnBoth(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		who := newPerson()
		p.one.in.must(who.password, "user", "create", "--username", who.name, "--email", who.email, "--role", "editor",
			"--password-stdin")
		p.both(func(s *server) {
			held := s.call(who.signIn()).tokens()
			if got := s.get("/me", held.access); fmt.Sprint(got.json["roles"]) != "[editor]" {
				t.Errorf("roles %v", got.json["roles"])
			}
			s.call(who.registration()).want(http.StatusConflict, "username_taken")
		})
	})
}

func TestInstances_ThatStartAtOnceOnAnEmptyDatabaseMakeOneSetOfKeys(t *testing.T) {
	const instances, rounds = 3, 2
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			eachEngine(t, func(t *testing.T, in *installation) {
				var all []*server
				for range instances {
					all = append(all, in.begin())
				}
				for _, s := range all {
					s.awaitReady()
				}
				for query, want := range map[string]int64{
					"SELECT count(*) FROM signing_keys":                                    1,
					"SELECT count(*) FROM sealed_keys":                                     1,
					"SELECT count(*) FROM roles":                                           3,
					"SELECT count(*) FROM audit_events WHERE type = 'signing_key.created'": 1,
					"SELECT count(*) FROM audit_events WHERE type = 'sealed_key.created'":  1,
					"SELECT count(*) - count(DISTINCT version) FROM schema_migrations":     0,
				} {
					if n := in.number(t, query); n != want {
						t.Errorf("%s: %d, want %d", query, n, want)
					}
				}
				_, held := all[0].signedIn()
				for _, s := range all {
					s.get("/protected", held.access).want(http.StatusOK, "")
					held = s.refresh(held.refresh).tokens()
				}
			})
		})
	}
}

func TestTwoInstances_WriteAtOnceOnOneDatabase(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		const each = 12
		var group sync.WaitGroup
		p.both(func(s *server) {
			for range each {
				group.Go(func() {
					who := newPerson()
					made, err := s.try(who.registration())
					if err != nil || made.status != http.StatusCreated {
						t.Errorf("register: %d %s, %v", made.status, made.body, err)
						return
					}
					if in, err := s.try(who.signIn()); err != nil || in.status != http.StatusOK {
						t.Errorf("sign in: %d %s, %v", in.status, in.body, err)
					}
				})
			}
		})
		for range 2 {
			who := newPerson()
			p.one.in.must(who.password, "user", "create", "--username", who.name, "--email", who.email, "--password-stdin")
		}
		group.Wait()
		if n := p.one.in.number(t, "SELECT count(*) FROM users"); n != 2*each+2 {
			t.Errorf("%d accounts, want %d", n, 2*each+2)
		}
	})
}

// rotated is what `keys rotate --json` prints.
type rotated struct {
	Made bool
	Key  struct{ ID, State string }
}

func rotate(t *testing.T, in *installation, flags ...string) rotated {
	t.Helper()
	var r rotated
	out := in.must("", append([]string{"keys", "rotate", "--json"}, flags...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// keys gives the ids that a server publishes.
func (s *server) keys() (ids []string) {
	s.t.Helper()
	got := s.get("/.well-known/jwks.json", "").want(http.StatusOK, "")
	for _, k := range got.json["keys"].([]any) {
		ids = append(ids, k.(map[string]any)["kid"].(string))
	}
	slices.Sort(ids)
	return ids
}

func TestKeysRotate_PublishesTheNextKeyOnBothAndRefusesNobody(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, p pair) {
		t.Parallel()
		who, held := p.one.signedIn()
		before := p.one.keys()
		next := rotate(t, p.one.in)
		if !next.Made || next.Key.State != "prepared" {
			t.Fatalf("got %+v", next)
		}
		want := slices.Sorted(slices.Values(append(slices.Clone(before), next.Key.ID)))
		eventually(t, patience, "both publish the next key", func() bool {
			p.both(func(s *server) {
				s.get("/protected", held.access).want(http.StatusOK, "")
				held = s.refresh(held.refresh).tokens()
				if kid := headerOf(t, held.access)["kid"]; kid != before[0] {
					t.Fatalf("%s signs already, and others may not know it yet", kid)
				}
			})
			return slices.Equal(p.one.keys(), want) && slices.Equal(p.other.keys(), want)
		})
		p.both(func(s *server) { s.get("/protected", s.call(who.signIn()).tokens().access).want(http.StatusOK, "") })
		if again := rotate(t, p.one.in); again.Made || again.Key.ID != next.Key.ID {
			t.Errorf("a second rotation made %+v", again)
		}
	})
}

func TestKeysRotateNow_TokensOfTheNewKeyAreGoodOnTheOtherAtOnceAndOldOnesAreRefused(t *testing.T) {
	eachPair(t, func(t *testing.T, p pair) {
		_, held := p.one.signedIn()
		p.both(func(s *server) { s.get("/protected", held.access).want(http.StatusOK, "") })
		next := rotate(t, p.one.in, "--now")
		if !next.Made || next.Key.State != "active" {
			t.Fatalf("got %+v", next)
		}
		// A token with a kid that it has never seen makes the first instance look at once; nobody told the other.
		strange := withHeader(t, held.access, fields{"alg": "ES256", "typ": "at+jwt", "kid": "strange"})
		p.one.get("/protected", strange).want(http.StatusUnauthorized, "invalid_token")
		fresh := p.one.refresh(held.refresh).tokens()
		if kid := headerOf(t, fresh.access)["kid"]; kid != next.Key.ID {
			t.Fatalf("signed with %v after the reread, want %s", kid, next.Key.ID)
		}
		p.other.get("/protected", fresh.access).want(http.StatusOK, "")
		p.both(func(s *server) {
			s.get("/protected", held.access).want(http.StatusUnauthorized, "invalid_token")
			s.get("/protected", fresh.access).want(http.StatusOK, "")
			if ids := s.keys(); !slices.Equal(ids, []string{next.Key.ID}) {
				t.Errorf("%s publishes %v, want the new key alone", s.url, ids)
			}
		})
	})
}
