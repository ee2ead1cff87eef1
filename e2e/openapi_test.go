package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// promise is one answer that the document says an operation may give.
type promise struct {
	route
	status int
	code   string // of a problem
}

func (p promise) String() string {
	return strings.TrimSpace(fmt.Sprint(p.route, " ", p.status, " ", p.code))
}

// promises lists every promise of the document, in order.
func (d *openAPI) promises(t *testing.T) (all []promise) {
	t.Helper()
	for _, r := range d.routes() {
		for text := range r.Responses {
			status, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("%s: the status %q", r, text)
			}
			codes := d.codes(r.operation, status)
			if status < http.StatusBadRequest {
				codes = []string{""}
			}
			for _, code := range codes {
				all = append(all, promise{r, status, code})
			}
		}
	}
	slices.SortFunc(all, func(a, b promise) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// world is what the drivers act on.
type world struct {
	*server         // in good health
	busy    *server // whose queue of passwords is full; nil where it is not asked for
	away    *server // whose database is away
	held    tokens  // of somebody signed in at away
	slow    map[string]answer
}

// driver brings an operation to give one answer.
type driver func(w *world, r route) answer

// ways are the requests that succeed, by operation. An operation that is not here fails the test.
var ways = map[string]func(s *server, held tokens) call{
	"registerUser":  func(*server, tokens) call { return newPerson().registration() },
	"signIn":        func(s *server, _ tokens) call { return s.register().signIn() },
	"refreshTokens": func(_ *server, held tokens) call { return refreshing(held.refresh) },
	"signOut": func(_ *server, held tokens) call {
		return call{method: "POST", path: "/logout", bearer: held.access}
	},
	"signOutEverywhere": func(_ *server, held tokens) call {
		return call{method: "POST", path: "/logout/all", bearer: held.access}
	},
	"getProtected": func(_ *server, held tokens) call { return call{path: "/protected", bearer: held.access} },
	"getMe":        func(_ *server, held tokens) call { return call{path: "/me", bearer: held.access} },
	"getKeys":      func(*server, tokens) call { return call{path: "/.well-known/jwks.json"} },
	"getHealth":    func(*server, tokens) call { return call{path: "/healthz"} },
	"getReadiness": func(*server, tokens) call { return call{path: "/readyz"} },
	"getOpenAPI":   func(*server, tokens) call { return call{path: "/openapi.json"} },
	"getDocs":      func(*server, tokens) call { return call{path: "/docs"} },
}

// aloof are the operations that ask no database, and are answered whatever becomes of it.
var aloof = []string{"getKeys", "getHealth", "getOpenAPI", "getDocs"}

// drivers bring refusals about, by code.
var drivers = map[string]driver{
	"malformed_json":         sending(`{"cut`, "application/json"),
	"unsupported_media_type": sending(`a=b`, "application/x-www-form-urlencoded"),
	"validation_failed":      sending(`{"unheard_of":1}`, "application/json"),
	"body_too_large":         sending(strings.Repeat(" ", 64<<10)+"{}", "application/json"),
	"request_timeout":        func(w *world, r route) answer { return w.slow[r.String()] },
	"token_missing":          func(w *world, r route) answer { return w.call(call{method: r.method, path: r.path}) },
	"invalid_token": func(w *world, r route) answer {
		return w.call(call{method: r.method, path: r.path, bearer: "x"})
	},
	"invalid_credentials": func(w *world, _ route) answer {
		return w.call(person{name: newPerson().name, password: newPassword()}.signIn())
	},
	"username_taken": func(w *world, _ route) answer {
		return w.call(person{w.register().name, newPerson().email, newPassword()}.registration())
	},
	"email_taken": func(w *world, _ route) answer {
		return w.call(person{newPerson().name, w.register().email, newPassword()}.registration())
	},
	"invalid_refresh_token": func(w *world, r route) answer {
		return w.post(r.path, fields{"refresh_token": "dwr_x"}, "")
	},
	"refresh_token_reused": func(w *world, _ route) answer {
		_, held := w.signedIn()
		w.refresh(w.refresh(held.refresh).tokens().refresh).tokens()
		return w.refresh(held.refresh)
	},
	"busy":                 crowded,
	"database_unavailable": orphaned,
	"not_ready":            orphaned,
}

// never are the codes that no request can bring about from outside.
var never = []string{"internal", "timeout"}

func sending(body, mediaType string) driver {
	return func(w *world, r route) answer {
		return w.call(call{method: r.method, path: r.path, body: body, header: http.Header{"Content-Type": {mediaType}}})
	}
}

// orphaned sends what would succeed to a server whose database is away.
func orphaned(w *world, r route) answer {
	c := call{path: r.path, method: r.method, bearer: w.held.access}
	switch r.OperationID {
	case "registerUser", "signIn":
		c = ways["registerUser"](w.away, w.held)
		if r.OperationID == "signIn" {
			c = newPerson().signIn()
		}
	case "refreshTokens":
		c = refreshing(w.held.refresh)
	}
	return w.away.call(c)
}

// crowded sends an operation more often at once than the server has places.
func crowded(w *world, r route) answer {
	var mu sync.Mutex
	var group sync.WaitGroup
	var refused answer
	for range 12 {
		c := newPerson().registration()
		if r.OperationID == "signIn" {
			c = newPerson().signIn()
		}
		group.Go(func() {
			got, err := w.busy.apart().try(c)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && got.code() == "busy" {
				refused = got
			}
		})
	}
	group.Wait()
	return refused
}

// drive finds the driver of a promise and lets it act.
func (w *world) drive(t *testing.T, p promise) answer {
	t.Helper()
	switch way := ways[p.OperationID]; {
	case way == nil:
		t.Fatalf("nobody drives the operation %q: give it a way", p.OperationID)
	case p.status == http.StatusNotModified:
		first := w.get(p.path, "").want(http.StatusOK, "")
		return w.call(call{path: p.path, header: http.Header{"If-None-Match": {first.header.Get("ETag")}}})
	case p.status < http.StatusMultipleChoices:
		_, held := w.signedIn()
		return w.call(way(w.server, held))
	}
	act := drivers[p.code]
	if act == nil {
		t.Fatalf("nobody drives an answer with the code %q: give it a driver", p.code)
	}
	return act(w, p.route)
}

// TestDocument_IsTrue drives every operation that the document lists to every answer that it promises, and holds each
// answer against it: status, headers, media type, schema, code.
func TestDocument_IsTrue(t *testing.T) {
	t.Parallel()
	database := dbtest.StartServer(t)
	away := newInstallationOn(t, postgresEngine, database.URL().Reveal()).start()
	_, held := away.signedIn()
	database.Stop()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := &world{server: newInstallation(t, engine).start(), away: away, held: held,
				busy: newInstallation(t, engine, "HASH_WORKERS=1", "HASH_QUEUE=1").start()}
			d := document(w.server)
			w.slow = slowBodies(t, w.server, d)
			for _, p := range d.promises(t) {
				if slices.Contains(never, p.code) {
					continue
				}
				t.Run(strings.ReplaceAll(p.String(), "/", "_"), func(t *testing.T) { w.keep(t, p) })
			}
		})
	}
}

// keep shows that a promise is kept.
func (w *world) keep(t *testing.T, p promise) {
	t.Helper()
	if p.code == "database_unavailable" && (slices.Contains(aloof, p.OperationID) || p.OperationID == "getReadiness") {
		p.status, p.code = http.StatusOK, "" // there is another answer when the database is away
		if p.OperationID == "getReadiness" {
			p.status, p.code = http.StatusServiceUnavailable, "not_ready"
		}
		if got := orphaned(w, p.route); !got.is(p.status, p.code) {
			t.Errorf("%d %s, want %d %s", got.status, got.body, p.status, p.code)
		}
		return
	}
	got := w.drive(t, p)
	if !got.is(p.status, p.code) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if (got.status == http.StatusServiceUnavailable) != (got.header.Get("Retry-After") != "") {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
}

// slowBodies sends to every operation with a body a request whose body does not come, all at the same time since the
// server waits for long, and gives the answers.
func slowBodies(t *testing.T, s *server, d *openAPI) map[string]answer {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	answers := map[string]answer{}
	for _, r := range d.routes() {
		if !r.takesBody() {
			continue
		}
		group.Go(func() {
			got, err := s.raw(r.head("Content-Type: application/json", "Content-Length: 20") + `{"a`)
			if err != nil {
				t.Errorf("%s: %v", r, err)
				return
			}
			if err := d.check(got); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[r.String()] = got
		})
	}
	group.Wait()
	return answers
}

// rawPatience is how long an answer to a request in raw form may take: longer than any time-out of the server.
const rawPatience = 40 * time.Second

// raw sends bytes as they are and reads one answer.
func (s *server) raw(text string) (answer, error) {
	all, err := s.rawAll(text, 1)
	if err != nil {
		return answer{}, err
	}
	return all[0], nil
}

// rawAll sends bytes as they are and reads up to so many answers; fewer when the server closes the connection before.
func (s *server) rawAll(text string, most int) ([]answer, error) {
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(rawPatience)); err != nil {
		return nil, err
	}
	go func() { _, _ = io.WriteString(c, text) }() // the server may refuse before it has read all of it
	method, rest, _ := strings.Cut(text, " ")
	path, _, _ := strings.Cut(rest, " ")
	reader := bufio.NewReader(c)
	var all []answer
	for len(all) < most {
		got, err := readAnswer(reader, method)
		if err != nil && len(all) > 0 {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		got.t, got.call = s.t, call{method: method, path: path}
		all = append(all, got)
	}
	return all, nil
}

func readAnswer(reader *bufio.Reader, method string) (answer, error) {
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: maps.Clone(response.Header), body: body}
	_ = json.Unmarshal(body, &a.json) // an answer without JSON has no members
	return a, nil
}
