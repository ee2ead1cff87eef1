package main

import (
	"fmt"
	"strconv"

	"github.com/durwardhq/durward/bench/floors"
)

// basis says which rates are compared.
type basis string

const (
	// perCore compares requests for a second of the process's CPU: for work that the server does itself.
	perCore basis = "cpu"
	// byClock compares requests for a second of the clock: for work that waits for the disk or another process.
	byClock basis = "clock"
)

// versus sets an operation beside a floor.
type versus struct {
	floor string
	basis basis
	alone bool // the floor is measured with one client, whatever the operation has
}

// operation is something that clients ask of the server.
type operation struct {
	name    string
	hashes  bool // each request hashes a password
	versus  []versus
	scripts func(s *stage, clients int) ([]script, error)
}

// operations are in the order in which they are measured: what ends sessions comes last.
var operations = []operation{
	{name: "healthz", versus: []versus{{floors.Hello, perCore, false}}, scripts: same("/healthz")},
	{name: "jwks", versus: []versus{{floors.Hello, perCore, false}}, scripts: same("/.well-known/jwks.json")},
	{name: "protected", versus: checked, scripts: protected},
	{name: "protected-new", versus: checked, scripts: protectedNew},
	{name: "refresh", versus: []versus{{floors.Update, byClock, false}, {floors.HTTPRenew, perCore, false}}, scripts: refresh},
	{name: "register", hashes: true, versus: hashed, scripts: register},
	{name: "sign-in", hashes: true, versus: hashed, scripts: signIn},
	{name: "logout", versus: []versus{{floors.Update, byClock, false}}, scripts: logout},
}

var (
	checked = []versus{{floors.Check, perCore, false}, {floors.HTTPCheck, perCore, false}}
	hashed  = []versus{{floors.Argon2, perCore, true}, {floors.Argon2Other, perCore, true}}
)

// same is every client sending the same request.
func same(path string) func(*stage, int) ([]script, error) {
	return func(_ *stage, clients int) ([]script, error) {
		scripts := make([]script, clients)
		for i := range scripts {
			scripts[i] = always(get(nil, path, ""), 200)
		}
		return scripts, nil
	}
}

// protected has every client use an access token of its own, as applications do.
func protected(s *stage, clients int) ([]script, error) {
	scripts := make([]script, clients)
	for i := range scripts {
		scripts[i] = always(get(nil, "/protected", s.share(i, clients)[0].access), 200)
	}
	return scripts, nil
}

// protectedNew sends a token that the server has not seen with each request, as far as there are so many.
func protectedNew(s *stage, clients int) ([]script, error) {
	scripts := make([]script, clients)
	for i := range scripts {
		scripts[i] = script{
			request: func(buf []byte) ([]byte, bool) {
				at := int(s.seen.Add(1)) % len(s.spare)
				return get(buf, "/protected", s.spare[at].access), true
			},
			accept: func(status int, _ []byte) bool { return status == 200 },
		}
	}
	return scripts, nil
}

// refresh has every client renew sessions of its own, one after the other.
func refresh(s *stage, clients int) ([]script, error) {
	scripts := make([]script, clients)
	for i := range scripts {
		own, at := s.share(i, clients), 0
		scripts[i] = script{
			request: func(buf []byte) ([]byte, bool) {
				at = (at + 1) % len(own)
				return post(buf, "/refresh", "", renewal(own[at].refresh)), true
			},
			accept: func(status int, body []byte) bool {
				if status == 200 {
					own[at].refresh = member(body, "refresh_token")
				}
				return status == 200
			},
		}
	}
	return scripts, nil
}

// logout uses up sessions that were made for it.
func logout(s *stage, clients int) ([]script, error) {
	scripts := make([]script, clients)
	each := min(len(s.spare), s.logouts()) / clients
	if each == 0 {
		return nil, fmt.Errorf("no sessions are left to be ended")
	}
	for i := range scripts {
		own := s.spare[:each]
		s.spare = s.spare[each:]
		scripts[i] = script{
			request: func(buf []byte) ([]byte, bool) {
				if len(own) == 0 {
					return buf, false
				}
				buf = post(buf, "/logout", own[0].access, "")
				own = own[1:]
				return buf, true
			},
			accept: func(status int, _ []byte) bool { return status == 204 },
		}
	}
	return scripts, nil
}

func signIn(s *stage, clients int) ([]script, error) {
	scripts := make([]script, clients)
	for i := range scripts {
		next := i
		scripts[i] = script{
			request: func(buf []byte) ([]byte, bool) {
				next += clients
				return post(buf, "/login", "", credentials(userName(next))), true
			},
			accept: func(status int, _ []byte) bool { return status == 200 },
		}
	}
	return scripts, nil
}

func register(s *stage, clients int) ([]script, error) {
	scripts := make([]script, clients)
	for i := range scripts {
		scripts[i] = script{
			request: func(buf []byte) ([]byte, bool) {
				name := "new" + strconv.FormatInt(s.registered.Add(1), 10)
				return post(buf, "/register", "", registration(name)), true
			},
			accept: func(status int, _ []byte) bool { return status == 201 },
		}
	}
	return scripts, nil
}
