package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// actAsProgram makes the test binary be the program: tests of signals and of pasted commands start it as a process.
const actAsProgram = "TEST_ACT_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(actAsProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

const goodPassword = "Correct-Horse-9"

// shell is what a command is run in. Its folder is the process's.
type shell struct {
	env     []string
	stdin   string
	program string
}

// reply is what a command came to.
type reply struct {
	code     int
	out, err string
}

func (s shell) run(t *testing.T, words ...string) reply {
	t.Helper()
	if s.program == "" {
		s.program = "durward"
	}
	var out, err bytes.Buffer
	code := run(t.Context(), append([]string{s.program}, words...), s.env, strings.NewReader(s.stdin), &out, &err)
	return reply{code, out.String(), err.String()}
}

// ok runs a command that has to succeed, and gives what it printed.
func (s shell) ok(t *testing.T, words ...string) string {
	t.Helper()
	r := s.run(t, words...)
	if r.code != exitDone {
		t.Fatalf("durward %s: exit code %d\n%s%s", strings.Join(words, " "), r.code, r.out, r.err)
	}
	return r.out
}

func (s shell) typing(text string) shell {
	s.stdin = text
	return s
}

func (s shell) with(variables ...string) shell {
	s.env = append(append([]string{}, s.env...), variables...)
	return s
}

// newShell is a shell in an empty folder of its own.
func newShell(t *testing.T) shell {
	t.Helper()
	t.Chdir(t.TempDir())
	return shell{}
}

// production is a shell with a complete configuration in its environment and an empty database.
func production(t *testing.T, engine db.Engine) shell {
	t.Helper()
	return newShell(t).with(
		"DURWARD_PUBLIC_URL=http://localhost:8080",
		"DURWARD_MASTER_KEY="+base64.StdEncoding.EncodeToString(secret.Bytes(32)),
		"DURWARD_DATABASE_URL="+dbtest.EmptyURL(t, engine).Reveal(),
	)
}

// databaseURL is the database of a production shell.
func (s shell) databaseURL() string {
	for _, variable := range s.env {
		if url, ok := strings.CutPrefix(variable, "DURWARD_DATABASE_URL="); ok {
			return url
		}
	}
	return ""
}

// eachEngine runs fn in production on both engines.
func eachEngine(t *testing.T, fn func(t *testing.T, s shell)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { fn(t, production(t, engine)) })
	}
}

// createUser makes an account by command.
func (s shell) createUser(t *testing.T, name string, words ...string) {
	t.Helper()
	words = append([]string{"user", "create", "--username", name, "--email", name + "@example.com", "--password-stdin"},
		words...)
	s.typing(goodPassword).ok(t, words...)
}

// decode reads JSON output strictly into a value of type T.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&value); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("there is more than one JSON value in\n%s", text)
	}
	return value
}

// refused checks that a command ended with a code and told all of this on standard error, and nothing elsewhere.
func refused(t *testing.T, r reply, code int, tells ...string) {
	t.Helper()
	if r.code != code || r.out != "" {
		t.Errorf("exit code %d, want %d; answer %q, want none\n%s", r.code, code, r.out, r.err)
	}
	contains(t, r.err, tells...)
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q must not be in\n%s", part, text)
		}
	}
}

// script makes a command in a folder of its own that is this program, and gives its path.
func script(t *testing.T) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "durward")
	text := "#!/bin/sh\n" + actAsProgram + "=yes exec " + "'" + binary + "'" + " \"$@\"\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// withTimeout is the test's context with the patience of a test.
func withTimeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
