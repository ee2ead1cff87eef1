package app_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func TestRegister_TheFirstAccountGetsNumberOne(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		got := s.register("alice").want(http.StatusCreated, "")
		if got.body != `{"message":"User registered successfully","user_id":1}`+"\n" &&
			got.body != `{"message":"User registered successfully","user_id":1}` {
			t.Errorf("answer %s", got.body)
		}
		if second := s.register("bob").want(http.StatusCreated, ""); second.json["user_id"] != 2.0 {
			t.Errorf("second account: %s", second.body)
		}
	})
}

func TestRegister_NamesEveryRuleThatEachFieldBreaks(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		got := s.call("POST", "/register", fields{"username": "a b", "email": "nobody", "password": "short"}, "").
			want(http.StatusUnprocessableEntity, "validation_failed")
		rules := map[string][]string{}
		for _, entry := range got.json["errors"].([]any) {
			e := entry.(map[string]any)
			for _, rule := range e["rules"].([]any) {
				rules[e["field"].(string)] = append(rules[e["field"].(string)], rule.(string))
			}
			if e["message"] == "" {
				t.Errorf("no message: %v", e)
			}
		}
		if len(rules) != 3 || len(rules["username"]) == 0 || len(rules["email"]) == 0 {
			t.Errorf("rules %v", rules)
		}
		for _, rule := range []string{"too_short", "no_upper", "no_digit", "no_special"} {
			if !slices.Contains(rules["password"], rule) {
				t.Errorf("password: %v lacks %s", rules["password"], rule)
			}
		}
		if strings.Contains(got.body, "short\"") && strings.Contains(got.body, `"short"`) {
			t.Errorf("the refused value is in the answer: %s", got.body)
		}
		s.register("alice").want(http.StatusCreated, "")
	})
}

func TestRegister_NamesAreTakenWithoutRegardToCase(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		s.register("Alice").want(http.StatusCreated, "")
		register := func(name, email string) answer {
			return s.call("POST", "/register", fields{"username": name, "email": email, "password": goodPassword}, "")
		}
		register("aLICE", "other@example.com").want(http.StatusConflict, "username_taken")
		register("other", "ALICE@Example.COM").want(http.StatusConflict, "email_taken")
		both := register("alice", "alice@example.com").want(http.StatusConflict, "username_taken")
		if n := len(both.json["errors"].([]any)); n != 2 {
			t.Errorf("%d entries where both are taken: %s", n, both.body)
		}
	})
}

func TestLogin_ByUsernameAndByEmail(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		s.register("alice").want(http.StatusCreated, "")
		for _, name := range []string{"alice", "ALICE", "alice@example.com", "Alice@EXAMPLE.com"} {
			got := s.login(name).want(http.StatusOK, "")
			if got.text("token_type") != "Bearer" || got.seconds("expires_in") != 15*time.Minute ||
				got.seconds("refresh_expires_in") != 24*time.Hour || !strings.HasPrefix(got.text("session_id"), "ses_") {
				t.Errorf("as %s: %s", name, got.body)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("tokens may be cached: %v", got.header)
			}
		}
	})
}

func TestLogin_EveryWrongCombinationHasOneAnswer(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		s.register("alice").want(http.StatusCreated, "")
		var first map[string]any
		for _, in := range []fields{
			{"username_or_email": "alice", "password": "Wrong-Horse-9"},
			{"username_or_email": "nobody", "password": goodPassword},
			{"username_or_email": "nobody@example.com", "password": goodPassword},
			{"username_or_email": "not a name at all", "password": goodPassword},
			{"username_or_email": strings.Repeat("x", 5000), "password": goodPassword},
			{"username_or_email": "alice", "password": goodPassword + strings.Repeat("x", 2000)},
			{"username_or_email": "alice", "password": " " + goodPassword},
		} {
			got := s.call("POST", "/login", in, "").want(http.StatusUnauthorized, "invalid_credentials")
			delete(got.json, "request_id")
			if first == nil {
				first = got.json
			}
			if a, b := toJSON(t, first), toJSON(t, got.json); a != b {
				t.Errorf("%.40v: %s differs from %s", in, b, a)
			}
			if got.header.Get("Www-Authenticate") != "" && strings.Contains(got.header.Get("Www-Authenticate"), "invalid_token") {
				t.Errorf("wrong credentials are not a wrong token: %v", got.header)
			}
		}
	})
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLogin_EmptyFieldsAreNamed(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		got := s.call("POST", "/login", fields{"username_or_email": "", "password": ""}, "").
			want(http.StatusUnprocessableEntity, "validation_failed")
		if n := len(got.json["errors"].([]any)); n != 2 {
			t.Errorf("%d entries: %s", n, got.body)
		}
	})
}

func TestProtected_WelcomesTheBearerAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, s *instance, clk *clock.Offset) {
		tokens := s.signedIn("alice")
		access := tokens.text("access_token")
		if got := s.call("GET", "/protected", nil, access).want(http.StatusOK, ""); got.text("message") !=
			"Welcome, alice! You have access to protected data." {
			t.Errorf("got %s", got.body)
		}
		none := s.call("GET", "/protected", nil, "").want(http.StatusUnauthorized, "token_missing")
		if challenge := none.header.Get("Www-Authenticate"); challenge != "Bearer" && !strings.HasPrefix(challenge, "Bearer realm") ||
			strings.Contains(challenge, "error") {
			t.Errorf("challenge without a token: %q", challenge)
		}
		parts := strings.Split(access, ".")
		for name, token := range map[string]string{
			"garbage": "garbage", "refresh token": tokens.text("refresh_token"), "no signature": parts[0] + "." + parts[1] + ".",
			"another signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
			"unsigned":          encode(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".",
		} {
			got := s.call("GET", "/protected", nil, token).want(http.StatusUnauthorized, "invalid_token")
			if challenge := got.header.Get("Www-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) ||
				!strings.Contains(challenge, "error_description=") {
				t.Errorf("%s: challenge %q", name, challenge)
			}
		}
		clk.Advance(15*time.Minute - time.Second)
		s.call("GET", "/protected", nil, access).want(http.StatusOK, "")
		clk.Advance(time.Second)
		s.call("GET", "/protected", nil, access).want(http.StatusUnauthorized, "invalid_token")
	})
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestAccessToken_HasTheClaimsOfTheContract(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		tokens := s.signedIn("alice")
		parts := strings.Split(tokens.text("access_token"), ".")
		var header, claims map[string]any
		for part, into := range map[string]*map[string]any{parts[0]: &header, parts[1]: &claims} {
			raw, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, into); err != nil {
				t.Fatal(err)
			}
		}
		if header["typ"] != "at+jwt" || header["alg"] != "ES256" || header["kid"] == "" {
			t.Errorf("header %v", header)
		}
		for claim, want := range map[string]any{
			"iss": "http://localhost:8080", "sub": "1", "aud": "http://localhost:8080/api", "client_id": "durward",
			"sid": tokens.text("session_id"), "username": "alice", "acr": string(ident.ACRSingleFactor),
		} {
			if claims[claim] != want {
				t.Errorf("%s is %v, want %v", claim, claims[claim], want)
			}
		}
		if toJSON(t, claims["roles"]) != "[]" || toJSON(t, claims["amr"]) != `["pwd"]` {
			t.Errorf("roles %v, amr %v", claims["roles"], claims["amr"])
		}
		for _, claim := range []string{"scope", "jti"} {
			if v, ok := claims[claim].(string); !ok || v == "" {
				t.Errorf("%s is %v", claim, claims[claim])
			}
		}
		iat := claims["iat"].(float64)
		if claims["exp"].(float64) != iat+900 || claims["nbf"] != iat || claims["auth_time"] != iat {
			t.Errorf("times %v", claims)
		}
	})
}

func TestRefresh_GivesASuccessorAndTheSameOneAgainWithinTheWindow(t *testing.T) {
	each(t, func(t *testing.T, s *instance, clk *clock.Offset) {
		first := s.signedIn("alice").text("refresh_token")
		second := s.refresh(first).want(http.StatusOK, "").text("refresh_token")
		if second == first {
			t.Fatal("not rotated")
		}
		clk.Advance(9 * time.Second)
		again := s.refresh(first).want(http.StatusOK, "")
		if again.text("refresh_token") != second {
			t.Error("another successor within the window")
		}
		s.call("GET", "/protected", nil, again.text("access_token")).want(http.StatusOK, "")
		clk.Advance(2 * time.Second) // 11 s from the rotation: repeating has not extended the window
		s.refresh(first).want(http.StatusUnauthorized, "refresh_token_reused")
		s.refresh(second).want(http.StatusUnauthorized, "invalid_refresh_token")
		s.refresh(first).want(http.StatusUnauthorized, "refresh_token_reused")
		s.call("GET", "/protected", nil, again.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
	})
}

func TestRefresh_TheTokenBeforeTheLastIsTheftAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		first := s.signedIn("alice").text("refresh_token")
		second := s.refresh(first).text("refresh_token")
		third := s.refresh(second).want(http.StatusOK, "")
		s.refresh(first).want(http.StatusUnauthorized, "refresh_token_reused")
		s.refresh(third.text("refresh_token")).want(http.StatusUnauthorized, "invalid_refresh_token")
		s.call("GET", "/me", nil, third.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
		s.login("alice").want(http.StatusOK, "")
	})
}

func TestRefresh_EndsAtTheIdleAndTheAbsoluteLimit(t *testing.T) {
	each(t, func(t *testing.T, s *instance, clk *clock.Offset) {
		idle := s.signedIn("alice").text("refresh_token")
		clk.Advance(24*time.Hour - time.Second)
		fresh := s.refresh(idle).want(http.StatusOK, "").text("refresh_token")
		clk.Advance(24 * time.Hour)
		s.refresh(fresh).want(http.StatusUnauthorized, "invalid_refresh_token")

		token := s.login("alice").text("refresh_token")
		for range 29 {
			clk.Advance(24*time.Hour - time.Minute)
			token = s.refresh(token).want(http.StatusOK, "").text("refresh_token")
		}
		clk.Advance(24*time.Hour - time.Minute)
		last := s.refresh(token).want(http.StatusOK, "")
		if left := last.seconds("refresh_expires_in"); (left - 30*time.Minute).Abs() > 2*time.Second {
			t.Errorf("refresh_expires_in %s, want the 30 minutes that are left of 30 days", left)
		}
		clk.Advance(16 * time.Minute)
		last = s.refresh(last.text("refresh_token")).want(http.StatusOK, "")
		if left := last.seconds("expires_in"); (left - 14*time.Minute).Abs() > 2*time.Second {
			t.Errorf("expires_in %s; an access token never outlives its session", left)
		}
		clk.Advance(14 * time.Minute)
		s.refresh(last.text("refresh_token")).want(http.StatusUnauthorized, "invalid_refresh_token")
	})
}

func TestRefresh_RefusesWhatIsNoToken(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		tokens := s.signedIn("alice")
		for _, token := range []string{"x", "dwr_", tokens.text("access_token"), tokens.text("refresh_token") + "x"} {
			s.refresh(token).want(http.StatusUnauthorized, "invalid_refresh_token")
		}
		s.refresh("").want(http.StatusUnprocessableEntity, "validation_failed")
	})
}

func TestLogout_EndsThisSessionAndNoOther(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		one, two := s.signedIn("alice"), s.login("alice")
		if got := s.call("POST", "/logout", nil, one.text("access_token")).want(http.StatusNoContent, ""); got.body != "" {
			t.Errorf("body %q", got.body)
		}
		s.call("GET", "/protected", nil, one.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
		s.refresh(one.text("refresh_token")).want(http.StatusUnauthorized, "invalid_refresh_token")
		s.call("POST", "/logout", nil, one.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
		s.call("GET", "/protected", nil, two.text("access_token")).want(http.StatusOK, "")
		s.refresh(two.text("refresh_token")).want(http.StatusOK, "")
	})
}

func TestLogout_ByRefreshTokenWhenTheAccessTokenHasExpired(t *testing.T) {
	each(t, func(t *testing.T, s *instance, clk *clock.Offset) {
		tokens := s.signedIn("alice")
		clk.Advance(time.Hour)
		body := fields{"refresh_token": tokens.text("refresh_token")}
		s.call("POST", "/logout", fields{"refresh_token": "dwr_x"}, "").want(http.StatusUnauthorized, "invalid_refresh_token")
		s.call("POST", "/logout", nil, "").want(http.StatusUnauthorized, "token_missing")
		s.call("POST", "/logout", body, "").want(http.StatusNoContent, "")
		s.call("POST", "/logout", body, "").want(http.StatusUnauthorized, "invalid_refresh_token")
		s.refresh(tokens.text("refresh_token")).want(http.StatusUnauthorized, "invalid_refresh_token")

		expired := s.login("alice")
		clk.Advance(time.Hour)
		s.call("POST", "/logout", fields{"refresh_token": expired.text("refresh_token")}, expired.text("access_token")).
			want(http.StatusNoContent, "")
	})
}

func TestLogoutAll_EndsAllOfTheUsersAndNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		one, two, other := s.signedIn("alice"), s.login("alice"), s.signedIn("bob")
		s.call("POST", "/logout/all", nil, "").want(http.StatusUnauthorized, "token_missing")
		s.call("POST", "/logout/all", nil, one.text("access_token")).want(http.StatusNoContent, "")
		for _, tokens := range []answer{one, two} {
			s.call("GET", "/protected", nil, tokens.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
			s.refresh(tokens.text("refresh_token")).want(http.StatusUnauthorized, "invalid_refresh_token")
		}
		s.call("GET", "/protected", nil, other.text("access_token")).want(http.StatusOK, "")
	})
}

func TestMe_RolesAreThoseOfTheDatabaseNow(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		access := s.signedIn("alice").text("access_token")
		got := s.call("GET", "/me", nil, access).want(http.StatusOK, "")
		if got.json["id"] != 1.0 || got.text("username") != "alice" || got.text("email") != "alice@example.com" ||
			toJSON(t, got.json["roles"]) != "[]" {
			t.Errorf("got %s", got.body)
		}
		for _, member := range []string{"created_at", "updated_at"} {
			if at, err := time.Parse("2006-01-02T15:04:05.000000Z", got.text(member)); err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("%s: %s, %v", member, at, err)
			}
		}
		operator := ident.Actor{Kind: ident.ActorOperator}
		for _, name := range []role.Name{role.Viewer, role.Admin} {
			if _, err := s.app.Manage.Grant(t.Context(), operator, 1, name); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.call("GET", "/me", nil, access); toJSON(t, got.json["roles"]) != `["admin","viewer"]` {
			t.Errorf("after the grants: %s", got.body)
		}
		if _, err := s.app.Manage.Revoke(t.Context(), operator, 1, role.Admin); err != nil {
			t.Fatal(err)
		}
		if got := s.call("GET", "/me", nil, access); toJSON(t, got.json["roles"]) != `["viewer"]` {
			t.Errorf("after the revocation: %s", got.body)
		}
	})
}

func TestSetPassword_EndsTheSessionsAndTheOldPassword(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		tokens := s.signedIn("alice")
		const fresh = "Another-Horse-7"
		if n, err := s.app.Manage.SetPassword(t.Context(), ident.Actor{Kind: ident.ActorOperator}, 1, secret.New(fresh)); err != nil || n != 1 {
			t.Fatalf("%d sessions, %v", n, err)
		}
		s.call("GET", "/me", nil, tokens.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
		s.login("alice").want(http.StatusUnauthorized, "invalid_credentials")
		s.call("POST", "/login", fields{"username_or_email": "alice", "password": fresh}, "").want(http.StatusOK, "")
	})
}

func TestSignIn_RenewsAHashOfAnotherScheme(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		old := start(t, url, clock.System{}, func(c *config.Config) { c.Hash.Scheme = "bcrypt" })
		old.register("alice").want(http.StatusCreated, "")
		now := start(t, url, clock.System{}, nil)
		hash := func() string {
			var h string
			if err := now.app.DB.QueryRow(t.Context(), `SELECT password_hash FROM users WHERE id = 1`).Scan(&h); err != nil {
				t.Fatal(err)
			}
			return h
		}
		if !strings.HasPrefix(hash(), "$2b$") {
			t.Fatalf("made as %.10s", hash())
		}
		now.call("POST", "/login", fields{"username_or_email": "alice", "password": "Wrong-Horse-9"}, "").
			want(http.StatusUnauthorized, "invalid_credentials")
		if !strings.HasPrefix(hash(), "$2b$") {
			t.Error("a wrong password renewed the hash")
		}
		now.login("alice").want(http.StatusOK, "")
		if !strings.HasPrefix(hash(), "$argon2id$") {
			t.Errorf("after sign-in still %.10s", hash())
		}
		now.login("alice").want(http.StatusOK, "")
	})
}

func TestSignIn_TheRightPasswordGetsInWhileOthersRenewTheHash(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		old := start(t, url, clock.System{}, func(c *config.Config) { c.Hash.Scheme = "bcrypt" })
		old.register("alice").want(http.StatusCreated, "")
		now := start(t, url, clock.System{}, nil)
		var wg sync.WaitGroup
		for range 4 { // bcrypt is slow under the race detector
			wg.Go(func() {
				got, err := now.send("POST", "/login", fields{"username_or_email": "alice", "password": goodPassword}, "")
				if err != nil || got.status != http.StatusOK {
					t.Errorf("%d %s, %v", got.status, got.body, err)
				}
			})
		}
		wg.Wait()
		if n := number(t, now, `SELECT count(1) FROM audit_events WHERE outcome = 'refused' AND type = 'session.started'`); n != 0 {
			t.Errorf("%d sign-ins refused", n)
		}
	})
}

func TestRotation_NoTokenIsRefusedWhateverLifeItWasGiven(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		clk := &clock.Offset{}
		s := start(t, url, clk, func(c *config.Config) { c.AccessTokenTTL = 24 * time.Hour })
		other := start(t, url, clk, func(c *config.Config) { c.SigningAlgorithm = "ES256" })
		if _, err := other.app.Keys.Rotate(t.Context(), ident.Actor{Kind: ident.ActorOperator}, false); err != nil {
			t.Fatal(err)
		}
		clk.Advance(6*time.Minute - time.Second) // the old key signs for the last time
		access := s.signedIn("alice").text("access_token")
		for _, step := range []time.Duration{2 * time.Second, 20 * time.Minute, 23 * time.Hour} {
			clk.Advance(step)
			for _, at := range []*instance{s, other} {
				if err := at.app.Ring.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				at.call("GET", "/protected", nil, access).want(http.StatusOK, "")
			}
		}
	})
}

func TestRotation_KeepsTheAlgorithmThatNobodyChose(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		clk := &clock.Offset{}
		start(t, url, clk, func(c *config.Config) { c.SigningAlgorithm = "EdDSA" })
		s := start(t, url, clk, nil)
		operator := ident.Actor{Kind: ident.ActorOperator}
		if err := s.app.Keys.Scheduled(t.Context(), operator); err != nil {
			t.Fatal(err)
		}
		if n := number(t, s, `SELECT count(1) FROM signing_keys`); n != 1 {
			t.Errorf("%d keys: the schedule changed the algorithm", n)
		}
		change, err := s.app.Keys.Rotate(t.Context(), operator, true)
		if err != nil || change.Key.Algorithm != "EdDSA" {
			t.Errorf("%+v, %v", change, err)
		}
	})
}

func TestDeactivatedAccount_IsRefusedEverywhereWithOneAnswer(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		tokens := s.signedIn("alice")
		execute(t, s, `UPDATE users SET status = 'deactivated' WHERE id = 1`)
		s.login("alice").want(http.StatusUnauthorized, "invalid_credentials")
		s.refresh(tokens.text("refresh_token")).want(http.StatusUnauthorized, "invalid_refresh_token")
		s.call("GET", "/protected", nil, tokens.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
		s.call("POST", "/logout", nil, tokens.text("access_token")).want(http.StatusUnauthorized, "invalid_token")
		execute(t, s, `UPDATE users SET status = 'active' WHERE id = 1`)
		s.call("GET", "/protected", nil, tokens.text("access_token")).want(http.StatusOK, "")
	})
}
