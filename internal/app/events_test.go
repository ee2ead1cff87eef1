package app_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// history gives an account's events, the oldest first, as "type outcome reason".
func history(t *testing.T, s *instance, id ident.UserID) []string {
	t.Helper()
	entries, err := s.app.Audit.OfSubject(t.Context(), s.app.DB, id, 1<<62, 100)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		if !e.Intact {
			t.Errorf("event %s is not intact", e.Event.ID)
		}
		lines = append(lines, strings.TrimSpace(string(e.Event.Type)+" "+string(e.Event.Outcome)+" "+e.Event.Reason))
	}
	slices.Reverse(lines)
	return lines
}

func TestEvents_TellEveryChangeAndTheTrueReasonOfEveryRefusal(t *testing.T) {
	each(t, func(t *testing.T, s *instance, clk *clock.Offset) {
		first := s.signedIn("alice")
		s.register("alice").want(http.StatusConflict, "username_taken")
		s.call("POST", "/login", fields{"username_or_email": "alice", "password": "Wrong-Horse-9"}, "")
		second := s.refresh(first.text("refresh_token"))
		clk.Advance(time.Minute)
		s.refresh(first.text("refresh_token")).want(http.StatusUnauthorized, "refresh_token_reused")
		s.refresh(second.text("refresh_token")).want(http.StatusUnauthorized, "")
		third := s.login("alice")
		s.call("POST", "/logout", nil, third.text("access_token")).want(http.StatusNoContent, "")
		s.call("POST", "/logout/all", nil, s.login("alice").text("access_token")).want(http.StatusNoContent, "")
		operator := ident.Actor{Kind: ident.ActorOperator}
		for range 2 {
			if _, err := s.app.Manage.Grant(t.Context(), operator, 1, role.Editor); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.app.Manage.SetPassword(t.Context(), operator, 1, secret.New("Another-Horse-7")); err != nil {
			t.Fatal(err)
		}
		execute(t, s, `UPDATE users SET status = 'deactivated'`)
		s.call("POST", "/login", fields{"username_or_email": "alice", "password": "Another-Horse-7"}, "")

		want := []string{
			"account.registered success",
			"session.started success",
			"session.started refused password_wrong",
			"session.refresh_reused refused refresh_reuse",
			"session.refreshed refused session_ended",
			"session.started success",
			"session.ended success sign_out",
			"session.started success",
			"session.all_ended success sign_out_all",
			"role.granted success",
			"password.set success",
			"session.started refused account_deactivated",
		}
		if diff := cmp.Diff(want, history(t, s, 1)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestEvents_WhoAndFromWhere(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		tokens := s.signedIn("alice")
		s.call("POST", "/logout", nil, tokens.text("access_token")).want(http.StatusNoContent, "")
		entries, err := s.app.Audit.OfSubject(t.Context(), s.app.DB, 1, 1<<62, 100)
		if err != nil {
			t.Fatal(err)
		}
		ended := entries[0].Event
		if ended.Actor.Kind != ident.ActorUser || ended.Actor.User != 1 || string(ended.Session) != tokens.text("session_id") ||
			!ended.Actor.Address.IsLoopback() || !strings.HasPrefix(ended.Actor.Device, "Go-http-client") ||
			!strings.HasPrefix(string(ended.Actor.Request), "req_") || ended.Client != ident.FirstParty {
			t.Errorf("event %+v", ended)
		}
	})
}

func TestEvents_AStrangersFailureConcernsNobody(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		s.login("nobody").want(http.StatusUnauthorized, "invalid_credentials")
		if n := number(t, s, `SELECT count(1) FROM audit_events WHERE subject_id IS NULL AND reason = 'account_unknown'
			AND sealed_for LIKE 'day:%'`); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

func TestEvents_ARefusedRefreshTellsWhy(t *testing.T) {
	each(t, func(t *testing.T, s *instance, clk *clock.Offset) {
		token := s.signedIn("alice").text("refresh_token")
		execute(t, s, `UPDATE users SET status = 'deactivated'`)
		s.refresh(token).want(http.StatusUnauthorized, "invalid_refresh_token")
		execute(t, s, `UPDATE users SET status = 'active'`)
		execute(t, s, `UPDATE sessions SET rotation = -1`)
		s.refresh(token).want(http.StatusUnauthorized, "invalid_refresh_token")
		execute(t, s, `UPDATE sessions SET rotation = 0`)
		clk.Advance(24 * time.Hour)
		s.refresh(token).want(http.StatusUnauthorized, "invalid_refresh_token")
		want := []string{
			"account.registered success",
			"session.started success",
			"session.refreshed refused account_deactivated",
			"session.refreshed refused token_foreign",
			"session.refreshed refused session_idle",
		}
		if diff := cmp.Diff(want, history(t, s, 1)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		before := number(t, s, `SELECT count(1) FROM audit_events`)
		s.refresh("dwr_nonsense").want(http.StatusUnauthorized, "invalid_refresh_token")
		if after := number(t, s, `SELECT count(1) FROM audit_events`); after != before {
			t.Error("what is no token of ours leaves a row")
		}
		if n := s.app.Audit.Count(audit.SessionRefreshed, audit.Refused); n != 4 {
			t.Errorf("%d refusals counted, want 4", n)
		}
	})
}

func TestEvents_SignOutByRefreshTokenIsTheUsersOwn(t *testing.T) {
	each(t, func(t *testing.T, s *instance, clk *clock.Offset) {
		tokens := s.signedIn("alice")
		s.call("POST", "/logout", fields{"refresh_token": tokens.text("refresh_token")}, "").want(http.StatusNoContent, "")
		stale := s.login("alice").text("refresh_token")
		fresh := s.refresh(stale)
		clk.Advance(time.Minute)
		s.call("POST", "/logout", fields{"refresh_token": stale}, "").want(http.StatusNoContent, "")
		s.refresh(fresh.text("refresh_token")).want(http.StatusUnauthorized, "invalid_refresh_token")
		entries, err := s.app.Audit.OfSubject(t.Context(), s.app.DB, 1, 1<<62, 100)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(entries)
		if ended := entries[2].Event; ended.Type != audit.SessionEnded || ended.Actor.Kind != ident.ActorUser || ended.Actor.User != 1 {
			t.Errorf("event %+v", ended)
		}
		if theft := entries[4].Event; theft.Type != audit.RefreshReused || theft.Details["presented"] != "0" {
			t.Errorf("an old token at sign-out is theft all the same: %+v", theft)
		}
	})
}

func TestRefresh_GrowsNoTable(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		token := s.signedIn("alice").text("refresh_token")
		const rows = `SELECT (SELECT count(1) FROM sessions) + (SELECT count(1) FROM audit_events)`
		before := number(t, s, rows)
		for range 20 {
			token = s.refresh(token).want(http.StatusOK, "").text("refresh_token")
		}
		if after := number(t, s, rows); after != before {
			t.Errorf("%d rows before, %d after 20 refreshes", before, after)
		}
	})
}

// statements counts what an operation asks the database for.
type statements struct {
	mu   sync.Mutex
	seen []string
}

func (c *statements) observe(sql string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, strings.Fields(sql)[0])
}

func (c *statements) during(act func()) []string {
	c.mu.Lock()
	c.seen = nil
	c.mu.Unlock()
	act()
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

func TestStatements_EachOperationMakesFew(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		count := &statements{}
		s := startWith(t, url, app.Options{Clock: clock.System{}, Observe: count.observe}, func(*config.Config) {})
		tokens := s.signedIn("alice")
		access, refresh := tokens.text("access_token"), tokens.text("refresh_token")
		s.call("GET", "/protected", nil, access)
		expect := func(name string, act func(), reads, writes int) {
			t.Helper()
			got := count.during(act)
			r, w := 0, 0
			for _, verb := range got {
				switch verb {
				case "SELECT", "WITH":
					r++
				case "INSERT", "UPDATE", "DELETE":
					w++
				}
			}
			if r > reads || w > writes {
				t.Errorf("%s: %v; want at most %d reads and %d writes", name, got, reads, writes)
			}
		}
		expect("protected", func() { s.call("GET", "/protected", nil, access).want(200, "") }, 1, 0)
		expect("refresh", func() { s.refresh(refresh).want(200, "") }, 1, 1)
		expect("keys", func() { s.call("GET", "/.well-known/jwks.json", nil, "").want(200, "") }, 0, 0)
		// Sign-in reads the account to verify the password, and once more, locked, to decide on it as it is then; on
		// PostgreSQL the transaction's clock is a read too.
		expect("sign-in", func() { s.login("alice").want(200, "") }, 4, 2)
	})
}
