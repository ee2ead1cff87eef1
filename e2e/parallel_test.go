package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd is how many requests come at once.
const crowd = 64

// atOnce sends a crowd of requests, spread over servers, as near to the same moment as can be, and gives the answers.
func atOnce(t *testing.T, servers []*server, request func(i int) call) []answer {
	t.Helper()
	answers := make([]answer, crowd)
	gate := make(chan struct{})
	var group sync.WaitGroup
	for i := range crowd {
		c := request(i)
		group.Go(func() {
			own := servers[i%len(servers)].apart()
			<-gate
			a, err := own.try(c)
			if err != nil {
				t.Errorf("request %d: %v", i, err)
			}
			answers[i] = a
		})
	}
	close(gate)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return answers
}

// count tells how many answers there are of each status and code.
func count(answers []answer) map[string]int {
	counts := map[string]int{}
	for _, a := range answers {
		counts[strings.TrimSpace(fmt.Sprint(a.status, " ", a.code()))]++
	}
	return counts
}

func wantCounts(t *testing.T, answers []answer, want map[string]int) {
	t.Helper()
	if got := count(answers); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("answers %v, want %v", got, want)
	}
}

// eachCrowded runs fn over each engine: on one instance over SQLite, on two over PostgreSQL.
func eachCrowded(t *testing.T, fn func(t *testing.T, all []*server), more ...string) {
	t.Helper()
	eachEngine(t, func(t *testing.T, in *installation) {
		all := []*server{in.start()}
		if in.engine == postgresEngine {
			all = append(all, in.start())
		}
		fn(t, all)
	}, more...)
}

func TestRefresh_OfOneTokenByManyAtOnceGivesOneSuccessorToAll(t *testing.T) {
	eachCrowded(t, func(t *testing.T, all []*server) {
		_, held := all[0].signedIn()
		answers := atOnce(t, all, func(int) call { return refreshing(held.refresh) })
		wantCounts(t, answers, map[string]int{"200": crowd})
		successor := answers[0].tokens()
		for _, a := range answers {
			if a.tokens().refresh != successor.refresh {
				t.Fatal("more than one successor")
			}
		}
		for _, s := range all {
			s.get("/protected", answers[crowd-1].tokens().access).want(http.StatusOK, "")
		}
		in := all[0].in
		if n := in.number(t, "SELECT rotation FROM sessions"); n != 1 {
			t.Errorf("the session is at rotation %d, want 1", n)
		}
		if n := in.number(t, "SELECT count(*) FROM audit_events WHERE type = 'session.refresh_reused'"); n != 0 {
			t.Errorf("%d events of theft", n)
		}
		all[0].refresh(successor.refresh).want(http.StatusOK, "")
	})
}

func TestRefresh_OfOldTokensByManyAtOnceIsOneTheft(t *testing.T) {
	const window = 20 * time.Millisecond
	eachCrowded(t, func(t *testing.T, all []*server) {
		_, held := all[0].signedIn()
		next := all[0].refresh(held.refresh).tokens()
		after := time.Now().Add(2 * window)
		eventually(t, patience, "the window is over", func() bool { return time.Now().After(after) })
		answers := atOnce(t, all, func(int) call { return refreshing(held.refresh) })
		wantCounts(t, answers, map[string]int{"401 refresh_token_reused": crowd})
		for _, s := range all {
			s.refresh(next.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
			s.get("/protected", next.access).want(http.StatusUnauthorized, "invalid_token")
		}
		in := all[0].in
		if n := in.number(t, "SELECT count(*) FROM audit_events WHERE type = 'session.refresh_reused'"); n != 1 {
			t.Errorf("%d events of one theft", n)
		}
		if n := in.number(t, "SELECT count(*) FROM sessions WHERE end_reason = 'refresh_reuse'"); n != 1 {
			t.Errorf("%d sessions ended", n)
		}
	}, "REFRESH_REUSE_WINDOW="+window.String())
}

func TestRegister_OfOneNameByManyAtOnceMakesOneAccount(t *testing.T) {
	eachCrowded(t, func(t *testing.T, all []*server) {
		who := newPerson()
		answers := atOnce(t, all, func(i int) call {
			name := who.name
			if i%2 == 1 {
				name = strings.ToUpper(name)
			}
			return person{name, newPerson().email, who.password}.registration()
		})
		wantCounts(t, answers, map[string]int{"201": 1, "409 username_taken": crowd - 1})
		if n := all[0].in.number(t, "SELECT count(*) FROM users"); n != 1 {
			t.Errorf("%d rows", n)
		}
	}, "HASH_QUEUE=200")
}

func TestLogout_ByManyAtOnceEndsTheSessionOnce(t *testing.T) {
	eachCrowded(t, func(t *testing.T, all []*server) {
		_, held := all[0].signedIn()
		answers := atOnce(t, all, func(int) call { return call{method: "POST", path: "/logout", bearer: held.access} })
		wantCounts(t, answers, map[string]int{"204": 1, "401 invalid_token": crowd - 1})
		query := "SELECT count(*) FROM audit_events WHERE type = 'session.ended' AND outcome = 'success'"
		if n := all[0].in.number(t, query); n != 1 {
			t.Errorf("%d events of one end", n)
		}
	})
}
