// Package snippets reads docs/quickstart.md and does what it says, block by block and exactly as printed: it starts the
// server from a copy of the source, types the commands into one shell, saves the programs under the names that they are
// given, and compares what comes back. Then it shows each program the tokens that it must refuse.
//
// It needs sh, curl, sed, Node.js with npm, Python with venv, and the modules that the page installs, from the usual
// caches or registries. The server has the ports of the page; where one is in use it gets another, which is the only
// thing in the snippets that is ever changed.
package snippets

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	root = "../.."
	page = "docs/quickstart.md"
)

// program is one of the page's programs: where it lies and how it is run.
type program struct {
	name  string
	place place
	run   *block
}

func TestQuickstart_DoesAsPrinted(t *testing.T) {
	r := newReader(t)
	for _, step := range r.steps {
		if err := r.do(t, step); err != nil {
			t.Fatalf("%s, %v: %v", page, step, err)
		}
	}
	if len(r.programs) != 3 {
		t.Fatalf("%d programs, want one in each of three languages", len(r.programs))
	}
	sample := r.terminal.ask(t, `echo "$TOKEN"`)
	t.Run("an altered token of the server is refused", func(t *testing.T) {
		r.each(t, func(t *testing.T, p program) { p.refuses(t, "altered signature", alterSignature(sample)) })
	})
	t.Run("only the server knows of signing out", func(t *testing.T) { r.signOut(t, sample) })
	if err := r.stopServer(); err != nil {
		t.Fatal(err)
	}
	t.Run("without keys every token is refused", func(t *testing.T) {
		r.each(t, func(t *testing.T, p program) { p.refuses(t, "good", sample) })
	})
	t.Run("only good tokens are accepted", func(t *testing.T) {
		f := openForge(t, "127.0.0.1:"+r.port, sample)
		r.each(t, func(t *testing.T, p program) { p.judges(t, f) })
	})
}

// reader is somebody who follows the page.
type reader struct {
	steps    []*block
	port     string // of the server
	source   place  // a clone of the project
	terminal *terminal
	server   *server
	programs []program
	saved    string // the file saved last, until it is run
}

func newReader(t *testing.T) *reader {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{port: "8080"}
	env := environment()
	if busy("9080") {
		env = append(env, "DURWARD_OPS_LISTEN=127.0.0.1:"+freePort(t))
	}
	written := string(text)
	if busy(r.port) {
		r.port = freePort(t)
		t.Logf("port 8080 is in use; the snippets are run with %s instead", r.port)
		env = append(env, "DURWARD_LISTEN=127.0.0.1:"+r.port)
		written = strings.ReplaceAll(written, "localhost:8080", "localhost:"+r.port)
		written = strings.ReplaceAll(written, "127.0.0.1:8080", "127.0.0.1:"+r.port)
	}
	if r.steps, err = parse(written); err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	r.source = place{copySource(t), env}
	r.terminal = openTerminal(t, place{t.TempDir(), env})
	return r
}

// environment is ours without any setting of the server; npm looks into its cache first, and it and pip keep to the
// point.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "DURWARD_") })
	return append(env, "npm_config_prefer_offline=true", "npm_config_audit=false", "npm_config_fund=false",
		"npm_config_update_notifier=false", "PIP_DISABLE_PIP_VERSION_CHECK=1")
}

func busy(port string) bool {
	conn, err := net.DialTimeout("tcp", "localhost:"+port, 5*time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// copySource gives a folder with the source and nothing else, so that no data of the developer's server are touched.
func copySource(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"cmd", "internal"} {
		if err := os.CopyFS(filepath.Join(folder, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		save(t, filepath.Join(folder, name), string(text))
	}
	return folder
}

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// do follows one step of the page.
func (r *reader) do(t *testing.T, step *block) error {
	began := time.Now()
	defer func() { t.Logf("line %d: %.1f s", step.line, time.Since(began).Seconds()) }()
	switch {
	case step.server():
		return r.serve(t, step)
	case step.file() != "":
		r.saved = step.file()
		save(t, filepath.Join(r.terminal.ask(t, "pwd"), r.saved), step.text)
		return nil
	}
	if r.saved != "" {
		p := place{r.terminal.ask(t, "pwd"), r.source.env}
		r.programs = append(r.programs, program{r.saved, p, step})
		r.saved = ""
	}
	out, err := r.terminal.run(step.text)
	if err != nil {
		return err
	}
	return compare(step.answer, out)
}

// serve starts a server in place of the one before.
func (r *reader) serve(t *testing.T, step *block) error {
	if err := r.stopServer(); err != nil {
		return err
	}
	r.server = startServer(t, r.source, step.text)
	answer := step.answer
	for _, later := range r.steps { // several ways to start it have one answer, after the last
		if answer == nil && later.server() && later.line > step.line {
			answer = later.answer
		}
	}
	if answer == nil {
		return fmt.Errorf("nothing says when the server is ready")
	}
	return r.server.prints(answer)
}

// stopServer presses Ctrl-C, and looks whether the log has kept what it must not know.
func (r *reader) stopServer() error {
	if r.server == nil {
		return nil
	}
	s := r.server
	r.server = nil
	if err := s.interrupt(); err != nil {
		return err
	}
	for _, secret := range []string{"Correct-Horse-9", "eyJ", "dwr_"} {
		if strings.Contains(s.stderr.String(), secret) {
			return fmt.Errorf("the server's log has a secret that begins with %s", secret)
		}
	}
	return nil
}

// each tries something with every program, at the same time.
func (r *reader) each(t *testing.T, try func(*testing.T, program)) {
	for _, p := range r.programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			try(t, p)
		})
	}
}

// signOut shows what the page says of local verification: it learns of the end of a session when the token expires.
func (r *reader) signOut(t *testing.T, token string) {
	const call = `curl -sS -o /dev/null -w '%%{http_code}' -X %s http://localhost:%s%s -H "Authorization: Bearer $TOKEN"`
	if got := r.terminal.ask(t, fmt.Sprintf(call, "POST", r.port, "/logout")); got != "204" {
		t.Fatalf("/logout is answered %s", got)
	}
	if got := r.terminal.ask(t, fmt.Sprintf(call, "GET", r.port, "/me")); got != "401" {
		t.Errorf("/me is answered %s after signing out", got)
	}
	r.each(t, func(t *testing.T, p program) { p.accepts(t, "signed out", token) })
}

// try runs the program as printed, with a token of the test's choice.
func (p program) try(t *testing.T, token string) (stdout, stderr string, err error) {
	cmd := place{p.place.folder, append(slices.Clone(p.place.env), "TOKEN="+token)}.command(t, "sh", "-ec", p.run.text)
	out, errs := newTranscript(), newTranscript()
	cmd.Stdout, cmd.Stderr = out, errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (p program) accepts(t *testing.T, what, token string) {
	t.Helper()
	stdout, stderr, err := p.try(t, token)
	if err == nil {
		err = compare(p.run.answer, stdout)
	}
	if err != nil {
		t.Errorf("%s, %s: %v\n%s", p.name, what, err, stderr)
	}
}

// refuses: the program must say that it refuses; one that breaks down has not understood the token.
func (p program) refuses(t *testing.T, what, token string) {
	t.Helper()
	stdout, stderr, err := p.try(t, token)
	if err == nil || stdout != "" || !strings.HasPrefix(stderr, "refused: ") && !strings.Contains(stderr, "\nrefused: ") {
		t.Errorf("%s, %s: want a refusal, got %v\n%s%s", p.name, what, err, stdout, stderr)
	}
}

func (p program) judges(t *testing.T, f *forge) {
	p.accepts(t, "good", f.good(t))
	for fault, token := range f.bad(t) {
		p.refuses(t, fault, token)
	}
}
