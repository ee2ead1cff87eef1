package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRegister_AnswersWithTheNumberOfTheAccount(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		for number := 1; number <= 2; number++ {
			got := s.call(newPerson().registration()).want(http.StatusCreated, "")
			want := fmt.Sprintf(`{"message":"User registered successfully","user_id":%d}`, number)
			if strings.TrimSpace(string(got.body)) != want {
				t.Errorf("got %s, want %s", got.body, want)
			}
			if got.header.Get("Content-Type") != "application/json" || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("header %v", got.header)
			}
		}
	})
}

func TestRegister_NamesEveryRuleThatEachFieldBreaksAndNeverTheValue(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		weak := weakPassword()
		got := s.post("/register", fields{"username": "two words", "email": "nobody", "password": weak}, "").
			want(http.StatusUnprocessableEntity, "validation_failed")
		rules := got.rules()
		if want := []string{"no_digit", "no_special", "no_upper", "too_short"}; !slices.Equal(rules["password"], want) {
			t.Errorf("password: %v, want %v", rules["password"], want)
		}
		if len(rules) != 3 || len(rules["username"]) == 0 || len(rules["email"]) == 0 {
			t.Errorf("rules %v", rules)
		}
		for _, value := range []string{weak, "two words", "nobody"} {
			if strings.Contains(string(got.body), value) {
				t.Errorf("a refused value is in the answer")
			}
		}
		if n := s.in.number(t, "SELECT count(*) FROM users"); n != 0 {
			t.Errorf("%d accounts were made", n)
		}
	})
}

func TestRegister_RefusesWhatIsTakenWithoutRegardToCase(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p, other := s.register(), newPerson()
		upper := strings.ToUpper
		for _, tt := range []struct {
			name, email, code string
			fields            int
		}{
			{p.name, other.email, "username_taken", 1},
			{upper(p.name), other.email, "username_taken", 1},
			{other.name, upper(p.email), "email_taken", 1},
			{upper(p.name), p.email, "username_taken", 2},
		} {
			got := s.call(person{tt.name, tt.email, other.password}.registration()).want(http.StatusConflict, tt.code)
			if rules := got.rules(); len(rules) != tt.fields {
				t.Errorf("%s, %s: %v", tt.name, tt.email, rules)
			}
		}
		s.call(other.registration()).want(http.StatusCreated, "")
	})
}

func TestLogin_GivesTheTokensForTheNameAndForTheAddressInAnyCase(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p := s.register()
		for _, name := range []string{p.name, strings.ToUpper(p.name), p.email, strings.ToUpper(p.email)} {
			got := s.call(person{name: name, password: p.password}.signIn()).want(http.StatusOK, "")
			got.tokens()
			if len(got.json) != 6 || got.json["token_type"] != "Bearer" || got.json["expires_in"] != 900.0 ||
				got.json["refresh_expires_in"] != 86400.0 {
				t.Errorf("as %s: other members than the six", name)
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("tokens may be kept: %v", got.header)
			}
		}
	})
}

func TestLogin_HasOneAnswerForWhateverIsWrong(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p := s.register()
		first := ""
		for _, wrong := range []person{
			{name: p.name, password: newPassword()},
			{name: p.email, password: p.password + "x"},
			{name: newPerson().name, password: p.password},
			{name: newPerson().email, password: p.password},
			{name: "' OR 1=1 --", password: p.password},
			{name: p.name, password: strings.Repeat(p.password, 60)},
		} {
			got := s.call(wrong.signIn()).want(http.StatusUnauthorized, "invalid_credentials")
			text := strings.ReplaceAll(string(got.body), got.text("request_id"), "")
			if first == "" {
				first = text
			}
			if text != first {
				t.Errorf("%s differs from %s", text, first)
			}
			if challenge := got.header.Get("WWW-Authenticate"); strings.Contains(challenge, "invalid_token") {
				t.Errorf("wrong credentials are no wrong token: %q", challenge)
			}
		}
	})
}

func TestProtected_WelcomesTheBearer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p, held := s.signedIn()
		got := s.get("/protected", held.access).want(http.StatusOK, "")
		want := `{"message":"Welcome, ` + p.name + `! You have access to protected data."}`
		if strings.TrimSpace(string(got.body)) != want {
			t.Errorf("got %s, want %s", got.body, want)
		}
	})
}

func TestBearerCalls_ChallengeWhoeverHasNoGoodToken(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, held := s.signedIn()
		wrong := http.Header{}
		for _, value := range []string{"Bearer", "Bearer ", "Bearer a b", "Bearer  " + held.access, "bearer x",
			"Bearer " + held.refresh, "Bearer " + held.access + "x", "Bearer " + held.access[:len(held.access)-4]} {
			wrong[value] = []string{value}
		}
		wrong["twice"] = []string{"Bearer " + held.access, "Bearer " + held.access}
		none := http.Header{"absent": nil, "another scheme": {"Basic dTpw"}, "no scheme": {held.access}}
		for _, r := range []call{{path: "/protected"}, {path: "/me"}, {method: "POST", path: "/logout"},
			{method: "POST", path: "/logout/all"}} {
			for name, values := range none {
				r.header = http.Header{"Authorization": values}
				got := s.call(r).want(http.StatusUnauthorized, "token_missing")
				if c := got.header.Values("WWW-Authenticate"); len(c) != 1 || !strings.HasPrefix(c[0], "Bearer") ||
					strings.Contains(c[0], "error") {
					t.Errorf("%s, %s: challenge %q", r.path, name, c)
				}
			}
			for name, values := range wrong {
				r.header = http.Header{"Authorization": values}
				got := s.call(r).want(http.StatusUnauthorized, "invalid_token")
				if c := got.header.Values("WWW-Authenticate"); len(c) != 1 ||
					!strings.HasPrefix(c[0], `Bearer error="invalid_token", error_description="`) {
					t.Errorf("%s, %.10q: challenge %q", r.path, name, c)
				}
			}
		}
		s.get("/protected", held.access).want(http.StatusOK, "")
	})
}

func TestBearerCalls_TakeTheTokenFromTheHeaderAlone(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, held := s.signedIn()
		s.call(call{path: "/protected?access_token=" + held.access}).want(http.StatusUnauthorized, "token_missing")
		s.call(call{path: "/protected", header: http.Header{"Cookie": {"access_token=" + held.access}}}).
			want(http.StatusUnauthorized, "token_missing")
		s.call(call{path: "/protected", header: http.Header{"Authorization": {"bEaReR " + held.access}}}).
			want(http.StatusOK, "")
	})
}

func TestRefresh_GivesASuccessorAndTheSameOneAgainAtOnce(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, first := s.signedIn()
		second := s.refresh(first.refresh).tokens()
		again := s.refresh(first.refresh).tokens()
		if second.refresh == first.refresh || again.refresh != second.refresh || again.session != first.session {
			t.Error("the token is not rotated once")
		}
		for _, access := range []string{first.access, second.access, again.access} {
			s.get("/protected", access).want(http.StatusOK, "")
		}
	})
}

func TestRefresh_TheTokenBeforeTheLastIsTheftAndEndsTheSession(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p, first := s.signedIn()
		second := s.refresh(first.refresh).tokens()
		third := s.refresh(second.refresh).tokens()
		s.refresh(first.refresh).want(http.StatusUnauthorized, "refresh_token_reused")
		s.refresh(third.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
		s.get("/protected", third.access).want(http.StatusUnauthorized, "invalid_token")
		s.call(p.signIn()).tokens()
	})
}

func TestRefresh_RefusesWhatIsNoTokenOfOurs(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, held := s.signedIn()
		for _, token := range []string{"x", "dwr_", held.access, held.refresh + "A", held.refresh[:len(held.refresh)-1],
			strings.ToUpper(held.refresh), " " + held.refresh} {
			got := s.refresh(token).want(http.StatusUnauthorized, "invalid_refresh_token")
			if c := got.header.Get("WWW-Authenticate"); strings.Contains(c, "invalid_token") {
				t.Errorf("challenge %q", c)
			}
		}
		s.refresh(held.refresh).want(http.StatusOK, "")
	})
}

func TestLogout_EndsThisSessionAtOnceAndNoOther(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p, one := s.signedIn()
		two := s.call(p.signIn()).tokens()
		if got := s.post("/logout", nil, one.access).want(http.StatusNoContent, ""); len(got.body) > 0 {
			t.Errorf("body %q", got.body)
		}
		s.get("/protected", one.access).want(http.StatusUnauthorized, "invalid_token")
		s.refresh(one.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
		s.post("/logout", nil, one.access).want(http.StatusUnauthorized, "invalid_token")
		s.get("/protected", two.access).want(http.StatusOK, "")
		s.refresh(two.refresh).want(http.StatusOK, "")
	})
}

func TestLogoutAll_EndsAllSessionsOfTheUserAndNobodyElses(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p, one := s.signedIn()
		two := s.call(p.signIn()).tokens()
		_, other := s.signedIn()
		s.post("/logout/all", nil, one.access).want(http.StatusNoContent, "")
		for _, gone := range []tokens{one, two} {
			s.get("/me", gone.access).want(http.StatusUnauthorized, "invalid_token")
			s.refresh(gone.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
		}
		s.get("/me", other.access).want(http.StatusOK, "")
		s.call(p.signIn()).tokens()
	})
}

func TestMe_TellsTheAccountAsItIs(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		p, held := s.signedIn()
		got := s.get("/me", held.access).want(http.StatusOK, "")
		if len(got.json) != 6 || got.json["id"] != 1.0 || got.text("username") != p.name || got.text("email") != p.email ||
			fmt.Sprint(got.json["roles"]) != "[]" {
			t.Errorf("got %s", got.body)
		}
		for _, member := range []string{"created_at", "updated_at"} {
			at, err := time.Parse("2006-01-02T15:04:05.000000Z", got.text(member))
			if err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("%s: %s, %v", member, got.text(member), err)
			}
		}
	})
}

// Times are short here, and counted by the clocks of the process and of the database.
func TestTokens_ExpireAndAnExpiredSessionIsSignedOutByItsRefreshToken(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *server) {
		t.Parallel()
		_, held := s.signedIn()
		eventually(t, patience, "the access token expires", func() bool {
			got := s.get("/protected", held.access)
			return got.is(http.StatusUnauthorized, "invalid_token")
		})
		s.post("/logout", nil, held.access).want(http.StatusUnauthorized, "invalid_token")
		s.post("/logout", fields{"refresh_token": "dwr_x"}, held.access).
			want(http.StatusUnauthorized, "invalid_refresh_token")
		s.post("/logout", fields{"refresh_token": held.refresh}, held.access).want(http.StatusNoContent, "")
		s.post("/logout", fields{"refresh_token": held.refresh}, "").want(http.StatusUnauthorized, "invalid_refresh_token")
		s.refresh(held.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
	}, "ACCESS_TOKEN_TTL=1s")
}

func TestSessions_EndWhenTheyAreIdleAndAtTheirAbsoluteEnd(t *testing.T) {
	t.Parallel()
	const idleTime, absolute = 1500 * time.Millisecond, 3 * time.Second
	eachServer(t, func(t *testing.T, s *server) {
		t.Parallel()
		p, left := s.signedIn()
		leftAt, checked := time.Now(), false
		kept := s.call(p.signIn()).tokens()
		// Refreshing again and again keeps the second session until its absolute end; the first is left alone.
		eventually(t, patience, "the session meets its absolute end", func() bool {
			got := s.refresh(kept.refresh)
			if got.status != http.StatusOK {
				got.want(http.StatusUnauthorized, "invalid_refresh_token")
				return true
			}
			kept = got.tokens()
			if got.json["refresh_expires_in"].(float64) > idleTime.Seconds() {
				t.Errorf("refresh_expires_in %v, above the idle time", got.json["refresh_expires_in"])
			}
			if !checked && time.Since(leftAt) > idleTime {
				checked = true
				s.refresh(left.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
			}
			return false
		})
		if lasted := time.Since(leftAt); !checked || lasted < absolute {
			t.Errorf("the session that was kept busy lasted %s", lasted)
		}
		s.get("/protected", kept.access).want(http.StatusUnauthorized, "invalid_token")
	}, "SESSION_IDLE_TIMEOUT="+idleTime.String(), "SESSION_ABSOLUTE_TIMEOUT="+absolute.String())
}
