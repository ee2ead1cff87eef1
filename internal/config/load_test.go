package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoad_DevelopmentNeedsNothing(t *testing.T) {
	c, r := load(Source{Dev: true}, nil)
	wantNoProblems(t, r)
	if len(r.Warnings) != 0 {
		t.Errorf("expected no warnings, got:\n%s", r)
	}
	got := []string{c.PublicURL, c.Listen, c.OpsListen, c.DatabaseURL.Reveal(), c.DevMasterKeyFile, c.StateDir,
		c.LogFormat, c.BootstrapPasswordFile, c.SQLitePath()}
	want := []string{"http://localhost:8080", "127.0.0.1:8080", "127.0.0.1:9080", "sqlite:.durward/durward.db",
		filepath.Join(".durward", "master.key"), ".durward", "text",
		filepath.Join(".durward", "durward-admin-password"), ".durward/durward.db"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !c.PublicURLFollowsListen || !c.MasterKey.Empty() {
		t.Error("expected a public URL that follows the listener, and no master key yet")
	}
}

func TestLoad_DefaultsOfProduction(t *testing.T) {
	c, r := load(Source{Env: production()}, nil)
	wantNoProblems(t, r)
	if len(r.Warnings) != 0 {
		t.Errorf("expected no warnings, got:\n%s", r)
	}
	if c.StateDir != "" || c.DevMasterKeyFile != "" || c.PublicURLFollowsListen {
		t.Error("expected nothing of the development profile")
	}
	if c.MasterKey.Reveal() != string(goodKey) {
		t.Error("expected the bytes of the master key")
	}
	times := []time.Duration{c.AccessTokenTTL, c.RefreshReuseWindow, c.SessionIdleTimeout, c.SessionAbsoluteTimeout,
		c.KeyRotationInterval, c.ShutdownTimeout}
	want := []time.Duration{15 * time.Minute, 10 * time.Second, 24 * time.Hour, 720 * time.Hour, 2160 * time.Hour,
		20 * time.Second}
	if diff := cmp.Diff(want, times); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(PasswordRule{8, true, true, true, true}, c.Password); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Hashing{"argon2id", 19456, 2, 1, 12, 0, 0, 0}, c.Hash); diff != "" {
		t.Error(diff)
	}
	if c.BootstrapPasswordFile != "/var/lib/durward/durward-admin-password" {
		t.Errorf("expected the password file beside the database, got %s", c.BootstrapPasswordFile)
	}
}

func TestLoad_ProductionNeedsThreeSettingsAndSaysHow(t *testing.T) {
	_, r := load(Source{}, nil)
	names := []string{}
	for _, p := range r.Problems {
		names = append(names, p.Setting)
		if p.Where != "not set" || !strings.Contains(p.Fix, "DURWARD_") {
			t.Errorf("expected the place and a fix, got %+v", p)
		}
	}
	if diff := cmp.Diff([]string{"public_url", "database_url", "master_key"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestLoad_ALaterSourceWins(t *testing.T) {
	files := map[string]string{"c.yaml": "\nlisten: 127.0.0.1:2\n", "port": "127.0.0.1:4\n"}
	env := []string{"DURWARD_LISTEN=127.0.0.1:3"}
	steps := []struct {
		name, listen, origin string
		src                  Source
	}{
		{"default", "127.0.0.1:8080", "default", Source{}},
		{"file", "127.0.0.1:2", "c.yaml:2", Source{File: "c.yaml"}},
		{"file named by a variable", "127.0.0.1:2", "c.yaml:2", Source{Env: []string{"DURWARD_CONFIG=c.yaml"}}},
		{"--config before DURWARD_CONFIG", "127.0.0.1:2", "c.yaml:2",
			Source{File: "c.yaml", Env: []string{"DURWARD_CONFIG=other.yaml"}}},
		{"environment", "127.0.0.1:3", "DURWARD_LISTEN", Source{File: "c.yaml", Env: env}},
		{"environment by file", "127.0.0.1:4", "DURWARD_LISTEN_FILE → port",
			Source{File: "c.yaml", Env: []string{"DURWARD_LISTEN_FILE=port"}}},
		{"flag", "127.0.0.1:5", "--listen",
			Source{File: "c.yaml", Env: env, Flags: map[string]string{"listen": "127.0.0.1:5"}}},
		{"flag by file", "127.0.0.1:4", "--listen-file → port",
			Source{File: "c.yaml", Env: env, Flags: map[string]string{"listen_file": "port"}}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			step.src.Dev = true
			c, r := load(step.src, files)
			wantNoProblems(t, r)
			if c.Listen != step.listen || c.origins["listen"] != step.origin {
				t.Errorf("expected %s from %s, got %s from %s", step.listen, step.origin, c.Listen, c.origins["listen"])
			}
		})
	}
}

func TestLoad_OnlyTheValueThatCountsIsUnderstood(t *testing.T) {
	files := map[string]string{"c.yaml": "listen: nonsense\nmaster_key_file: missing\n"}
	env := []string{"DURWARD_LISTEN=127.0.0.1:1", "DURWARD_MASTER_KEY=" + goodKeyText}
	_, r := load(Source{Dev: true, File: "c.yaml", Env: env}, files)
	wantNoProblems(t, r)
}

func TestLoad_TheLastOfTwoEntriesOfTheEnvironmentCounts(t *testing.T) {
	c, r := load(Source{Dev: true, Env: []string{"DURWARD_LISTEN=127.0.0.1:1", "DURWARD_LISTEN=127.0.0.1:2"}}, nil)
	wantNoProblems(t, r)
	if c.Listen != "127.0.0.1:2" {
		t.Errorf("got %s", c.Listen)
	}
}

func TestLoad_InDevelopmentThePublicURLFollowsThePort(t *testing.T) {
	cases := map[string]string{
		"127.0.0.1:9000": "http://localhost:9000",
		"[::1]:7000":     "http://localhost:7000",
		"localhost:80":   "http://localhost",
	}
	for listen, want := range cases {
		c, r := load(Source{Dev: true, Env: []string{"DURWARD_LISTEN=" + listen}}, nil)
		wantNoProblems(t, r)
		if c.PublicURL != want {
			t.Errorf("listen %s: expected %s, got %s", listen, want, c.PublicURL)
		}
	}
	c, r := load(Source{Dev: true,
		Env: []string{"DURWARD_LISTEN=127.0.0.1:9000", "DURWARD_PUBLIC_URL=http://localhost:8080"}}, nil)
	wantNoProblems(t, r)
	if c.PublicURL != "http://localhost:8080" || c.PublicURLFollowsListen {
		t.Error("a public URL that was set must stay")
	}
}

func TestLoad_RelativePathsStartFromTheSourcesFolder(t *testing.T) {
	dir := filepath.Join(string(filepath.Separator), "srv")
	files := map[string]string{
		filepath.Join(dir, "c.yaml"): "master_key_file: key\ndatabase_url: sqlite:data/d.db\n",
		filepath.Join(dir, "key"):    goodKeyText + "\n",
	}
	c, r := load(Source{Dev: true, Dir: dir, File: "c.yaml"}, files)
	wantNoProblems(t, r)
	got := []string{c.SQLitePath(), c.BootstrapPasswordFile, c.StateDir}
	want := []string{filepath.Join(dir, "data", "d.db"), filepath.Join(dir, "data", "durward-admin-password"),
		filepath.Join(dir, ".durward")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoad_WithPostgreSQLThePasswordFileIsInTheWorkingFolder(t *testing.T) {
	c, r := load(Source{Dev: true, Env: []string{"DURWARD_DATABASE_URL=postgresql://localhost/durward"}}, nil)
	wantNoProblems(t, r)
	if c.BootstrapPasswordFile != "durward-admin-password" || c.DatabaseURL.Reveal() != "postgres://localhost/durward" {
		t.Errorf("got %s and %s", c.BootstrapPasswordFile, c.DatabaseURL.Reveal())
	}
}

func TestLoad_AListIsAListOrAText(t *testing.T) {
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
		netip.MustParsePrefix("2001:db8::/32")}
	texts := []string{
		"trusted_proxies: 10.0.0.0/8, 192.0.2.7 2001:db8::/32\n",
		"trusted_proxies: [10.0.0.0/8, 192.0.2.7, '2001:db8::/32']\n",
		"trusted_proxies:\n  - 10.0.0.0/8 # the cluster\n  - 192.0.2.7\n  - 2001:db8::/32\n",
		"trusted_proxies: ['::ffff:10.0.0.0/104', '::ffff:192.0.2.7', '2001:db8::/32']\n",
	}
	for _, text := range texts {
		c, r := load(Source{Dev: true, File: "c.yaml"}, map[string]string{"c.yaml": text})
		wantNoProblems(t, r)
		if !slices.Equal(want, c.TrustedProxies) {
			t.Errorf("%sgot %v", text, c.TrustedProxies)
		}
	}
}

func TestLoad_EmptyTurnsTheOperationsListenerOff(t *testing.T) {
	for _, src := range []Source{
		{Dev: true, Env: []string{"DURWARD_OPS_LISTEN="}},
		{Dev: true, Flags: map[string]string{"ops_listen": ""}},
		{Dev: true, File: "c.yaml"},
	} {
		c, r := load(src, map[string]string{"c.yaml": `ops_listen: ""`})
		wantNoProblems(t, r)
		if c.OpsListen != "" {
			t.Errorf("got %q", c.OpsListen)
		}
	}
}

func TestLoad_OneNewlineAtTheEndOfAValueFileIsCut(t *testing.T) {
	for ending, ok := range map[string]bool{"": true, "\n": true, "\r\n": true, "\n\n": false, " \n": false} {
		files := map[string]string{"key": goodKeyText + ending}
		_, r := load(Source{Dev: true, Env: []string{"DURWARD_MASTER_KEY_FILE=key"}}, files)
		if (r.Err() == nil) != ok {
			t.Errorf("ending %q: got %v", ending, r.Err())
		}
	}
}

func TestLoad_TheMasterKeyMayBeInAnyBase64(t *testing.T) {
	std := strings.TrimRight(goodKeyText, "=")
	urlText := strings.NewReplacer("+", "-", "/", "_").Replace(std)
	if std == urlText {
		t.Fatal("the key of this test must have characters in which the alphabets differ")
	}
	for _, text := range []string{std, std + "=", urlText, urlText + "="} {
		key, err := ParseMasterKey(text)
		if err != nil || key.Reveal() != string(goodKey) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ParseMasterKey("canary" + std); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("expected an error without the text, got %v", err)
	}
}

func TestLoad_AFileMayBeEmpty(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", Example()} {
		c, r := load(Source{Dev: true, File: "c.yaml"}, map[string]string{"c.yaml": text})
		wantNoProblems(t, r)
		if c.ConfigFile != "c.yaml" {
			t.Errorf("got %q", c.ConfigFile)
		}
	}
}

func TestLoad_AByteOrderMarkAndWindowsLinesAreRead(t *testing.T) {
	text := "\ufefflisten: 127.0.0.1:1\r\nlog_level: debug\r\n"
	c, r := load(Source{Dev: true, File: "c.yaml"}, map[string]string{"c.yaml": text})
	wantNoProblems(t, r)
	if c.Listen != "127.0.0.1:1" || c.LogLevel.String() != "DEBUG" {
		t.Errorf("got %s and %s", c.Listen, c.LogLevel)
	}
}
