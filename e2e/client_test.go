package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/surface/web/webtest"
)

// call is a request to a server.
type call struct {
	method string // GET when it is empty
	path   string // or a whole URL
	body   any    // nil is none; a string is sent as it is, anything else as JSON
	bearer string // the access token
	header http.Header
}

// apart is the same server for somebody with connections of their own. Of a client that many use at once some
// connections are made and never used, and the server closes them after the time that it allows for a first request.
func (s *server) apart() *server {
	other := *s
	other.client = newClient()
	s.t.Cleanup(other.client.CloseIdleConnections)
	return &other
}

// fields is a JSON object.
type fields = map[string]any

// answer is what came back.
type answer struct {
	t      testing.TB
	call   call
	status int
	header http.Header
	body   []byte
	json   fields // nil where the body is no JSON object
	took   time.Duration
}

// call sends a request, holds the answer against the document, and fails the test when there is none.
func (s *server) call(c call) answer {
	s.t.Helper()
	a, err := s.try(c)
	if err != nil {
		s.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return a
}

// undocumented is call for what the document leaves out.
func (s *server) undocumented(c call) answer {
	s.t.Helper()
	a, err := s.exchange(c)
	if err != nil {
		s.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return a
}

// try is call for those who may get no answer, and for goroutines.
func (s *server) try(c call) (answer, error) {
	a, err := s.exchange(c)
	if err != nil {
		return a, err
	}
	if err := document(s).check(a); err != nil {
		s.t.Error(err)
	}
	return a, nil
}

// exchange sends a request and reads the answer. The secrets in both are noted.
func (s *server) exchange(c call) (answer, error) {
	request, err := s.request(c)
	if err != nil {
		return answer{}, err
	}
	began := time.Now()
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{t: s.t, call: c, status: response.StatusCode, header: response.Header, body: body, took: time.Since(began)}
	a.call.method, a.call.path = request.Method, request.URL.Path
	_ = json.Unmarshal(body, &a.json) // an answer without JSON has no members, which the checks then miss
	for _, member := range []string{"access_token", "refresh_token"} {
		if token, ok := a.json[member].(string); ok {
			secrets.addToken(token)
		}
	}
	return a, nil
}

func (s *server) request(c call) (*http.Request, error) {
	text, err := c.encode()
	if err != nil {
		return nil, err
	}
	address := c.path
	if strings.HasPrefix(address, "/") {
		address = s.url + address
	}
	var body io.Reader
	if c.body != nil {
		body = bytes.NewReader(text)
	}
	method := c.method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequest(method, address, body)
	if err != nil {
		return nil, err
	}
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+c.bearer)
		secrets.addToken(c.bearer)
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	return request, nil
}

func (c call) encode() ([]byte, error) {
	if text, ok := c.body.(string); ok {
		return []byte(text), nil
	}
	if object, ok := c.body.(fields); ok {
		for _, name := range []string{"password", "refresh_token"} {
			if value, ok := object[name].(string); ok {
				secrets.add(name, value)
			}
		}
	}
	if c.body == nil {
		return nil, nil
	}
	return json.Marshal(c.body)
}

// exchanged is the answer as the validator of the document wants it.
func (a answer) exchanged() webtest.Exchange {
	sent, err := a.call.encode()
	if err != nil {
		a.t.Error(err) // it was sent, so it could be encoded
	}
	return webtest.Exchange{Method: a.call.method, Path: a.call.path, RequestBody: sent, Status: a.status,
		Header: a.header, Body: a.body}
}

// want fails the test unless the answer has the status and, for a problem, the code.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if !a.is(status, code) {
		a.t.Fatalf("%s %s: %d %s; want %d %s", a.call.method, a.call.path, a.status, a.body, status, code)
	}
	return a
}

func (a answer) is(status int, code string) bool {
	return a.status == status && (code == "" || a.json["code"] == code)
}

// code is the code of a problem.
func (a answer) code() string {
	code, _ := a.json["code"].(string)
	return code
}

// text gives a member that is a string.
func (a answer) text(member string) string {
	a.t.Helper()
	v, ok := a.json[member].(string)
	if !ok || v == "" {
		a.t.Fatalf("%s %s: no %q in %s", a.call.method, a.call.path, member, a.body)
	}
	return v
}

// rules gives the broken rules by field.
func (a answer) rules() map[string][]string {
	a.t.Helper()
	var problem struct {
		Errors []struct {
			Field, Message string
			Rules          []string
		}
	}
	if err := json.Unmarshal(a.body, &problem); err != nil {
		a.t.Fatal(err)
	}
	rules := map[string][]string{}
	for _, e := range problem.Errors {
		if rules[e.Field] != nil || e.Message == "" || len(e.Rules) == 0 {
			a.t.Errorf("%s: one entry a field, with rules and a message: %s", e.Field, a.body)
		}
		rules[e.Field] = slices.Sorted(slices.Values(e.Rules))
	}
	return rules
}

// person is somebody with an account.
type person struct{ name, email, password string }

// newPerson makes up somebody whom no other test knows.
func newPerson() person {
	name := "u" + randomText(11)
	return person{name, name + "@example.com", newPassword()}
}

func (p person) registration() call {
	return call{method: "POST", path: "/register",
		body: fields{"username": p.name, "email": p.email, "password": p.password}}
}

func (p person) signIn() call {
	return call{method: "POST", path: "/login", body: fields{"username_or_email": p.name, "password": p.password}}
}

func refreshing(token string) call {
	return call{method: "POST", path: "/refresh", body: fields{"refresh_token": token}}
}

// tokens are what a sign-in or a refresh gave.
type tokens struct{ access, refresh, session string }

func (a answer) tokens() tokens {
	a.t.Helper()
	a.want(http.StatusOK, "")
	return tokens{a.text("access_token"), a.text("refresh_token"), a.text("session_id")}
}

// register makes an account for somebody new.
func (s *server) register() person {
	s.t.Helper()
	p := newPerson()
	s.call(p.registration()).want(http.StatusCreated, "")
	return p
}

// signedIn registers somebody new and signs them in.
func (s *server) signedIn() (person, tokens) {
	s.t.Helper()
	p := s.register()
	return p, s.call(p.signIn()).tokens()
}

func (s *server) refresh(token string) answer {
	s.t.Helper()
	return s.call(refreshing(token))
}

func (s *server) get(path, bearer string) answer {
	s.t.Helper()
	return s.call(call{path: path, bearer: bearer})
}

func (s *server) post(path string, body any, bearer string) answer {
	s.t.Helper()
	return s.call(call{method: "POST", path: path, body: body, bearer: bearer})
}
