package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	crashClients = 8
	crashRounds  = 4
)

// acknowledged is what the server has answered with success to one client, up to the crash.
type acknowledged struct {
	people   []person
	sessions []*kept
}

// kept is a session as its client knows it.
type kept struct {
	tokens
	rotations int64 // refreshes that were answered
	ended     bool  // the sign-out was answered
	doubtful  bool  // a sign-out was sent and not answered
}

// Each round kills the server without warning while clients register, sign in, refresh and sign out. Whatever was
// answered must be there afterwards; what was sent and not answered may be there or not.
func TestServer_KilledUnderLoadHasEverythingThatItAnswered(t *testing.T) {
	eachEngine(t, func(t *testing.T, in *installation) {
		total := map[string]int{}
		for range crashRounds {
			s := in.start()
			all := loadAndKill(t, s)
			s = in.start()
			for _, a := range all {
				a.mustBeThere(t, s, total)
			}
			s.kill()
		}
		figure(t, "%s: %d crashes under load; answered before and there afterwards: %v", in.engine, crashRounds, total)
		for _, what := range []string{"registrations", "sign-ins", "refreshes", "sign-outs"} {
			if total[what] < crashRounds {
				t.Errorf("%d %s are too few to show anything", total[what], what)
			}
		}
		if in.engine == sqliteEngine {
			d := in.openDatabase(t)
			var verdict string
			if err := d.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
				t.Errorf("integrity_check: %s, %v", verdict, err)
			}
		}
	}, "REFRESH_REUSE_WINDOW=1m")
}

// loadAndKill lets clients loose and kills the server in the midst of them.
func loadAndKill(t *testing.T, s *server) []*acknowledged {
	t.Helper()
	var group sync.WaitGroup
	all := make([]*acknowledged, crashClients)
	for i := range all {
		all[i] = &acknowledged{}
		group.Go(func() {
			own := s.apart()
			for all[i].step(own) == nil {
			}
		})
	}
	s.within(time.Duration(500+rand.IntN(500)) * time.Millisecond)
	if s.over() {
		t.Fatal("the server ended by itself")
	}
	s.kill()
	group.Wait()
	return all
}

// step does one thing more. Its error is the end of the server.
func (a *acknowledged) step(s *server) error {
	switch n := len(a.sessions); {
	case len(a.people) == 0 || rand.IntN(25) == 0:
		who := newPerson()
		return acted(s, who.registration(), http.StatusCreated, func(answer) { a.people = append(a.people, who) })
	case n == 0 || rand.IntN(12) == 0:
		who := a.people[rand.IntN(len(a.people))]
		return acted(s, who.signIn(), http.StatusOK, func(got answer) {
			a.sessions = append(a.sessions, &kept{tokens: got.tokens()})
		})
	default:
		return a.sessions[rand.IntN(n)].step(s)
	}
}

func (k *kept) step(s *server) error {
	switch {
	case k.ended:
		return acted(s, call{path: "/protected", bearer: k.access}, http.StatusUnauthorized, func(answer) {})
	case rand.IntN(10) > 0:
		return acted(s, refreshing(k.refresh), http.StatusOK, func(got answer) {
			k.tokens = got.tokens()
			k.rotations++
		})
	}
	k.doubtful = true
	return acted(s, call{method: "POST", path: "/logout", bearer: k.access}, http.StatusNoContent, func(answer) {
		k.ended, k.doubtful = true, false
	})
}

// acted sends a request and notes its success. An answer that is none of success fails the test.
func acted(s *server, c call, want int, note func(answer)) error {
	got, err := s.try(c)
	if err != nil {
		if !s.killed.Load() {
			s.t.Errorf("%s %s: %v", c.method, c.path, err)
		}
		return err
	}
	if got.status != want {
		err := fmt.Errorf("%s %s: %d %s, want %d", c.method, c.path, got.status, got.body, want)
		s.t.Error(err)
		return err
	}
	note(got)
	return nil
}

// mustBeThere looks at everything that a client was told, and counts it.
func (a *acknowledged) mustBeThere(t *testing.T, s *server, total map[string]int) {
	t.Helper()
	for _, who := range a.people {
		s.call(who.signIn()).want(http.StatusOK, "")
		total["registrations"]++
	}
	for _, k := range a.sessions {
		total["sign-ins"]++
		total["refreshes"] += int(k.rotations)
		k.mustBeThere(t, s)
		if k.ended {
			total["sign-outs"]++
		}
	}
}

func (k *kept) mustBeThere(t *testing.T, s *server) {
	t.Helper()
	const rotation = "SELECT rotation FROM sessions WHERE id = $1"
	if n := s.in.number(t, rotation, k.session); n < k.rotations || n > k.rotations+1 {
		t.Errorf("the session is at rotation %d after %d answered refreshes", n, k.rotations)
	}
	switch {
	case k.ended:
		s.get("/protected", k.access).want(http.StatusUnauthorized, "invalid_token")
		s.refresh(k.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
	case !k.doubtful:
		s.get("/protected", k.access).want(http.StatusOK, "")
		s.refresh(k.refresh).want(http.StatusOK, "")
	}
}

func TestServer_KilledWhileItStartsStartsTheNextTime(t *testing.T) {
	eachEngine(t, func(t *testing.T, in *installation) {
		for i := range 8 {
			s := in.begin()
			s.within(time.Duration(i*i) * 2 * time.Millisecond)
			s.kill()
		}
		s := in.start()
		_, held := s.signedIn()
		s.get("/protected", held.access).want(http.StatusOK, "")
		if n := in.number(t, "SELECT count(*) FROM signing_keys"); n != 1 {
			t.Errorf("%d signing keys", n)
		}
	})
}
