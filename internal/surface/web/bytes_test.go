package web_test

import (
	"net/http"
	"testing"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/surface/web"
)

func prebuilt(err error) []web.Route {
	op := web.Operation{Produces: "application/jwk-set+json", CacheControl: "public, max-age=300"}
	body := []byte(`{"keys":[]}`)
	return []web.Route{{Method: "GET", Path: "/keys", Endpoint: web.Bytes(op, func(*web.Request) (web.Content, error) {
		return web.Content{Body: body, ETag: web.ETag(body)}, err
	})}}
}

func TestBytes_AreAnsweredWithTheirTag(t *testing.T) {
	h := newHarness(web.Kit{}, prebuilt(nil))
	w := h.call("GET", "/keys", "")
	for name, want := range map[string]string{"Content-Type": "application/jwk-set+json", "Content-Length": "11",
		"Cache-Control": "public, max-age=300", "ETag": web.ETag([]byte(`{"keys":[]}`))} {
		if got := w.Header().Get(name); got != want || w.Code != 200 || w.Body.String() != `{"keys":[]}` {
			t.Errorf("%d %s = %q, want %q; body %s", w.Code, name, got, want, w.Body)
		}
	}
}

func TestBytes_WhoHasThemAlreadyGets304(t *testing.T) {
	h := newHarness(web.Kit{}, prebuilt(nil))
	tag := web.ETag([]byte(`{"keys":[]}`))
	for _, test := range []struct {
		values []string
		status int
	}{
		{[]string{tag}, 304}, {[]string{"W/" + tag}, 304}, {[]string{`"x", ` + tag}, 304}, {[]string{`"x"`, tag}, 304},
		{[]string{"*"}, 304}, {[]string{`"x"`}, 200}, {[]string{""}, 200}, {nil, 200},
	} {
		w := h.call("GET", "/keys", "", header("If-None-Match", test.values...))
		bodiless := w.Body.Len() == 0
		if w.Code != test.status || w.Header().Get("ETag") != tag || (w.Code == http.StatusNotModified) != bodiless {
			t.Errorf("%q: %d %v %s, want %d", test.values, w.Code, w.Header(), w.Body, test.status)
		}
	}
}

func TestBytes_ErrorsAreProblemsThatNobodyKeeps(t *testing.T) {
	h := newHarness(web.Kit{}, prebuilt(errs.New(errs.Unavailable, "database_unavailable", "No keys yet.")))
	w := h.call("GET", "/keys", "")
	if p := problemOf(t, w); p.Status != 503 || w.Header().Get("ETag") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestEndpoint_RefusalsHoldTheKitsOwn(t *testing.T) {
	named := web.Refusal{Status: 422, Code: "validation_failed", When: "the password is weak"}
	body := web.JSON(web.Operation{Auth: web.Bearer, Refusals: []web.Refusal{named}},
		func(*web.Request, signUp) (web.NoContent, error) { return web.NoContent{}, nil })
	var codes []string
	for _, r := range body.Refusals() {
		codes = append(codes, r.Code)
	}
	want := []string{"validation_failed", "malformed_json", "request_timeout", "body_too_large", "unsupported_media_type",
		"token_missing", "invalid_token", "internal", "timeout", "database_unavailable"}
	if len(codes) != len(want) || body.Refusals()[0] != named {
		t.Fatalf("got %v, want %v", codes, want)
	}
	for i := range want {
		if codes[i] != want[i] {
			t.Errorf("got %v, want %v", codes, want)
		}
	}
	if n := len(hello(web.Operation{}).Refusals()); n != 3 {
		t.Errorf("an open GET has %d refusals, want 3", n)
	}
}
