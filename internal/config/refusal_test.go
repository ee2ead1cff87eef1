package config

import (
	"strings"
	"testing"
)

// TestLoad_EveryValueIsCheckedByItsForm gives each setting wrong values in each source.
func TestLoad_EveryValueIsCheckedByItsForm(t *testing.T) {
	cases := []struct{ name, value, expected, fix string }{
		{"public_url", "", "http or https", "https://id.example.com"},
		{"public_url", "id.example.com", "http or https", "https://id.example.com"},
		{"public_url", "ftp://id.example.com", "http or https", ""},
		{"public_url", "https://", "http or https", ""},
		{"public_url", "https://id.example.com/", "without a slash", "https://id.example.com"},
		{"public_url", "https://id.example.com/auth", "without a path", "https://id.example.com"},
		{"public_url", "https://id.example.com?x=1", "without a query", "https://id.example.com"},
		{"public_url", "https://id.example.com?", "without a query", "https://id.example.com"},
		{"public_url", "https://id.example.com#x", "without a fragment", "https://id.example.com"},
		{"public_url", "https://ID.example.com:443", "lower case", "https://id.example.com"},
		{"public_url", "HTTPS://id.example.com", "lower case", "https://id.example.com"},
		{"public_url", "https://münchen.example", "xn--", ""},
		{"public_url", "https://id.example.com:0", "host", ""},
		{"public_url", "https://id.example.com:99999", "host", ""},
		{"public_url", "https://-x.example.com", "host", ""},
		{"public_url", "https://id..example.com", "host", ""},
		{"public_url", "https://127.1", "host", ""},
		{"public_url", "https://[fe80::1%25eth0]", "host", ""},
		{"listen", "", "HOST:PORT", "127.0.0.1:8080"},
		{"listen", "8080", "HOST:PORT", "127.0.0.1:8080"},
		{"listen", "9000", "HOST:PORT", "127.0.0.1:9000"},
		{"listen", "127.0.0.1", "HOST:PORT", ""},
		{"listen", "127.0.0.1:http", "HOST:PORT", ""},
		{"listen", "127.0.0.1:65536", "HOST:PORT", ""},
		{"listen", "127.0.0.1:08", "HOST:PORT", ""},
		{"listen", "a b:80", "HOST:PORT", ""},
		{"ops_listen", "9080", "or nothing", "127.0.0.1:9080"},
		{"trusted_proxies", "proxy.example.com", "10.0.0.0/8", ""},
		{"trusted_proxies", "10.0.0.1/8", "no bits beyond", "10.0.0.0/8"},
		{"trusted_proxies", "10.0.0.0/33", "networks", ""},
		{"trusted_proxies", "fe80::1%eth0", "networks", ""},
		{"database_max_connections", "-1", "from 0 to 1000", "0"},
		{"database_max_connections", "1001", "from 0 to 1000", "1000"},
		{"signing_algorithm", "es256", "ES256, EdDSA or RS256", "ES256"},
		{"signing_algorithm", "HS256", "ES256, EdDSA or RS256", "ES256"},
		{"key_rotation_interval", "1m", "or 0 for never", "1h"},
		{"key_rotation_interval", "90d", "", "2160h"},
		{"access_token_ttl", "900", "", "900s"},
		{"access_token_ttl", "0", "from 1s", "1s"},
		{"access_token_ttl", "-5m", "from 1s", "1s"},
		{"access_token_ttl", "25h", "to 24h", "24h"},
		{"access_token_ttl", "500ms", "from 1s", "1s"},
		{"access_token_ttl", "soon", "duration", "15m"},
		{"refresh_reuse_window", "61s", "to 1m", "1m"},
		{"session_idle_timeout", "9000h", "to 8760h", "8760h"},
		{"session_absolute_timeout", "0s", "from 1s", "1s"},
		{"password_min_length", "7", "from 8 to 128", "8"},
		{"password_min_length", "eight", "whole number", "8"},
		{"password_min_length", "+8", "whole number", "8"},
		{"password_min_length", "1_0", "whole number", "8"},
		{"password_require_upper", "yes", "true or false", "true"},
		{"password_require_lower", "1", "true or false", "true"},
		{"password_require_digit", "no", "true or false", "true"},
		{"password_require_special", "", "true or false", "true"},
		{"password_hash", "argon2", "argon2id or bcrypt", "argon2id"},
		{"password_hash", "scrypt", "argon2id or bcrypt", "bcrypt"},
		{"argon2_memory_kib", "19", "from 7168 to 262144", "7168"},
		{"argon2_iterations", "0", "from 1 to 64", "1"},
		{"argon2_parallelism", "17", "from 1 to 16", "16"},
		{"bcrypt_cost", "9", "from 10 to 16", "10"},
		{"bcrypt_cost", "17", "from 10 to 16", "16"},
		{"hash_workers", "257", "from 0 to 256", "256"},
		{"hash_nice", "20", "from 0 to 19", "19"},
		{"hash_queue", "-1", "from 0 to 10000", "0"},
		{"bootstrap_admin_email", "admin", "email address", "admin@example.com"},
		{"bootstrap_admin_email", "Admin <a@example.com>", "email address", ""},
		{"bootstrap_admin_email", strings.Repeat("a", 120) + "@example.com", "at most 120", ""},
		{"bootstrap_password_file", "a\x00b", "control characters", ""},
		{"log_level", "verbose", "debug, info, warn or error", ""},
		{"log_level", "warning", "debug, info, warn or error", "info"},
		{"log_format", "logfmt", "json or text", "json"},
		{"shutdown_timeout", "11m", "to 10m", "10m"},
		{"listen", "x\ny:1", "one line", ""},
		{"listen", "\xff:1", "UTF-8", ""},
		{"listen", strings.Repeat("x", 5000), "at most 4096", ""},
	}
	for _, c := range cases {
		t.Run(c.name+"="+quote(c.value), func(t *testing.T) {
			_, r := load(Source{Dev: true, Env: []string{envName(c.name) + "=" + c.value}}, nil)
			wantOne(t, r.Problems, c.name, envName(c.name), c.expected, c.fix, quote(c.value))
			_, r = load(Source{Dev: true, Flags: map[string]string{c.name: c.value}}, nil)
			wantOne(t, r.Problems, c.name, flagName(c.name), c.expected, c.fix)
			_, r = load(Source{Dev: true, Flags: map[string]string{c.name + "_file": "v"}},
				map[string]string{"v": c.value})
			wantOne(t, r.Problems, c.name, flagName(c.name)+"-file → v", c.expected)
		})
	}
}

func TestLoad_GoodValuesAreTaken(t *testing.T) {
	cases := []struct{ name, value string }{
		{"public_url", "https://id.example.com"}, {"public_url", "https://id.example.com:8443"},
		{"public_url", "http://localhost:8080"}, {"public_url", "http://[::1]:8080"}, {"public_url", "http://127.0.0.1"},
		{"public_url", "https://xn--mnchen-3ya.example"}, {"public_url", "http://app.localhost:8080"},
		{"listen", ":8080"}, {"listen", "127.0.0.1:0"}, {"listen", "[::]:443"}, {"listen", "localhost:80"},
		{"listen", "[fe80::1%eth0]:80"}, {"ops_listen", ""}, {"trusted_proxies", ""}, {"trusted_proxies", "::1"},
		{"key_rotation_interval", "0"}, {"password_require_upper", "FALSE"}, {"bootstrap_admin_email", ""},
		{"bootstrap_admin_email", "jörg@münchen.example"}, {"access_token_ttl", "1m30s"}, {"log_level", "error"},
		{"bootstrap_password_file", ""}, {"database_max_connections", "1"}, {"bcrypt_cost", "16"},
		{"database_url", "sqlite:d.db"}, {"database_url", "sqlite:/var/lib/my data/d.db"},
		{"database_url", "postgres://u:p%40ss@localhost/durward"},
		{"database_url", "postgres:///durward?host=/var/run/postgresql"},
		{"database_url", "postgres://[::1]:5432/durward?sslmode=disable"},
		{"database_url", "postgres://localhost:5432,127.0.0.1:5433/durward?target_session_attrs=read-write"},
	}
	for _, c := range cases {
		_, r := load(Source{Dev: true, Env: []string{envName(c.name) + "=" + c.value}}, nil)
		if err := r.Err(); err != nil {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
	}
}

func TestLoad_DatabaseURLsThatCannotWorkAreRefused(t *testing.T) {
	cases := []struct{ url, words string }{
		{"mysql://canary@host/db", "sqlite:PATH or postgres://"},
		{"canary.db", "sqlite:PATH"},
		{"", "sqlite:PATH"},
		{"sqlite:", "a path after sqlite:"},
		{"sqlite:///var/canary.db", "without slashes of a URL"},
		{"sqlite:canary.db?_pragma=x", "without parameters"},
		{"sqlite::memory:", "a file"},
		{"postgres://u:canary#1@localhost/db", "%23"},
		{"postgres://u:canary@1@localhost/db", "%40"},
		{"postgres://u:canary/1@localhost/db", "%2F"},
		{"postgres://u:canary?1@localhost/db", "%3F"},
		{"postgres://u:canary%zz@localhost/db", "percent-encoding"},
		{"postgres://u%zz:canary@localhost/db", "percent-encoding"},
		{"postgres://u:can:ary@localhost/db", "percent-encoding"},
		{"postgres://localhost/canary/x", "one database name"},
		{"postgres://localhost/db?sslmode=canary", "sslmode disable, allow"},
		{"postgres://localhost/db?x=%zzcanary", "parameters"},
		{"postgres://canary host/db", "hosts as NAME"},
		{"postgres://canary:99999/db", "hosts as NAME"},
		{"postgres://localhost/db?host=can ary", "hosts as NAME"},
		{"postgres://u:canary@[::1],localhost/db", "an address in brackets only as the last host"},
	}
	for _, c := range cases {
		t.Run(c.url, func(t *testing.T) {
			_, r := load(Source{Dev: true, Env: []string{"DURWARD_DATABASE_URL=" + c.url}}, nil)
			wantOne(t, r.Problems, "database_url", "DURWARD_DATABASE_URL", c.words)
			if strings.Contains(r.String(), "canary") {
				t.Errorf("the report shows the URL:\n%s", r)
			}
		})
	}
}

func TestLoad_MasterKeysOfAnotherFormAreRefused(t *testing.T) {
	for _, text := range []string{"", "canary", goodKeyText[:40], goodKeyText + "==", goodKeyText + goodKeyText,
		strings.Repeat("canary00", 8), " " + goodKeyText, strings.Repeat("A", 42) + "B"} {
		_, r := load(Source{Dev: true, Env: []string{"DURWARD_MASTER_KEY=" + text}}, nil)
		wantOne(t, r.Problems, "master_key", "32 bytes in base64", "openssl rand -base64 32")
		if text != "" && strings.Contains(r.String(), strings.TrimSpace(text)) {
			t.Errorf("the report shows the key:\n%s", r)
		}
	}
}

func TestLoad_AFileThatIsNoListOfSettingsIsRefusedWithItsLine(t *testing.T) {
	cases := []struct{ text, setting, where, words string }{
		{"listen: a:1\nlistn: b\n", "listn", "c.yaml:2", "write listen if that is meant"},
		{"PublicURL: x\n", "PublicURL", "c.yaml:1", "write public_url"},
		{"DURWARD_LISTEN: x\n", "DURWARD_LISTEN", "c.yaml:1", "write listen"},
		{"master-kye-file: x\n", "master-kye-file", "c.yaml:1", "write master_key_file"},
		{"frobnicate: canary\n", "frobnicate", "c.yaml:1", "remove it"},
		{"config: x\n", "config", "c.yaml:1", "remove it"},
		{"? listen\n: a:1\n", "?", "c.yaml:1", "remove it"},
		{"<<: {listen: a:1}\n", "<<", "c.yaml:1", "remove it"},
		{"listen: a:1\n\nlisten: b:1\n", "listen", "c.yaml:3", "remove this line or line 1"},
		{"listen: a:1\nlisten_file: x\n", "listen", "c.yaml:1 and c.yaml:2", "remove one of the two"},
		{"listen:\n", "listen", "c.yaml:1", "remove the line for the default"},
		{"listen: ~\n", "listen", "c.yaml:1", "nothing"},
		{"listen: [a:1]\n", "listen", "c.yaml:1", "a list"},
		{"listen: {a: 1}\n", "listen", "c.yaml:1", "a mapping"},
		{"listen:\n  host: a\n", "listen", "c.yaml:1", "a mapping"},
		{"trusted_proxies: [[::1]]\n", "trusted_proxies", "c.yaml:1", "a list with a list"},
		{"trusted_proxies: [a: 1]\n", "trusted_proxies", "c.yaml:1", "a list with a mapping"},
		{"trusted_proxies_file: [a]\n", "trusted_proxies_file", "c.yaml:1", "the path of a file"},
		{"listen: &x a:1\n", "listen", "c.yaml:1", "an anchor or alias"},
		{"listen: !!str a:1\n", "listen", "c.yaml:1", "a tag"},
		{"- listen\n", "config", "c.yaml:1", "name: value"},
		{"listen\n", "config", "c.yaml:1", "name: value"},
		{"listen: a:1\n---\nlisten: b:1\n", "config", "c.yaml:3", "one YAML document"},
		{"\nlisten: 'canary\n", "config", "c.yaml:2", "YAML; here: "},
		{"a: 1\n  b: canary\n", "config", "c.yaml:", "YAML; here: "},
		{"\tlisten: canary\n", "config", "c.yaml:1", "tab"},
		{"master_key: \"canary\\q\"\n", "config", "c.yaml:1", "YAML; here: "},
		{"master_key: @canary\n", "config", "c.yaml:1", "YAML; here: "},
		{strings.Repeat("#", maxFile+1), "config", "--config", "64 KiB"},
	}
	for _, c := range cases {
		t.Run(quote(c.text), func(t *testing.T) {
			_, r := load(Source{Dev: true, File: "c.yaml"}, map[string]string{"c.yaml": c.text})
			wantOne(t, r.Problems, c.setting, c.where, c.words)
			if strings.Contains(r.String(), "canary") {
				t.Errorf("the report repeats the file:\n%s", r)
			}
		})
	}
}

func TestLoad_EveryFurtherLineOfADuplicateIsReported(t *testing.T) {
	text := "frob: 1\nlog_level: debug\nlog_level: warn\nlog_level: error\nfrob: 2\n"
	_, r := load(Source{Dev: true, File: "c.yaml"}, map[string]string{"c.yaml": text})
	places := []string{}
	for _, p := range r.Problems {
		places = append(places, p.Where)
	}
	if got := strings.Join(places, " "); got != "c.yaml:1 c.yaml:3 c.yaml:4 c.yaml:5" {
		t.Errorf("got %s:\n%s", got, r)
	}
}

func TestLoad_UnknownVariablesAreRefusedWithTheNearestName(t *testing.T) {
	cases := map[string]string{
		"DURWARD_LISTN":                "write DURWARD_LISTEN if",
		"DURWARD_MASTERKEY":            "write DURWARD_MASTER_KEY if",
		"DURWARD_MASTER_KEYFILE":       "write DURWARD_MASTER_KEY_FILE if",
		"DURWARD_MASTER_KYE_FILE":      "write DURWARD_MASTER_KEY_FILE if",
		"DURWARD_SESSION_TIMEOUT":      "write DURWARD_SESSION_IDLE_TIMEOUT if",
		"DURWARD_public_url":           "write DURWARD_PUBLIC_URL if",
		"DURWARD_CONFIG_FILE":          "write DURWARD_CONFIG with the path",
		"DURWARD_FROBNICATE":           "remove it; docs/configuration.md",
		"DURWARD_":                     "remove it",
		"DURWARD_DB_SERVICE_HOST":      "enableServiceLinks: false",
		"DURWARD_DB_PORT_5432_TCP":     "enableServiceLinks: false",
		"DURWARD_SERVICES":             "remove it",
		"DURWARD_LISTEN_FILE_FILE":     "remove it",
		"DURWARD_" + longName:          "remove it",
		"DURWARD_\x1b[31mLISTEN":       "remove it",
		"DURWARD_BOOTSTRAP_PASSWORD":   "write DURWARD_BOOTSTRAP_PASSWORD_FILE if",
		"DURWARD_PASSWORD_REQUIRE_UPP": "write DURWARD_PASSWORD_REQUIRE_UPPER if",
	}
	for name, fix := range cases {
		t.Run(plain(name), func(t *testing.T) {
			_, r := load(Source{Dev: true, Env: []string{name + "=canary"}}, nil)
			wantOne(t, r.Problems, plain(name), fix)
			if text := r.String(); strings.Contains(text, "canary") || strings.Contains(text, "\x1b") {
				t.Errorf("the report shows the value or an escape:\n%q", text)
			}
		})
	}
}

var longName = strings.Repeat("X", 300)

func TestLoad_VariablesOfAKubernetesServiceAreLeftAlone(t *testing.T) {
	env := []string{"DURWARD_SERVICE_HOST=10.0.0.1", "DURWARD_SERVICE_PORT=80", "DURWARD_SERVICE_PORT_HTTP=80",
		"DURWARD_PORT=tcp://10.0.0.1:80", "DURWARD_PORT_80_TCP=tcp://10.0.0.1:80", "DURWARD_PORT_80_TCP_ADDR=10.0.0.1",
		"durward_listen=lower", "OTHER=1", "DURWARD", "=C:=x"}
	_, r := load(Source{Dev: true, Env: env}, nil)
	wantNoProblems(t, r)
}

func TestLoad_UnknownFlagsAreRefused(t *testing.T) {
	_, r := load(Source{Dev: true, Flags: map[string]string{"lisen": "canary"}}, nil)
	wantOne(t, r.Problems, "lisen", "--lisen", "write --listen if")
}

func TestLoad_BothFormsAtOnceAreRefused(t *testing.T) {
	env := []string{"DURWARD_MASTER_KEY=" + goodKeyText, "DURWARD_MASTER_KEY_FILE=key"}
	_, r := load(Source{Dev: true, Env: env}, map[string]string{"key": goodKeyText})
	wantOne(t, r.Problems, "master_key", "DURWARD_MASTER_KEY and DURWARD_MASTER_KEY_FILE", "remove one of the two")
	flags := map[string]string{"listen": "a:1", "listen_file": "x"}
	_, r = load(Source{Dev: true, Flags: flags}, nil)
	wantOne(t, r.Problems, "listen", "--listen and --listen-file")
}

func TestLoad_AFileThatCannotBeReadIsRefused(t *testing.T) {
	_, r := load(Source{Dev: true, Env: []string{"DURWARD_MASTER_KEY_FILE=gone"}}, nil)
	wantOne(t, r.Problems, "master_key", "DURWARD_MASTER_KEY_FILE", `"gone": file does not exist`, "check the path")
	_, r = load(Source{Dev: true, File: "gone.yaml"}, nil)
	wantOne(t, r.Problems, "config", "--config", `"gone.yaml"`, "durward config example")
	_, r = load(Source{Dev: true, Env: []string{"DURWARD_CONFIG=gone.yaml"}}, nil)
	wantOne(t, r.Problems, "config", "DURWARD_CONFIG")
	_, r = load(Source{Dev: true, Env: []string{"DURWARD_LISTEN_FILE=big"}},
		map[string]string{"big": strings.Repeat("x", maxFile+1)})
	wantOne(t, r.Problems, "listen", "larger than 64 KiB")
}

func TestLoad_ABrokenSettingCausesNoSecondProblem(t *testing.T) {
	env := production("DURWARD_ACCESS_TOKEN_TTL=soon", "DURWARD_SESSION_IDLE_TIMEOUT=1s")
	_, r := load(Source{Env: env}, nil)
	names := map[string]int{}
	for _, p := range r.Problems {
		names[p.Setting]++
	}
	if names["access_token_ttl"] != 1 || names["master_key"] != 0 {
		t.Errorf("got:\n%s", r)
	}
	_, r = load(Source{Env: []string{"DURWARD_PUBLIC_URL=x", "DURWARD_DATABASE_URL=x", "DURWARD_MASTER_KEY=x"}}, nil)
	if len(r.Problems) != 3 {
		t.Errorf("expected one problem each, got:\n%s", r)
	}
}
