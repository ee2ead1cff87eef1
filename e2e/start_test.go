package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStart_ABusyPortNamesTheSetting(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		for name, address := range map[string]string{"LISTEN": s.url, "OPS_LISTEN": s.ops} {
			address = strings.TrimPrefix(address, "http://")
			second := s.in.begin(name + "=" + address)
			if code := second.wait(); code != 1 {
				t.Errorf("%s: exit code %d, want 1", name, code)
			}
			if said := second.stderr(); !strings.Contains(said, "DURWARD_"+name+": "+address+" is in use") {
				t.Errorf("%s: it said:\n%s", name, said)
			}
		}
		s.get("/healthz", "").want(http.StatusOK, "")
	})
}

func TestStart_ABadConfigurationPrintsEveryProblemWithItsFixAndEndsWith2(t *testing.T) {
	in := newInstallation(t, sqliteEngine)
	open := in.file("open.key", newMasterKey())
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	in.set("PUBLIC_URL=http://id.example.com", "LISTEN=nowhere", "MASTER_KEY_FILE="+open, "ACCESS_TOKEN_TTL=quick",
		"SIGNING_ALGORITM=ES256")
	folderBefore := names(t, in.folder)
	for _, words := range [][]string{{"serve"}, {"config", "check"}} {
		r := in.command("", words...)
		if r.code != 2 {
			t.Errorf("%v: exit code %d, want 2", words, r.code)
		}
		for _, want := range []string{"5 problems", "DURWARD_PUBLIC_URL", "https", "DURWARD_LISTEN", "HOST:PORT", "chmod",
			"DURWARD_ACCESS_TOKEN_TTL", "duration", "DURWARD_SIGNING_ALGORITM", "DURWARD_SIGNING_ALGORITHM"} {
			if !strings.Contains(r.out+r.err, want) {
				t.Errorf("%v does not say %q:\n%s%s", words, want, r.out, r.err)
			}
		}
	}
	if after := names(t, in.folder); after != folderBefore {
		t.Errorf("files were made: %s, before %s", after, folderBefore)
	}
}

func names(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestStart_WithAnotherMasterKeyIsRefused(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		s.stop()
		s.in.file("master.key", newMasterKey())
		again := s.in.begin()
		if code := again.wait(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		if said := again.stderr(); !strings.Contains(said, "master key") {
			t.Errorf("it said:\n%s", said)
		}
	})
}

func TestStart_KeepsEverythingOverARestart(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		who, held := s.signedIn()
		keys := s.keys()
		if code := s.stop(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		s = s.in.start()
		s.get("/protected", held.access).want(http.StatusOK, "")
		s.refresh(held.refresh).want(http.StatusOK, "")
		s.call(who.signIn()).tokens()
		if now := s.keys(); strings.Join(now, " ") != strings.Join(keys, " ") {
			t.Errorf("the keys %v have become %v", keys, now)
		}
	})
}

func TestHealthcheck_TellsARunningServerFromNone(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		address := strings.TrimPrefix(s.ops, "http://")
		s.in.set("OPS_LISTEN=" + address)
		if r := s.in.command("", "healthcheck"); r.code != 0 || !strings.HasPrefix(r.out, "ready") {
			t.Errorf("running: %+v", r)
		}
		s.stop()
		if r := s.in.command("", "healthcheck"); r.code != 1 {
			t.Errorf("stopped: %+v", r)
		}
	})
}

func TestBootstrap_MakesOneAdministratorOnAnEmptyDatabase(t *testing.T) {
	eachEngine(t, func(t *testing.T, in *installation) {
		path := filepath.Join(in.folder, "first-password")
		in.set("BOOTSTRAP_ADMIN_EMAIL=root@example.com", "BOOTSTRAP_PASSWORD_FILE="+path)
		s := in.start()
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Fatalf("the password's file: %v, %v", info, err)
		}
		password := strings.TrimSuffix(content(t, path), "\n")
		secrets.add("one-time password", password)
		for _, name := range []string{"root", "root@example.com"} {
			held := s.call(person{name: name, password: password}.signIn()).tokens()
			me := s.get("/me", held.access).want(http.StatusOK, "")
			if roles, _ := json.Marshal(me.json["roles"]); string(roles) != `["admin"]` {
				t.Errorf("the roles of %s are %s", name, roles)
			}
		}
		s.stop()

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		in.start()
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("a second start wrote a password: %v", err)
		}
		if n := in.number(t, "SELECT count(*) FROM users"); n != 1 {
			t.Errorf("%d accounts after a second start", n)
		}
	})
}

func TestBootstrap_NeverOverwritesAFile(t *testing.T) {
	eachEngine(t, func(t *testing.T, in *installation) {
		path := in.file("precious", "something of value")
		in.set("BOOTSTRAP_ADMIN_EMAIL=root@example.com", "BOOTSTRAP_PASSWORD_FILE="+path)
		s := in.begin()
		if code := s.wait(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		if said := s.stderr(); !strings.Contains(said, path) || !strings.Contains(said, "DURWARD_BOOTSTRAP_PASSWORD_FILE") {
			t.Errorf("it said:\n%s", said)
		}
		if text := content(t, path); text != "something of value" {
			t.Error("the file was changed")
		}
		if n := in.number(t, "SELECT count(*) FROM users"); n != 0 {
			t.Errorf("%d accounts were made", n)
		}
	})
}

func TestBootstrap_OfTwoInstancesAtOnceMakesOneAdministratorWhosePasswordWorks(t *testing.T) {
	eachEngine(t, func(t *testing.T, in *installation) {
		path := filepath.Join(in.folder, "first-password")
		in.set("BOOTSTRAP_ADMIN_EMAIL=root@example.com", "BOOTSTRAP_PASSWORD_FILE="+path)
		one, other := in.begin(), in.begin()
		one.awaitReady()
		other.awaitReady()
		password := strings.TrimSuffix(content(t, path), "\n")
		secrets.add("one-time password", password)
		other.call(person{name: "root", password: password}.signIn()).tokens()
		if n := in.number(t, "SELECT count(*) FROM users"); n != 1 {
			t.Errorf("%d accounts", n)
		}
		if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
			t.Errorf("left over: %v, %v", left, err)
		}
	})
}

// The development profile needs nothing at all, and says what to paste.
func TestServeDev_NeedsNothingAndKeepsItsDataInTheFolder(t *testing.T) {
	folder := t.TempDir()
	in := &installation{t: t, folder: folder}
	in.choosePort()
	for range 2 {
		s := &server{in: in, process: launch(t, folder, nil, nil, "serve", "--dev",
			"--listen", fmt.Sprintf("127.0.0.1:%d", in.port),
			"--ops-listen", "127.0.0.1:0", "--log-format", "json")}
		s.awaitReady()
		said := s.stdout()
		for _, want := range []string{"http://localhost:", "curl ", "/register", "/login", "/protected", "user grant",
			"Ctrl-C"} {
			if !strings.Contains(said, want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
		}
		s.signedIn()
		if code := s.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	if made := names(t, folder); made != ".durward" {
		t.Errorf("in the folder are now: %s", made)
	}
	key := strings.TrimSpace(content(t, filepath.Join(folder, ".durward", "master.key")))
	secrets.add("master key", key)
}
