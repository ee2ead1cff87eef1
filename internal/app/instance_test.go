package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// goodPassword satisfies the founding rule.
const goodPassword = "Correct-Horse-9"

// instance is one server in this process, over a database that others may share.
type instance struct {
	t   *testing.T
	app *app.App
	url string
	log *logBuffer
}

// logBuffer keeps what a server logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var masterKey = secret.New(strings.Repeat("k", secret.MasterKeyLen))

// testConfig is the production default but for hashes that cost little.
func testConfig(t *testing.T, url secret.String) *config.Config {
	t.Helper()
	cfg, report := config.Load(config.Source{Dir: t.TempDir(), Env: []string{
		"DURWARD_PUBLIC_URL=http://localhost:8080",
		"DURWARD_DATABASE_URL=" + url.Reveal(),
		"DURWARD_MASTER_KEY=" + base64.StdEncoding.EncodeToString([]byte(masterKey.Reveal())),
		"DURWARD_BCRYPT_COST=10",
	}})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start runs an instance over the database of url; change adapts its configuration.
func start(t *testing.T, url secret.String, clk clock.Clock, change func(*config.Config)) *instance {
	t.Helper()
	return startWith(t, url, app.Options{Clock: clk}, change)
}

func startWith(t *testing.T, url secret.String, o app.Options, change func(*config.Config)) *instance {
	t.Helper()
	cfg := testConfig(t, url)
	if change != nil {
		change(cfg)
	}
	logs := &logBuffer{}
	o.Logger = slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := app.Open(t.Context(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	handlers, err := a.Handlers(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handlers.Public)
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &instance{t: t, app: a, url: server.URL, log: logs}
}

// each runs fn on a fresh instance over each engine.
func each(t *testing.T, fn func(t *testing.T, s *instance, clk *clock.Offset)) {
	t.Helper()
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		clk := &clock.Offset{}
		fn(t, start(t, url, clk, nil), clk)
	})
}

// answer is what a call gave.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	json   map[string]any
}

// call sends a request: body as JSON where it is not nil, bearer as the access token where it is not empty.
func (s *instance) call(method, path string, body any, bearer string) answer {
	s.t.Helper()
	a, err := s.send(method, path, body, bearer)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// send is call for goroutines, which may not end the test.
func (s *instance) send(method, path string, body any, bearer string) (answer, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.url+path, content)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{t: s.t, status: res.StatusCode, header: res.Header, body: string(text)}
	_ = json.Unmarshal(text, &a.json) // an answer without JSON has no members, which the checks then miss
	return a, nil
}

// want checks status and, for refusals, the code.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.status != status || code != "" && a.json["code"] != code {
		a.t.Fatalf("%d %s; want %d %s", a.status, a.body, status, code)
	}
	return a
}

// text gives a member of the answer that is a string.
func (a answer) text(member string) string {
	a.t.Helper()
	v, ok := a.json[member].(string)
	if !ok || v == "" {
		a.t.Fatalf("no %q in %s", member, a.body)
	}
	return v
}

// seconds gives a member of the answer that is a number of seconds.
func (a answer) seconds(member string) time.Duration {
	a.t.Helper()
	v, ok := a.json[member].(float64)
	if !ok {
		a.t.Fatalf("no %q in %s", member, a.body)
	}
	return time.Duration(v) * time.Second
}

type fields = map[string]any

func (s *instance) register(name string) answer {
	s.t.Helper()
	return s.call("POST", "/register", fields{"username": name, "email": name + "@example.com", "password": goodPassword}, "")
}

func (s *instance) login(name string) answer {
	s.t.Helper()
	return s.call("POST", "/login", fields{"username_or_email": name, "password": goodPassword}, "")
}

func (s *instance) refresh(token string) answer {
	s.t.Helper()
	return s.call("POST", "/refresh", fields{"refresh_token": token}, "")
}

// signedIn registers a person and signs them in.
func (s *instance) signedIn(name string) answer {
	s.t.Helper()
	s.register(name).want(http.StatusCreated, "")
	return s.login(name).want(http.StatusOK, "")
}
