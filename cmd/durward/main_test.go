package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// patience bounds whatever a test waits for, on a busy machine.
const patience = time.Minute

func TestRun_WithoutACommandShowsTheHelpAndFails(t *testing.T) {
	r := newShell(t).run(t)
	if r.code != exitMisused || !strings.Contains(r.out, "Usage: durward <command>") {
		t.Errorf("exit code %d, want %d\n%s", r.code, exitMisused, r.out)
	}
}

func TestRun_HelpIsTheSameByWordAndByFlag(t *testing.T) {
	s := newShell(t)
	for _, command := range []string{"", "user", "user create", "serve"} {
		words := strings.Fields(command)
		byFlag := s.ok(t, append(words, "--help")...)
		byWord := s.ok(t, append([]string{"help"}, words...)...)
		short := s.ok(t, append(words, "-h")...)
		if byFlag != byWord || byFlag != short {
			t.Errorf("%q: the help differs:\n%s\n%s\n%s", command, byFlag, byWord, short)
		}
		contains(t, byFlag, "Usage: durward "+command, "Examples:")
	}
}

func TestRun_HelpOfServeListsEverySettingAndNoOtherDoes(t *testing.T) {
	s := newShell(t)
	contains(t, s.ok(t, "serve", "--help"), "--public-url=TEXT", "--hash-queue=N", "--password-hash=argon2id|bcrypt")
	lacks(t, s.ok(t, "user", "list", "--help"), "--public-url")
}

func TestRun_MistakesOnTheCommandLineAreCode2AndSayWhereToReadOn(t *testing.T) {
	s := newShell(t)
	for name, c := range map[string]struct {
		words string
		tells []string
	}{
		"an unknown command":       {"sevre", []string{"sevre", "serve", "See: durward --help"}},
		"an unknown flag":          {"user list --jsno", []string{"--jsno", "See: durward user list --help"}},
		"an unknown setting":       {"serve --dev --lisen :1", []string{"--lisen"}},
		"a missing word":           {"user grant alice", []string{"<role>", "See: durward user grant --help"}},
		"a word too many":          {"version now", []string{"now"}},
		"a missing flag":           {"user create --username alice", []string{"--email=ADDRESS"}},
		"a group without its verb": {"user", []string{"expected one of", "create"}},
		"a number that is none":    {"user list --limit many", []string{"--limit"}},
		"a limit too large":        {"user list --limit 501", []string{"--limit: expected 1 to 500, got 501"}},
		"a limit too small":        {"user list --limit 0", []string{"--limit: expected 1 to 500, got 0"}},
		"a negative cursor":        {"user list --after=-1", []string{"--after: expected the number of an account"}},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, s.run(t, strings.Fields(c.words)...), exitMisused, append(c.tells, "durward: ")...)
		})
	}
}

func TestRun_AnAnswerThatCannotBeWrittenIsAFailure(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"durward", "version"}, nil, strings.NewReader(""), broken{}, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit code %d, want %d: %s", code, exitFailed, stderr.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestVersion_NamesBuildLanguageAndPlatform(t *testing.T) {
	s := newShell(t)
	b := decode[build](t, s.ok(t, "version", "--json"))
	if b.Version == "" || !strings.HasPrefix(b.Go, "go1.") || !strings.Contains(b.Platform, "/") {
		t.Errorf("got %+v", b)
	}
	want := "durward " + b.Version + " (" + b.Go + ", " + b.Platform + ")\n"
	if got := s.ok(t, "version"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRoutes_ListsBothListeners(t *testing.T) {
	s := newShell(t)
	list := decode[routeList](t, s.ok(t, "routes", "--json"))
	for _, want := range []route{
		{"public", "POST", "/register", "none", "*"}, {"public", "GET", "/me", "bearer", "*"},
		{"public", "POST", "/logout", "bearer_or_body", "*"}, {"public", "GET", "/.well-known/jwks.json", "none", "*"},
		{"public", "GET", "/openapi.json", "none", "*"}, {"operations", "GET", "/metrics", "none", "*"},
	} {
		if !hasRoute(list.Routes, want) {
			t.Errorf("%+v is missing in %+v", want, list.Routes)
		}
	}
	if hasRoute(list.Routes, route{"public", "GET", "/metrics", "none", "*"}) {
		t.Error("metrics are shown to the public")
	}
	text := s.ok(t, "routes")
	if lines := strings.Count(text, "\n"); lines != len(list.Routes)+1 {
		t.Errorf("%d lines for a heading and %d routes\n%s", lines, len(list.Routes), text)
	}
	contains(t, text, "LISTENER", "METHOD", "PATH", "AUTH", "SUMMARY", "/protected")
}

// hasRoute looks for a route whose summary is not empty.
func hasRoute(list []route, want route) bool {
	for _, r := range list {
		if r.Summary != "" && r.Listener == want.Listener && r.Method == want.Method && r.Path == want.Path &&
			r.Auth == want.Auth {
			return true
		}
	}
	return false
}

func TestFailure_IsJSONWhereTheAnswerWouldBe(t *testing.T) {
	s := newShell(t)
	r := s.run(t, "user", "list", "--dev", "--json")
	var f map[string]string
	if err := json.Unmarshal([]byte(r.err), &f); err != nil || strings.Count(r.err, "\n") != 1 {
		t.Fatalf("%v: want one line of JSON, got %q", err, r.err)
	}
	if r.code != exitRefused || f["code"] != "no_database" || f["message"] == "" || len(f) != 2 {
		t.Errorf("exit code %d, %v", r.code, f)
	}
}

func TestTable_KeepsTheTerminalFromBeingSteered(t *testing.T) {
	var out bytes.Buffer
	table(&out, []string{"NAME"}, [][]string{{"a\x1b[2Jb\nc\u202ed"}})
	if got, want := out.String(), "NAME\na\ufffd[2Jb\ufffdc\ufffdd\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
