package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// screen is a stream of a running program that a test can wait on.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // holds one token once something was written
}

func newScreen() *screen { return &screen{changed: make(chan struct{}, 1)} }

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// running is a server in this process.
type running struct {
	t        *testing.T
	out, err *screen
	interrupt,
	finish func()
	ended chan struct{}
	code  int
}

// serve starts a server and leaves it at that. Its ports are of its own choice unless words say otherwise.
func (s shell) serve(t *testing.T, words ...string) *running {
	t.Helper()
	if s.program == "" {
		s.program = "durward"
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{t: t, out: newScreen(), err: newScreen(), interrupt: cancel, ended: make(chan struct{})}
	args := append([]string{s.program, "serve", "--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0"}, words...)
	go func() {
		defer close(r.ended)
		r.code = run(ctx, args, s.env, strings.NewReader(""), r.out, r.err)
	}()
	r.finish = func() {
		r.interrupt()
		<-r.ended
	}
	t.Cleanup(r.finish)
	return r
}

// shows waits until the stream has the text, and gives all of it.
func (r *running) shows(s *screen, text string) string {
	r.t.Helper()
	ctx := withTimeout(r.t)
	for {
		if all := s.String(); strings.Contains(all, text) {
			return all
		}
		select {
		case <-s.changed:
		case <-r.ended:
			if all := s.String(); strings.Contains(all, text) {
				return all
			}
			r.t.Fatalf("the server ended with code %d before it showed %q\n%s%s", r.code, text, r.out, r.err)
		case <-ctx.Done():
			r.t.Fatalf("the server does not show %q\n%s%s", text, r.out, r.err)
		}
	}
}

// stops interrupts the server, which has to end well.
func (r *running) stops() {
	r.t.Helper()
	r.finish()
	if r.code != exitDone {
		r.t.Errorf("exit code %d after a graceful stop\n%s", r.code, r.err)
	}
}

// fails waits for the server to end by itself, which has to be with a code.
func (r *running) fails(code int, tells ...string) {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-withTimeout(r.t).Done():
		r.t.Fatalf("the server does not end\n%s", r.err)
	}
	if r.code != code {
		r.t.Errorf("exit code %d, want %d", r.code, code)
	}
	contains(r.t, r.err.String(), tells...)
}

// listening is the log line of a server that answers.
type listening struct {
	Msg       string `json:"msg"`
	PublicURL string `json:"public_url"`
	Listen    string `json:"listen"`
	Ops       string `json:"ops_listen"`
}

// listens waits until a production server answers, and gives where.
func (r *running) listens() listening {
	r.t.Helper()
	for line := range strings.Lines(r.shows(r.err, `"msg":"listening"`)) {
		var l listening
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			r.t.Fatalf("%v: a log line that is no JSON: %s", err, line)
		}
		if l.Msg == "listening" {
			return l
		}
	}
	r.t.Fatal("no line")
	return listening{}
}

// post sends JSON and gives the status and the answer.
func post(t *testing.T, url string, body any) (int, map[string]any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(withTimeout(t), http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return send(t, request)
}

// get asks with an access token.
func get(t *testing.T, url, token string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(withTimeout(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return send(t, request)
}

func send(t *testing.T, request *http.Request) (int, map[string]any) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return response.StatusCode, answer
}

// signIn gives an access token, or none where the server refuses.
func signIn(t *testing.T, base, who, password string) string {
	t.Helper()
	_, answer := post(t, base+"/login", map[string]string{"username_or_email": who, "password": password})
	token, _ := answer["access_token"].(string)
	return token
}
