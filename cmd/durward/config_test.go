package main

import (
	"os"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/platform/db"
)

func TestConfigCheck_PrintsEveryMistakeWithItsFixAndCode2(t *testing.T) {
	s := newShell(t).with("DURWARD_LISTEN=nowhere", "DURWARD_PUBLIC_ULR=x", "DURWARD_MASTER_KEY=short")
	r := s.run(t, "config", "check")
	if r.code != exitMisused || r.err != "" {
		t.Errorf("exit code %d, want %d; on standard error %q", r.code, exitMisused, r.err)
	}
	contains(t, r.out, "5 problems", "DURWARD_LISTEN", "DURWARD_PUBLIC_ULR", "write DURWARD_PUBLIC_URL",
		"DURWARD_MASTER_KEY", "database_url", "openssl rand -base64 32")
	lacks(t, r.out, "OK", "short")
}

func TestConfigCheck_IsTheSameForPrograms(t *testing.T) {
	r := newShell(t).with("DURWARD_LISTEN=nowhere").run(t, "config", "check", "--dev", "--json")
	got := decode[struct {
		OK                 bool
		Problems, Warnings []config.Problem
	}](t, r.out)
	if r.code != exitMisused || got.OK || len(got.Problems) != 1 || got.Problems[0].Setting != "listen" ||
		got.Warnings == nil {
		t.Errorf("exit code %d, %+v", r.code, got)
	}
}

func TestConfigCheck_SaysOKAlsoBesideWarnings(t *testing.T) {
	s := newShell(t)
	if got := s.ok(t, "config", "check", "--dev"); got != "The configuration is OK.\n" {
		t.Errorf("got %q", got)
	}
	warned := s.ok(t, "config", "check", "--dev", "--listen", "0.0.0.0:8080")
	contains(t, warned, "1 warning", "listen (--listen)", "The configuration is OK, with a warning.\n")
	warned = s.ok(t, "config", "check", "--dev", "--listen", "0.0.0.0:8080", "--access-token-ttl=2h")
	contains(t, warned, "2 warnings", "The configuration is OK, with 2 warnings.\n")
}

func TestServe_StartsNothingWhereTheConfigurationIsWrong(t *testing.T) {
	s := newShell(t)
	refused(t, s.run(t, "serve"), exitMisused, "3 problems", "public_url", "database_url", "master_key", "--dev")
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) > 0 {
		t.Errorf("%v: something was made: %v", err, entries)
	}
}

func TestConfigProblems_AreTheAnswerOfEveryCommandThatNeedsSettings(t *testing.T) {
	s := newShell(t).with("DURWARD_LISTEN=nowhere").typing(goodPassword)
	for _, command := range []string{
		"serve --dev", "migrate status --dev", "migrate up --dev", "user list --dev", "user show --dev alice",
		"user create --dev --username a --email a@example.com --password-stdin", "user grant --dev alice admin",
		"user revoke --dev alice admin", "user set-password --dev alice --password-stdin", "keys list --dev",
		"keys rotate --dev", "healthcheck --dev",
	} {
		t.Run(command, func(t *testing.T) {
			refused(t, s.run(t, strings.Fields(command)...), exitMisused, "1 problem", "DURWARD_LISTEN", "fix:")
		})
	}
}

func TestConfigProblems_AreJSONForPrograms(t *testing.T) {
	r := newShell(t).with("DURWARD_LISTEN=nowhere").run(t, "user", "list", "--dev", "--json")
	f := decode[failure](t, r.err)
	if r.code != exitMisused || f.Code != "configuration_invalid" || len(f.Problems) != 1 || f.Problems[0].Fix == "" {
		t.Errorf("exit code %d, %+v", r.code, f)
	}
}

func TestConfigExample_IsAFileThatChecksAsIfItWereNotThere(t *testing.T) {
	s := newShell(t)
	if err := os.WriteFile("durward.yaml", []byte(s.ok(t, "config", "example")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.ok(t, "config", "check", "--dev", "--config", "durward.yaml"); got != "The configuration is OK.\n" {
		t.Errorf("got %q", got)
	}
}

func TestConfigShow_HidesSecretsAndNamesOrigins(t *testing.T) {
	url := "postgres://durward:hunter2@127.0.0.1/durward?sslmode=disable"
	s := production(t, db.SQLite).with("DURWARD_DATABASE_URL=" + url)
	if err := os.WriteFile("durward.yaml", []byte("listen: 127.0.0.1:9999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := s.ok(t, "config", "show", "--config=durward.yaml", "--ops-listen=")
	contains(t, text, "SETTING", "VALUE", "ORIGIN", "durward.yaml:1", "--ops-listen", "DURWARD_DATABASE_URL", "[secret]",
		"default")
	lacks(t, text, "hunter2")
	list := decode[shown](t, s.ok(t, "config", "show", "--config=durward.yaml", "--json"))
	if len(list.Settings) != len(config.Settings()) {
		t.Errorf("%d settings, want %d", len(list.Settings), len(config.Settings()))
	}
}

func TestConfigShow_ShowsWhatItUnderstoodAndThenWhatIsWrong(t *testing.T) {
	r := newShell(t).run(t, "config", "show", "--dev", "--listen=nowhere")
	if r.code != exitMisused {
		t.Errorf("exit code %d, want %d", r.code, exitMisused)
	}
	contains(t, r.out, "http://localhost:8080", "default of --dev")
	contains(t, r.err, "1 problem", "--listen")
}

func TestSettings_FlagsWinOverEnvironmentAndFile(t *testing.T) {
	s := newShell(t).with("DURWARD_CONFIG=durward.yaml", "DURWARD_HASH_QUEUE=20")
	if err := os.WriteFile("durward.yaml", []byte("hash_queue: 10\nhash_nice: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := decode[shown](t, s.ok(t, "config", "show", "--dev", "--hash-queue", "30", "--json"))
	got := map[string]config.Shown{}
	for _, v := range list.Settings {
		got[v.Name] = v
	}
	if q, n := got["hash_queue"], got["hash_nice"]; q.Value != "30" || q.Origin != "--hash-queue" || n.Value != "5" ||
		n.Origin != "durward.yaml:2" {
		t.Errorf("%+v, %+v", q, n)
	}
}

func TestSettings_HaveAFlagThatNamesAFile(t *testing.T) {
	s := production(t, db.SQLite)
	if err := os.WriteFile("queue", []byte("30\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, s.ok(t, "config", "show", "--hash-queue-file", "queue"), "--hash-queue-file → queue")
}
