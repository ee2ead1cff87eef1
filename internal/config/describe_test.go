package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/durwardhq/durward/internal/platform/golden"
)

func TestTable_NoSettingHasANameThatKubernetesMakes(t *testing.T) {
	for _, s := range table {
		if madeByKubernetes(envName(s.name)) {
			t.Errorf("%s: Kubernetes makes DURWARD_SERVICE_* and DURWARD_PORT* for a Service called durward", s.name)
		}
	}
}

func TestTable_NamesAreUnmistakable(t *testing.T) {
	form := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	seen := map[string]bool{"config": true, "dev": true}
	for _, s := range table {
		if !form.MatchString(s.name) || len(s.name) > 40 {
			t.Errorf("%s is no name for a setting", s.name)
		}
		if seen[s.name] {
			t.Errorf("%s is there twice, or is the name of a flag of its own", s.name)
		}
		seen[s.name] = true
	}
	for _, s := range table {
		if seen[s.name+fileSuffix] {
			t.Errorf("%s%s is a setting and the file form of another", s.name, fileSuffix)
		}
	}
}

func TestTable_EveryRowIsDocumented(t *testing.T) {
	for _, s := range Settings() {
		if s.Doc == "" || !strings.HasSuffix(s.Doc, ".") || s.Group == "" || s.Expects == "" || s.Kind == "" {
			t.Errorf("%s lacks words", s.Name)
		}
		if s.Default == "" && s.DevDefault == "" && s.Name != "master_key" {
			row, _, _ := lookup(s.Name)
			if row.example == "" {
				t.Errorf("%s has neither a default nor an example", s.Name)
			}
		}
	}
}

// TestTable_EveryRowFillsAFieldOfItsOwn sets each setting alone and looks for what changed.
func TestTable_EveryRowFillsAFieldOfItsOwn(t *testing.T) {
	values := map[string]string{
		"password_require_upper": "true", "password_require_lower": "true", "password_require_digit": "true",
		"password_require_special": "true", "master_key": goodKeyText, "log_level": "error",
		"database_max_connections": "3", "hash_workers": "3", "hash_nice": "3", "hash_queue": "3",
	}
	owner := map[string]string{}
	for _, s := range table {
		text := values[s.name]
		if text == "" {
			text = s.sample()
		}
		c := &Config{}
		if wrong := s.bind(c).set(text); wrong != nil {
			t.Fatalf("%s refuses %q", s.name, text)
		}
		changed := changes("", reflect.ValueOf(*c))
		if len(changed) != 1 || owner[changed[0]] != "" {
			t.Errorf("%s changes %v, of which %s is taken", s.name, changed, owner[changed[0]])
			continue
		}
		owner[changed[0]] = s.name
	}
}

// changes lists the fields that are not zero.
func changes(prefix string, v reflect.Value) []string {
	list := []string{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case v.Field(i).IsZero():
		case field.Name == "Password" || field.Name == "Hash":
			list = append(list, changes(field.Name+".", v.Field(i))...)
		default:
			list = append(list, prefix+field.Name)
		}
	}
	return list
}

func TestTable_EveryDefaultReadsBackAsItIsWritten(t *testing.T) {
	for _, s := range table {
		for _, text := range []string{s.def, s.dev} {
			v := s.bind(&Config{})
			if text == "" {
				continue
			}
			if wrong := v.set(text); wrong != nil || v.String() != text {
				t.Errorf("%s: %q reads back as %q", s.name, text, v)
			}
		}
	}
}

func TestExample_WithEveryLineOpenedItGivesTheDefaults(t *testing.T) {
	opened := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(Example(), "$1")
	files := map[string]string{"c.yaml": opened, "/etc/durward/master.key": goodKeyText}
	c, r := load(Source{File: "c.yaml"}, files)
	wantNoProblems(t, r)
	for _, s := range table {
		if !strings.HasPrefix(c.origins[s.name], "c.yaml:") {
			t.Errorf("%s is not in the example", s.name)
		}
		if got := s.bind(c).String(); s.def != "" && got != s.def {
			t.Errorf("%s: the example gives %q, the default is %q", s.name, got, s.def)
		}
	}
}

func TestExample_Golden(t *testing.T) { golden.Check(t, "testdata/example.yaml", Example()) }

func TestReference_IsWhatTheDocumentationHolds(t *testing.T) {
	golden.Check(t, "../../docs/configuration.md", Reference())
}

func TestShow_TellsWhatIsInForceAndWhy(t *testing.T) {
	env := []string{"DURWARD_MASTER_KEY_FILE=key", "DURWARD_TRUSTED_PROXIES=::1 10.0.0.0/8",
		"DURWARD_DATABASE_URL=postgres://me:canary@localhost:5432/d?password=canary&sslmode=require"}
	c, r := load(Source{Dev: true, Env: env, Flags: map[string]string{"listen": "127.0.0.1:1"}},
		map[string]string{"key": goodKeyText})
	wantNoProblems(t, r)
	got := map[string]Shown{}
	for _, s := range c.Show() {
		got[s.Name] = s
	}
	for _, want := range []Shown{
		{"public_url", "DURWARD_PUBLIC_URL", "http://localhost:1", "default of --dev"},
		{"listen", "DURWARD_LISTEN", "127.0.0.1:1", "--listen"},
		{"trusted_proxies", "DURWARD_TRUSTED_PROXIES", "::1/128, 10.0.0.0/8", "DURWARD_TRUSTED_PROXIES"},
		{"database_url", "DURWARD_DATABASE_URL", "postgres://me:[secret]@localhost:5432/d", "DURWARD_DATABASE_URL"},
		{"master_key", "DURWARD_MASTER_KEY", "[secret]", "DURWARD_MASTER_KEY_FILE → key"},
		{"session_idle_timeout", "DURWARD_SESSION_IDLE_TIMEOUT", "24h", "default"},
		{"bootstrap_admin_email", "DURWARD_BOOTSTRAP_ADMIN_EMAIL", "", "not set"},
		{"log_level", "DURWARD_LOG_LEVEL", "info", "default"},
	} {
		if diff := cmp.Diff(want, got[want.Name]); diff != "" {
			t.Error(diff)
		}
	}
}

func TestConfig_NeverPrintsItsSecrets(t *testing.T) {
	env := []string{"DURWARD_MASTER_KEY=" + goodKeyText, "DURWARD_DATABASE_URL=postgres://u:canary@localhost/d"}
	c, r := load(Source{Dev: true, Env: env}, nil)
	wantNoProblems(t, r)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "config", *c)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(c.Show())
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v", *c, c, *c) + log.String() + string(encoded) + string(shown)
	for _, secret := range []string{"canary", goodKeyText, string(goodKey), fmt.Sprintf("%x", goodKey)} {
		if strings.Contains(all, secret) {
			t.Errorf("a secret is printed in:\n%s", all)
		}
	}
}
