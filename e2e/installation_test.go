package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// The engines as tests are named by them.
const (
	sqliteEngine   = "sqlite"
	postgresEngine = "postgres"
)

var engines = []string{sqliteEngine, postgresEngine}

// eachEngine runs fn on a fresh installation over each engine.
func eachEngine(t *testing.T, fn func(t *testing.T, in *installation), more ...string) {
	t.Helper()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) { fn(t, newInstallation(t, engine, more...)) })
	}
}

// eachServer runs fn on a fresh server over each engine.
func eachServer(t *testing.T, fn func(t *testing.T, s *server), more ...string) {
	t.Helper()
	eachEngine(t, func(t *testing.T, in *installation) { fn(t, in.start()) }, more...)
}

// installation is what several instances and commands share: a database, a master key, a public URL. It runs in
// production mode, its master key and its database URL in files.
type installation struct {
	t        testing.TB
	engine   string
	database string // URL
	folder   string // where its processes run, with its files
	env      map[string]string
	port     int  // of the public URL
	taken    bool // an instance has listened on the port
}

// newInstallation makes an installation whose database is empty. Settings are given as "NAME=value" without DURWARD_.
func newInstallation(t testing.TB, engine string, more ...string) *installation {
	t.Helper()
	folder := t.TempDir()
	if engine == sqliteEngine {
		return newInstallationOn(t, engine, "sqlite:"+filepath.Join(folder, "durward.db"), more...)
	}
	return newInstallationOn(t, engine, withPassword(t, dbtest.EmptyURL(t, postgresEngine).Reveal()), more...)
}

// withPassword puts a password into a URL that has none: the server that trusts everybody does not look at it, and it
// is one more secret that could be logged.
func withPassword(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the URL of the database cannot be read")
	}
	password, has := u.User.Password()
	if !has {
		password = "db-" + randomText(20)
		u.User = url.UserPassword(u.User.Username(), password)
	}
	secrets.add("database password", password)
	return u.String()
}

func newInstallationOn(t testing.TB, engine, database string, more ...string) *installation {
	t.Helper()
	in := &installation{t: t, engine: engine, database: database, folder: t.TempDir()}
	in.env = map[string]string{
		"MASTER_KEY_FILE":   in.file("master.key", newMasterKey()+"\n"),
		"DATABASE_URL_FILE": in.file("database.url", database+"\n"),
		"OPS_LISTEN":        "127.0.0.1:0",
	}
	in.set(more...)
	return in
}

// file writes a file that only this user may read.
func (in *installation) file(name, text string) string {
	in.t.Helper()
	path := filepath.Join(in.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		in.t.Fatal(err)
	}
	return path
}

// set changes settings of the processes to come.
func (in *installation) set(more ...string) {
	for _, line := range more {
		name, value, _ := strings.Cut(line, "=")
		in.env[name] = value
	}
}

func (in *installation) publicURL() string {
	if set, ok := in.env["PUBLIC_URL"]; ok {
		return set
	}
	return fmt.Sprintf("http://localhost:%d", in.port)
}

// environ is the environment of a process, with further settings.
func (in *installation) environ(more ...string) []string {
	all := maps.Clone(in.env)
	all["PUBLIC_URL"] = in.publicURL()
	for _, line := range more {
		name, value, _ := strings.Cut(line, "=")
		all[name] = value
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, "DURWARD_"+name+"="+all[name])
	}
	return env
}

// choosePort finds a port for the public URL below those that the system gives to connections.
func (in *installation) choosePort() {
	in.t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		in.port = port
		_ = l.Close()
		return
	}
	in.t.Fatal("no free port found")
}

// start starts an instance and waits until it is ready. The first listens where the public URL points, the others on
// ports of the system's choice, as behind a balancer.
func (in *installation) start(more ...string) *server {
	in.t.Helper()
	s := in.begin(more...)
	s.awaitReady()
	return s
}

// begin starts an instance without waiting.
func (in *installation) begin(more ...string) *server {
	in.t.Helper()
	listen := "LISTEN=127.0.0.1:0"
	if !in.taken {
		in.choosePort()
		in.taken = true
		listen = fmt.Sprintf("LISTEN=127.0.0.1:%d", in.port)
	}
	env := in.environ(append([]string{listen}, more...)...)
	return &server{in: in, process: launch(in.t, in.folder, env, nil, "serve")}
}

// result is how a command ended.
type result struct {
	code     int
	out, err string
}

// command runs a command of the CLI to its end.
func (in *installation) command(stdin string, words ...string) result {
	in.t.Helper()
	if in.port == 0 {
		in.choosePort()
	}
	p := launch(in.t, in.folder, in.environ(), strings.NewReader(stdin), words...)
	return result{p.wait(), p.stdout(), p.stderr()}
}

// must runs a command that has to succeed and gives what it printed.
func (in *installation) must(stdin string, words ...string) string {
	in.t.Helper()
	r := in.command(stdin, words...)
	if r.code != 0 {
		in.t.Fatalf("%s: exit code %d\n%s", strings.Join(words, " "), r.code, r.err)
	}
	return r.out
}

// server is a running instance.
type server struct {
	*process
	in     *installation
	url    string // of the public listener
	ops    string // of the operations listener
	client *http.Client
}

// awaitReady waits for both listeners and for /readyz.
func (s *server) awaitReady() {
	s.t.Helper()
	eventually(s.t, patience, "the server listens", func() bool {
		if s.over() {
			s.t.Fatalf("the server ended with code %d:\n%s", s.wait(), lastLines(s.stderr(), 10))
		}
		return s.listening()
	})
	eventually(s.t, patience, "/readyz answers 200", func() bool {
		a, err := s.exchange(call{path: s.ops + "/readyz"})
		return err == nil && a.status == http.StatusOK
	})
}

// listening reads the addresses from the log, once they are there.
func (s *server) listening() bool {
	lines := bufio.NewScanner(strings.NewReader(s.stderr()))
	for lines.Scan() {
		var event struct {
			Msg, Listen string
			Ops         string `json:"ops_listen"`
		}
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.Msg == "listening" {
			s.url, s.ops, s.client = "http://"+event.Listen, "http://"+event.Ops, newClient()
			return true
		}
	}
	return false
}

// newClient makes a client that uses no proxy, follows no redirect and keeps as many connections as it is given.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 600, IdleConnTimeout: time.Minute, DisableCompression: true},
		Timeout:   patience,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}
