package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// quick is how soon a server has to say that its database is away: its clients wait, and so do the connections.
const quick = 5 * time.Second

// unavailable checks the answer to a request that needed the database.
func (a answer) unavailable() {
	a.t.Helper()
	a.want(http.StatusServiceUnavailable, "database_unavailable")
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 1 {
		a.t.Errorf("%s: Retry-After %q", a.call.path, a.header.Get("Retry-After"))
	}
	if a.took > quick {
		a.t.Errorf("%s: refused after %s", a.call.path, a.took)
	}
}

func TestServer_WhoseDatabaseGoesAwaySaysSoAndRecoversByItself(t *testing.T) {
	t.Parallel()
	database := dbtest.StartServer(t)
	in := newInstallationOn(t, postgresEngine, database.URL().Reveal())
	s := in.start()
	who, held := s.signedIn()
	s.get("/protected", held.access).want(http.StatusOK, "")

	for range 2 { // it may go away more than once
		database.Stop()
		s.sayDatabaseIsAway(who, held)
		database.Start()
		s.recovers()
		s.get("/protected", held.access).want(http.StatusOK, "")
		held = s.refresh(held.refresh).tokens()
		s.get("/protected", s.call(who.signIn()).tokens().access).want(http.StatusOK, "")
		s.register()
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func (s *server) recovers() {
	s.t.Helper()
	eventually(s.t, patience, "the server is ready again", func() bool {
		return s.get("/readyz", "").status == http.StatusOK
	})
}

func (s *server) sayDatabaseIsAway(who person, held tokens) {
	s.t.Helper()
	eventually(s.t, patience, "/readyz says that the database is away", func() bool {
		got := s.get("/readyz", "")
		return got.is(http.StatusServiceUnavailable, "not_ready") && strings.Contains(got.text("detail"), "database") &&
			got.header.Get("Retry-After") != ""
	})
	s.call(newPerson().registration()).unavailable()
	s.call(who.signIn()).unavailable()
	s.refresh(held.refresh).unavailable()
	s.get("/protected", held.access).unavailable()
	s.get("/me", held.access).unavailable()
	s.post("/logout", nil, held.access).unavailable()
	s.post("/logout", fields{"refresh_token": held.refresh}, "").unavailable()
	s.post("/logout/all", nil, held.access).unavailable()
	s.get("/healthz", "").want(http.StatusOK, "")
	s.get("/.well-known/jwks.json", "").want(http.StatusOK, "")
	s.get("/docs", "").want(http.StatusOK, "")
	s.get("/protected", "").want(http.StatusUnauthorized, "token_missing")
	s.call(person{name: "x y", email: "x", password: weakPassword()}.registration()).
		want(http.StatusUnprocessableEntity, "validation_failed")
	if s.over() {
		s.t.Fatal("the server has ended")
	}
}

func TestServer_WhoseDatabaseIsAwayAtTheStartSaysSoAndEnds(t *testing.T) {
	t.Parallel()
	in := newInstallationOn(t, postgresEngine, withPassword(t, "postgres://durward@127.0.0.1:1/durward?sslmode=disable"))
	s := in.begin()
	if code := s.wait(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if said := s.stderr(); !strings.Contains(said, "database") || !strings.Contains(said, "127.0.0.1:1") {
		t.Errorf("it said:\n%s", said)
	}
}
