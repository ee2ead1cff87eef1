package config

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestCheck_WhatIsUnsafeIsAProblemInProductionAndAWarningInDevelopment names the setting and a word of each message.
func TestCheck_WhatIsUnsafeIsAProblemInProductionAndAWarningInDevelopment(t *testing.T) {
	cases := []struct {
		why, setting, words string
		env                 []string
	}{
		{"http off loopback", "public_url", "https://id.example.com",
			[]string{"DURWARD_PUBLIC_URL=http://id.example.com"}},
		{"key of zeros", "master_key", "all zero", []string{"DURWARD_MASTER_KEY=" + keyOf("\x00")}},
		{"plain PostgreSQL", "database_url", "db.example.com",
			[]string{"DURWARD_DATABASE_URL=postgres://u:p@db.example.com/d?sslmode=disable"}},
		{"plain PostgreSQL on the second host", "database_url", "db2",
			[]string{"DURWARD_DATABASE_URL=postgres://u:p@localhost,db2:5433/d?sslmode=disable"}},
		{"plain PostgreSQL by parameter", "database_url", "db3",
			[]string{"DURWARD_DATABASE_URL=postgres://localhost/d?sslmode=disable&host=db3"}},
		{"any proxy", "trusted_proxies", "0.0.0.0/0", []string{"DURWARD_TRUSTED_PROXIES=0.0.0.0/0"}},
		{"any IPv6 proxy", "trusted_proxies", "::/0", []string{"DURWARD_TRUSTED_PROXIES=::/0"}},
		{"half of the Internet", "trusted_proxies", "128.0.0.0/1", []string{"DURWARD_TRUSTED_PROXIES=128.0.0.0/1"}},
		{"any IPv4 proxy written as IPv6", "trusted_proxies", "0.0.0.0/0",
			[]string{"DURWARD_TRUSTED_PROXIES=::ffff:0.0.0.0/96"}},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			_, r := load(Source{Env: production(c.env...)}, nil)
			wantOne(t, r.Problems, c.setting, c.words)
			_, r = load(Source{Dev: true, Env: production(c.env...)}, nil)
			wantNoProblems(t, r)
			wantOne(t, r.Warnings, c.setting, c.words)
		})
	}
}

func TestCheck_AKeyThatDoesNotLookRandomIsAWarning(t *testing.T) {
	for words, key := range map[string]string{
		"one byte repeated": keyOf("\xa7"), "few bytes": keyOf("\xa7\x01\xa7\xa7"),
		"readable text": keyOf("Correct horse, battery; staple? "), "a plain sequence": countingKey(),
	} {
		_, r := load(Source{Env: production("DURWARD_MASTER_KEY=" + key)}, nil)
		wantNoProblems(t, r)
		wantOne(t, r.Warnings, "master_key", words)
	}
}

// keyOf repeats a pattern over 32 bytes.
func keyOf(pattern string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(pattern, 32)[:32]))
}

func countingKey() string {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(250 + 3*i)
	}
	return base64.StdEncoding.EncodeToString(key)
}

func TestCheck_RandomKeysAreNotWeak(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Permutation(everyByte()).Draw(t, "key")[:32]
		if reason := weakness(string(key)); reason == "few bytes repeated" || reason == "one byte repeated" {
			t.Fatalf("%x is called weak: %s", key, reason)
		}
	})
	if reason := weakness(string(goodKey)); reason != "" {
		t.Errorf("got %s", reason)
	}
}

func everyByte() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

func TestCheck_ContradictionsAreRefusedInBothProfiles(t *testing.T) {
	cases := []struct {
		why, setting, words string
		env                 []string
	}{
		{"one port for both", "ops_listen", "another port", []string{"DURWARD_OPS_LISTEN=127.0.0.1:8080"}},
		{"one port by name", "ops_listen", "another port", []string{"DURWARD_OPS_LISTEN=localhost:8080"}},
		{"one port below a wildcard", "ops_listen", "another port",
			[]string{"DURWARD_LISTEN=:8080", "DURWARD_OPS_LISTEN=127.0.0.1:8080"}},
		{"weak Argon2id", "argon2_memory_kib", "at least 19456", []string{"DURWARD_ARGON2_MEMORY_KIB=19455"}},
		{"weak Argon2id beside bcrypt", "argon2_memory_kib", "at least 19456",
			[]string{"DURWARD_ARGON2_MEMORY_KIB=19455", "DURWARD_PASSWORD_HASH=bcrypt"}},
		{"few passes", "argon2_memory_kib", "argon2_iterations is 1", []string{"DURWARD_ARGON2_ITERATIONS=1"}},
		{"endless Argon2id", "argon2_memory_kib", "at most 209715 with argon2_iterations of 5",
			[]string{"DURWARD_ARGON2_MEMORY_KIB=262144", "DURWARD_ARGON2_ITERATIONS=5"}},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			for _, dev := range []bool{false, true} {
				_, r := load(Source{Dev: dev, Env: production(c.env...)}, nil)
				wantOne(t, r.Problems, c.setting, c.words)
			}
		})
	}
}

func TestCheck_WhatOutlivesItsLimitIsAWarning(t *testing.T) {
	cases := []struct {
		why, setting, words string
		env                 []string
	}{
		{"token outlives idle time", "access_token_ttl", "session_idle_timeout (10m)",
			[]string{"DURWARD_SESSION_IDLE_TIMEOUT=10m"}},
		{"idle time outlives session", "session_idle_timeout", "session_absolute_timeout (12h)",
			[]string{"DURWARD_SESSION_ABSOLUTE_TIMEOUT=12h"}},
		{"reuse outlives idle time", "refresh_reuse_window", "session_idle_timeout (5s)",
			[]string{"DURWARD_SESSION_IDLE_TIMEOUT=5s", "DURWARD_ACCESS_TOKEN_TTL=5s"}},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			_, r := load(Source{Env: production(c.env...)}, nil)
			wantNoProblems(t, r)
			wantOne(t, r.Warnings, c.setting, c.words)
		})
	}
}

func TestCheck_WhatIsFine(t *testing.T) {
	for _, env := range []string{
		"DURWARD_ARGON2_ITERATIONS=5|DURWARD_ARGON2_MEMORY_KIB=7168",
		"DURWARD_ARGON2_ITERATIONS=4|DURWARD_ARGON2_MEMORY_KIB=262144",
		"DURWARD_HASH_QUEUE=0",
		"DURWARD_ARGON2_ITERATIONS=1|DURWARD_ARGON2_MEMORY_KIB=47104",
		"DURWARD_PASSWORD_HASH=bcrypt|DURWARD_BCRYPT_COST=10",
		"DURWARD_DATABASE_URL=postgres://u:p@db/d?sslmode=verify-full",
		"DURWARD_DATABASE_URL=postgres://u:p@db/d?sslmode=require",
		"DURWARD_DATABASE_URL=postgres://u:p@127.0.0.1/d?sslmode=disable",
		"DURWARD_DATABASE_URL=postgres://u:p@db/d?host=/run/postgresql",
		"DURWARD_LISTEN=0.0.0.0:8080",
		"DURWARD_LISTEN=127.0.0.1:0|DURWARD_OPS_LISTEN=127.0.0.1:0",
		"DURWARD_LISTEN=127.0.0.1:8080|DURWARD_OPS_LISTEN=127.0.0.2:9080",
		"DURWARD_PUBLIC_URL=http://localhost:8080",
		"DURWARD_TRUSTED_PROXIES=10.0.0.0/8, 2001::/16",
		"DURWARD_KEY_ROTATION_INTERVAL=0",
	} {
		_, r := load(Source{Env: production(strings.Split(env, "|")...)}, nil)
		if text := r.String(); text != "" {
			t.Errorf("%s:\n%s", env, text)
		}
	}
}

func TestCheck_WhatDeservesALookIsAWarning(t *testing.T) {
	cases := []struct {
		why, setting, words string
		src                 Source
	}{
		{"metrics for all", "ops_listen", "shows metrics", Source{Env: production("DURWARD_OPS_LISTEN=:9080")}},
		{"metrics for all in development", "ops_listen", "shows metrics",
			Source{Dev: true, Env: []string{"DURWARD_OPS_LISTEN=[::]:9080"}}},
		{"development for all", "listen", "start without --dev", Source{Dev: true, Env: []string{"DURWARD_LISTEN=:8080"}}},
		{"no proxy", "trusted_proxies", "ends TLS", Source{Env: production("DURWARD_TRUSTED_PROXIES=")}},
		{"long tokens", "access_token_ttl", "at most 1h", Source{Env: production("DURWARD_ACCESS_TOKEN_TTL=2h")}},
		{"encryption left to chance", "database_url", "falls back to plain text",
			Source{Env: production("DURWARD_DATABASE_URL=postgres://u:p@db/d")}},
		{"secret in the list of processes", "master_key", "--master-key-file",
			Source{Env: production(), Flags: map[string]string{"master_key": goodKeyText}}},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			_, r := load(c.src, nil)
			wantNoProblems(t, r)
			wantOne(t, r.Warnings, c.setting, c.words)
		})
	}
}

func TestCheck_SecretsInFilesThatOthersMayRead(t *testing.T) {
	cases := []struct {
		mode fs.FileMode
		ok   bool
	}{
		{0o400, true}, {0o600, true}, {0o440, true}, {0o640, true}, {0o444, false}, {0o644, false}, {0o602, false},
		{0o601, false}, {fs.ModeNamedPipe | 0o644, true},
	}
	env := []string{"DURWARD_PUBLIC_URL=https://id.example.com", "DURWARD_DATABASE_URL=sqlite:d.db",
		"DURWARD_TRUSTED_PROXIES=192.0.2.7"}
	yaml := "log_level: info\nmaster_key: " + goodKeyText + "\n"
	for _, c := range cases {
		files := memory{files: map[string]string{"key": goodKeyText, "c.yaml": yaml},
			modes: map[string]fs.FileMode{"key": c.mode, "c.yaml": c.mode}}
		sources := map[string]Source{
			"master_key": {Env: append([]string{"DURWARD_MASTER_KEY_FILE=key"}, env...)},
			"config":     {Env: env, File: "c.yaml"},
		}
		for setting, src := range sources {
			_, r := newLoader(src, files.read).load()
			if c.ok {
				wantNoProblems(t, r)
				continue
			}
			wantOne(t, r.Problems, setting, "chmod 0600", "defaultMode: 0400", "mode "+modeText(c.mode))
			src.Dev = true
			_, r = newLoader(src, files.read).load()
			wantNoProblems(t, r)
			wantOne(t, r.Warnings, setting, "chmod 0600")
		}
	}
}

func modeText(mode fs.FileMode) string { return "0" + strings.TrimLeft(octal(mode.Perm()), "0") }

func octal(mode fs.FileMode) string {
	return string([]byte{'0' + byte(mode>>6&7), '0' + byte(mode>>3&7), '0' + byte(mode&7)})
}

func TestCheck_FilesWithoutSecretsMayBeReadButNotChangedByOthers(t *testing.T) {
	files := map[string]string{"c.yaml": "log_level: info\nmaster_key_file: key\nlisten_file: port\n",
		"key": goodKeyText, "port": "127.0.0.1:1"}
	env := []string{"DURWARD_PUBLIC_URL=https://id.example.com", "DURWARD_DATABASE_URL=sqlite:d.db"}
	load := func(mode fs.FileMode) *Report {
		modes := map[string]fs.FileMode{"c.yaml": mode, "port": 0o644}
		_, r := newLoader(Source{Env: env, File: "c.yaml"}, memory{files, modes}.read).load()
		return r
	}
	wantNoProblems(t, load(0o644))
	wantOne(t, load(0o666).Problems, "config", "others may not change")
}

func TestLoad_ReadsModesAndContentFromTheDisk(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(goodKeyText+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := Source{Dir: dir, Env: []string{"DURWARD_PUBLIC_URL=https://id.example.com",
		"DURWARD_DATABASE_URL=sqlite:d.db", "DURWARD_MASTER_KEY_FILE=key"}}
	c, r := Load(src)
	wantNoProblems(t, r)
	if c.MasterKey.Reveal() != string(goodKey) || c.SQLitePath() != filepath.Join(dir, "d.db") {
		t.Error("expected the key and the path under the folder")
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	_, r = Load(src)
	wantOne(t, r.Problems, "master_key", "mode 0644", "DURWARD_MASTER_KEY_FILE → key")
	src.Env[2] = "DURWARD_MASTER_KEY_FILE=."
	_, r = Load(src)
	wantOne(t, r.Problems, "master_key", "is a directory")
}
