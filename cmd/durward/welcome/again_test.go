package welcome

import (
	"os/exec"
	"testing"
)

func TestProgram_IsCalledAsItWasStarted(t *testing.T) {
	const hash = "c5c4a03de2a72095d594f9012b794e4507b917066625d7fa8646f376c6283a71"
	here := func(path string) bool { return path == "cmd/durward/main.go" }
	nowhere := func(string) bool { return false }
	for _, c := range []struct {
		typed  string
		exists func(string) bool
		want   string
	}{
		{"/tmp/go-build332676185/b001/exe/durward", here, "go run ./cmd/durward"},
		{"/root/.cache/go-build/c5/" + hash + "-d/durward", here, "go run ./cmd/durward"},
		{"/elsewhere/c5/" + hash + "-d/durward", here, "go run ./cmd/durward"},
		{"/tmp/go-build332676185/b001/exe/durward", nowhere, "/tmp/go-build332676185/b001/exe/durward"},
		{"./durward", here, "./durward"},
		{"durward", nowhere, "durward"},
		{"/opt/my programs/durward", here, "'/opt/my programs/durward'"},
		{"/home/me/go-build/durward", here, "/home/me/go-build/durward"},
	} {
		if got := program(c.typed, c.exists); got != c.want {
			t.Errorf("%s: got %s, want %s", c.typed, got, c.want)
		}
	}
}

// The patterns of the paths that `go run` makes are no promise of Go's, so that they are checked against the real one.
func TestProgram_RecognisesGoRun(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "run", "./testdata/printname").Output()
	if err != nil {
		t.Fatal(err)
	}
	here := func(string) bool { return true }
	if got := program(string(out), here); got != "go run ./cmd/durward" {
		t.Errorf("got %s for %s", got, out)
	}
}

func TestHoldsPassword_IsSureOnlyOfURLsThatItUnderstands(t *testing.T) {
	for url, want := range map[string]bool{
		"sqlite:/var/lib/durward.db":                    false,
		"sqlite:a:b@c":                                  false,
		"postgres://durward@db/durward?sslmode=require": false,
		"postgres:///durward?host=/var/run/postgresql":  false,
		"postgres://durward:secret@db/durward":          true,
		"postgres://durward:@db/durward":                true,
		"postgres://db/durward?password=secret":         true,
		"postgres://db/durward?sslpassword=secret":      true,
		"postgres://db/durward?PassWord=secret":         true,
		"postgres://a:b%zz@db/durward":                  true,
		"postgres://one,two:5432/durward":               false,
		"postgres://db/durward?%70assword=x":            true,
		"postgres://db/durward?a;password=x":            true,
	} {
		if got := holdsPassword(url); got != want {
			t.Errorf("%s: got %v, want %v", url, got, want)
		}
	}
}

func TestPostgresVariables_AreNamedWithoutTheirValues(t *testing.T) {
	env := environment([]string{
		"PGPASSWORD=hunter2", "PGHOST=db", "PGSSLMODE=require", "PGAPPNAME=x", "PAGER=less", "PG=1",
	})
	got := postgresVariables(env)
	if areVariables(got) != "PGHOST, PGPASSWORD and PGSSLMODE are" {
		t.Errorf("got %v", got)
	}
}

func TestShellWord_IsOneWordToAShell(t *testing.T) {
	for _, text := range []string{
		"plain", "a b", "it's", `$HOME "x" \`, "*", "a\nb", "~", "#x", "", "é", "!x", "a;b", "-x=y",
	} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellWord(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q became %q, %v", text, out, err)
		}
	}
}

func TestCallable_CallsThisMachineLocalhost(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "localhost:8080", "[::1]:8080": "localhost:8080", "0.0.0.0:80": "localhost:80",
		"[::]:8080": "localhost:8080", ":8080": "localhost:8080", "192.0.2.7:8080": "192.0.2.7:8080",
		"[2001:db8::1]:80": "[2001:db8::1]:80", "127.0.0.2:80": "127.0.0.2:80",
	} {
		if got := callable(listen); got != want {
			t.Errorf("%s is called by %s, want %s", listen, got, want)
		}
	}
}
