package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/durwardhq/durward/bench/floors"
	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/flow/issue"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// ticket is what a client holds of a session.
type ticket struct{ access, refresh string }

// users is how many accounts there are; their sessions are spread over them.
const users = 1000

// userName is the name of an account; its address is the name at example.com.
func userName(i int) string { return "user" + strconv.Itoa(i%users) }

// environment is the configuration of the server: the defaults, but for tokens that outlive the measurements.
func environment(database, listen, ops string) []string {
	return []string{
		"DURWARD_PUBLIC_URL=http://" + strings.Replace(listen, "127.0.0.1", "localhost", 1),
		"DURWARD_LISTEN=" + listen,
		"DURWARD_OPS_LISTEN=" + ops,
		"DURWARD_DATABASE_URL=" + database,
		"DURWARD_MASTER_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), secret.MasterKeyLen)),
		"DURWARD_ACCESS_TOKEN_TTL=24h",
	}
}

// counter counts statements.
type counter struct {
	mu sync.Mutex
	statements
}

// statements is what an operation asks of the database.
type statements struct {
	Reads   int `json:"reads"`
	Writes  int `json:"writes"`
	Commits int `json:"commits"` // transactions of more than one statement
}

func (c *counter) observe(sql string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch strings.ToUpper(strings.Fields(sql)[0]) {
	case "SELECT", "WITH":
		c.Reads++
	case "INSERT", "UPDATE", "DELETE":
		c.Writes++
	case "COMMIT":
		c.Commits++
	}
}

// during tells what an act asked for.
func (c *counter) during(act func()) statements {
	c.mu.Lock()
	c.statements = statements{}
	c.mu.Unlock()
	act()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statements
}

// inside is the server in this process, before the real one starts: for filling the database and counting statements.
type inside struct {
	app     *app.App
	handler http.Handler
	counter counter
}

func openInside(ctx context.Context, env []string) (*inside, error) {
	cfg, report := config.Load(config.Source{Env: env})
	if err := report.Err(); err != nil {
		return nil, err
	}
	in := &inside{}
	o := app.Options{Observe: in.counter.observe}
	var err error
	if in.app, err = app.Open(ctx, cfg, o); err != nil {
		return nil, err
	}
	handlers, err := in.app.Handlers(o)
	if err != nil {
		return nil, errors.Join(err, in.app.Close())
	}
	in.handler = handlers.Public
	return in, nil
}

var filler = ident.Actor{Kind: ident.ActorOperator}

// perTransaction is how many rows are filled in at once.
const perTransaction = 500

// fill makes the accounts, all with one password, and sessions with their tokens.
func (in *inside) fill(ctx context.Context, sessions int) ([]ticket, error) {
	hash, err := in.app.Hasher.Hash(ctx, secret.New(floors.Password))
	if err != nil {
		return nil, err
	}
	people := make([]account.User, 0, users)
	for len(people) < users {
		some, err := in.accounts(ctx, len(people), min(perTransaction, users-len(people)), hash)
		if err != nil {
			return nil, err
		}
		people = append(people, some...)
	}
	tickets := make([]ticket, 0, sessions)
	for len(tickets) < sessions && ctx.Err() == nil {
		some, err := in.sessions(ctx, people, len(tickets), min(perTransaction, sessions-len(tickets)))
		if err != nil {
			return nil, err
		}
		tickets = append(tickets, some...)
	}
	return tickets, ctx.Err()
}

func (in *inside) accounts(ctx context.Context, first, n int, hash string) ([]account.User, error) {
	return audit.InTx(ctx, in.app.Audit, filler, audit.AccountCreated,
		func(ctx context.Context, tx *db.Tx, _ *audit.Event) ([]account.User, error) {
			var made []account.User
			for i := first; i < first+n; i++ {
				name, wrong := account.ParseUsername(userName(i))
				email, wrong2 := account.ParseEmail(userName(i) + "@example.com")
				if wrong != nil || wrong2 != nil {
					return nil, fmt.Errorf("the name %s is refused", userName(i))
				}
				id, taken, err := account.Insert(ctx, tx, name, email, hash)
				if err == nil && taken.Any() {
					err = errors.New("the name is taken")
				}
				if err != nil {
					return nil, fmt.Errorf("make account %s: %w", userName(i), err)
				}
				made = append(made, account.User{ID: id, Username: userName(i), Status: account.StatusActive})
			}
			return made, nil
		})
}

func (in *inside) sessions(ctx context.Context, people []account.User, first, n int) ([]ticket, error) {
	opened, err := audit.InTx(ctx, in.app.Audit, filler, audit.SessionStarted,
		func(ctx context.Context, tx *db.Tx, _ *audit.Event) (made []issue.Opened, err error) {
			for i := first; i < first+n; i++ {
				who := issue.Subject{User: people[i%len(people)]}
				o, decision, err := in.app.Session.Issuer.Open(ctx, tx, who, ident.AMRPassword)
				if err == nil && !decision.Allowed() {
					err = errors.New(string(decision.Reason))
				}
				if err != nil {
					return nil, fmt.Errorf("begin a session: %w", err)
				}
				made = append(made, o)
			}
			return made, nil
		})
	if err != nil {
		return nil, err
	}
	tickets := make([]ticket, len(opened))
	for i, o := range opened {
		tokens, err := in.app.Session.Issuer.Mint(o)
		if err != nil {
			return nil, err
		}
		tickets[i] = ticket{tokens.Access.Reveal(), tokens.Refresh.Reveal()}
	}
	return tickets, nil
}

// counts tells what each operation asks of the database. Each is done twice and the second time told: the first may
// make keys that the others find.
func (in *inside) counts() (map[string]statements, error) {
	var failed error
	var last *httptest.ResponseRecorder
	call := func(status int, method, path, bearer, body string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		last = httptest.NewRecorder()
		in.handler.ServeHTTP(last, r)
		if last.Code != status {
			failed = errors.Join(failed, fmt.Errorf("%s %s: %d %s", method, path, last.Code, last.Body))
		}
	}
	counted := map[string]statements{}
	for i := range 2 {
		name := "counted" + strconv.Itoa(i)
		note := func(operation string, act func()) { counted[operation] = in.counter.during(act) }
		note("register", func() { call(201, "POST", "/register", "", registration(name)) })
		note("sign-in", func() { call(200, "POST", "/login", "", credentials("counted0")) })
		tokens := last.Body.Bytes()
		access, refresh := member(tokens, "access_token"), member(tokens, "refresh_token")
		note("refresh", func() { call(200, "POST", "/refresh", "", renewal(refresh)) })
		note("protected", func() { call(200, "GET", "/protected", access, "") })
		note("logout", func() { call(204, "POST", "/logout", access, "") })
		note("jwks", func() { call(200, "GET", "/.well-known/jwks.json", "", "") })
		note("healthz", func() { call(200, "GET", "/healthz", "", "") })
	}
	return counted, failed
}

// The bodies of requests. Nothing in them needs escaping.

func registration(name string) string {
	return `{"username":"` + name + `","email":"` + name + `@example.com","password":"` + floors.Password + `"}`
}

func credentials(name string) string {
	return `{"username_or_email":"` + name + `","password":"` + floors.Password + `"}`
}

func renewal(token string) string { return `{"refresh_token":"` + token + `"}` }
