package config

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/durwardhq/durward/internal/platform/golden"
)

func TestReport_TenMistakesAtOnce(t *testing.T) {
	files := map[string]string{
		"durward.yaml": `public_url: http://id.example.com
listn: 127.0.0.1:8080
ops_listen: 127.0.0.1:9080
session_idle_timeout: 30d
session_idle_timeout: 24h
access_token_ttl: 900
trusted_proxies: [10.0.0.0/8, 0.0.0.0/0]
password_min_length:
`,
		"/run/secrets/key": "hunter2\n",
	}
	env := []string{
		"DURWARD_DATABASE_URL=postgres://durward:hunter2@db.example.com/durward?sslmode=disable",
		"DURWARD_MASTER_KEY_FILE=/run/secrets/key",
		"DURWARD_SIGNING_ALGORTIHM=hunter2",
	}
	flags := map[string]string{"bcrypt_cost": "4"}
	_, r := load(Source{File: "durward.yaml", Env: env, Flags: flags}, files)
	golden.Check(t, "testdata/ten_mistakes.txt", r.String())
	if err := r.Err(); err == nil {
		t.Error("expected an error")
	}
}

func TestReport_WarningsAreNoError(t *testing.T) {
	_, r := load(Source{Env: production("DURWARD_OPS_LISTEN=:9080")}, nil)
	wantNoProblems(t, r)
	golden.Check(t, "testdata/warning.txt", r.String())
}

func TestReport_ErrCarriesTheReport(t *testing.T) {
	_, r := load(Source{}, nil)
	var e *Error
	if err := r.Err(); !errors.As(err, &e) || e.Report != r {
		t.Errorf("expected *Error with the report, got %v", err)
	}
	if _, clean := load(Source{Dev: true}, nil); clean.Err() != nil || clean.String() != "" {
		t.Errorf("expected silence, got %v", clean)
	}
}

func TestReport_AsJSONHasListsEvenWhenEmpty(t *testing.T) {
	_, r := load(Source{Dev: true}, nil)
	text, err := json.Marshal(r)
	if err != nil || string(text) != `{"problems":[],"warnings":[]}` {
		t.Errorf("got %s, %v", text, err)
	}
}
