package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/surface/web"
)

func TestBearerToken(t *testing.T) {
	long := strings.Repeat("a", 8<<10)
	tests := []struct {
		name   string
		values []string
		token  string
		err    error
	}{
		{"none", nil, "", web.ErrNoToken},
		{"a token", []string{"Bearer abc.DEF-_~+/="}, "abc.DEF-_~+/=", nil},
		{"scheme in lower case", []string{"bearer abc"}, "abc", nil},
		{"scheme in capitals", []string{"BEARER abc"}, "abc", nil},
		{"8 KiB", []string{"Bearer " + long}, long, nil},
		{"over 8 KiB", []string{"Bearer " + long + "a"}, "", web.ErrMalformedToken},
		{"another scheme", []string{"Basic YTpi"}, "", web.ErrNoToken},
		{"an empty header", []string{""}, "", web.ErrNoToken},
		{"a scheme that begins alike", []string{"Bearerx abc"}, "", web.ErrNoToken},
		{"scheme alone", []string{"Bearer"}, "", web.ErrMalformedToken},
		{"scheme and space", []string{"Bearer "}, "", web.ErrMalformedToken},
		{"two spaces", []string{"Bearer  abc"}, "", web.ErrMalformedToken},
		{"a tab", []string{"Bearer\tabc"}, "", web.ErrNoToken},
		{"two tokens", []string{"Bearer abc def"}, "", web.ErrMalformedToken},
		{"a comma", []string{"Bearer abc, Basic x"}, "", web.ErrMalformedToken},
		{"quotes", []string{`Bearer "abc"`}, "", web.ErrMalformedToken},
		{"padding alone", []string{"Bearer =="}, "", web.ErrMalformedToken},
		{"padding inside", []string{"Bearer a=b"}, "", web.ErrMalformedToken},
		{"letters beyond ASCII", []string{"Bearer abcé"}, "", web.ErrMalformedToken},
		{"two headers", []string{"Bearer abc", "Bearer abc"}, "", web.ErrMalformedToken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/?access_token=fromquery", nil)
			r.Header["Authorization"] = test.values
			token, err := web.BearerToken(&web.Request{Request: r})
			if !errors.Is(err, test.err) || token.Reveal() != test.token {
				t.Errorf("got %q, %v; want %q, %v", token.Reveal(), err, test.token, test.err)
			}
		})
	}
}

func TestBearer_ChallengesFollowRFC6750(t *testing.T) {
	expired := errs.New(errs.Unauthenticated, web.CodeInvalidToken, "The \"token\" is expired \\ ended – sign in.")
	tests := []struct {
		name      string
		auth      web.Auth
		err       error
		want      string
		tokenless bool
	}{
		{"no token", web.Bearer, web.ErrNoToken, `Bearer realm="durward"`, true},
		{"no token where it is optional", web.BearerOptional, web.ErrNoToken, `Bearer realm="durward"`, true},
		{"another proof refused", web.BearerOptional, errs.New(errs.Unauthenticated, "invalid_refresh_token", "No."),
			`Bearer realm="durward"`, true},
		{"malformed", web.Bearer, web.ErrMalformedToken, `Bearer error="invalid_token", error_description="The ` +
			`Authorization header must be sent once and hold Bearer, one space and the access token."`, false},
		{"refused", web.Bearer, expired,
			`Bearer error="invalid_token", error_description="The token is expired  ended  sign in."`, false},
		{"an operation without tokens", web.None, errs.New(errs.Unauthenticated, "invalid_credentials", "No."), "", false},
		{"not a 401", web.Bearer, errs.New(errs.Forbidden, "forbidden", "No."), "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sent := header("Authorization", "Bearer x")
			if test.tokenless {
				sent = func(*http.Request) {}
			}
			w := newHarness(web.Kit{}, failing(web.Operation{Auth: test.auth}, test.err)).call("GET", "/", "", sent)
			if got := w.Header().Get("WWW-Authenticate"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// FuzzBearerToken holds that whatever is accepted is one b64token, taken over as it stands.
func FuzzBearerToken(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer a.b-c_d~e+f/g==", "Bearer  x", "Basic x", "", "Bearer =",
		"Bearer a=b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{value}
		token, err := web.BearerToken(&web.Request{Request: r})
		if err != nil {
			if !errors.Is(err, web.ErrNoToken) && !errors.Is(err, web.ErrMalformedToken) {
				t.Errorf("%q: %v", value, err)
			}
			return
		}
		if got := token.Reveal(); got == "" || len(got) > 8<<10 || !strings.HasSuffix(value, " "+got) ||
			strings.ContainsAny(got, " \t,\"\\\x00") {
			t.Errorf("%q gave %q", value, got)
		}
	})
}
