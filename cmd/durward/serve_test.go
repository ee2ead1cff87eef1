package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// pasted gives what a development server suggests to paste.
func (r *running) pasted() string {
	r.t.Helper()
	all := r.shows(r.out, "Ctrl-C stops the server.")
	from, to := strings.Index(all, "# 1. register"), strings.Index(all, "\nCtrl-C")
	return all[from:to]
}

// paste runs commands literally in a fresh shell, which knows nothing but the PATH and what env adds, and gives what
// they print.
func paste(t *testing.T, commands string, env ...string) string {
	t.Helper()
	sh := exec.CommandContext(withTimeout(t), "sh", "-eu")
	sh.Env = append(env, "PATH="+os.Getenv("PATH"))
	sh.Stdin = strings.NewReader(commands)
	var out, stderr bytes.Buffer
	sh.Stdout, sh.Stderr = &out, &stderr
	if err := sh.Run(); err != nil {
		t.Fatalf("%v in\n%s\n%s%s", err, commands, out.String(), stderr.String())
	}
	return out.String()
}

// worksFor checks what the pasted commands came to.
func worksFor(t *testing.T, s shell, who, printed string, words ...string) {
	t.Helper()
	contains(t, printed, `"message":"User registered successfully"`,
		"Welcome, "+who+"! You have access to protected data.", who+" has the role admin now.")
	u := decode[userView](t, s.ok(t, append([]string{"user", "show", who, "--json"}, words...)...))
	if len(u.Roles) != 1 || u.Roles[0] != "admin" {
		t.Errorf("%s has the roles %v", who, u.Roles)
	}
}

func TestServeDev_PrintsCommandsThatWorkWhenPasted(t *testing.T) {
	s := newShell(t)
	s.program = script(t)
	r := s.serve(t, "--dev")
	commands := r.pasted()
	worksFor(t, s, "alice", paste(t, commands), "--dev")
	contains(t, commands, "\n"+s.program+" user grant alice admin --dev\n")
	r.stops()
	contains(t, r.out.String(), " .durward/durward.db (made now)", " .durward/master.key (made now)", " ES256 (made now)",
		"/docs\n", "operations", "/metrics\n", "A restart keeps the data")
}

func TestServeDev_ARestartKeepsTheDataAndSuggestsAFreeName(t *testing.T) {
	s := newShell(t)
	s.program = script(t)
	first := s.serve(t, "--dev")
	paste(t, first.pasted())
	first.stops()
	s.createUser(t, "somebody", "--dev")
	s.typing(goodPassword).ok(t, "user", "create", "--dev", "--username=robert", "--email=Bob@example.com",
		"--password-stdin")

	second := s.serve(t, "--dev")
	worksFor(t, s, "carol", paste(t, second.pasted()), "--dev")
	if u := decode[userView](t, s.ok(t, "user", "show", "alice", "--dev", "--json")); len(u.Roles) != 1 {
		t.Errorf("the first account is %+v after a restart", u)
	}
	second.stops()
	if got := strings.Count(second.out.String(), "(kept from before)"); got != 3 {
		t.Errorf("%d of 3 things are kept\n%s", got, second.out)
	}
}

func TestServeDev_CommandsSatisfyTheConfiguredRule(t *testing.T) {
	s := newShell(t)
	s.program = script(t)
	if err := os.WriteFile("my settings.yaml", []byte("password_min_length: 40\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := s.with("DURWARD_CONFIG=my settings.yaml").serve(t, "--dev")
	commands := r.pasted()
	contains(t, commands, "--config='my settings.yaml'")
	worksFor(t, s, "alice", paste(t, commands), "--dev", "--config=my settings.yaml")
}

func TestServeDev_CommandsFindADatabaseThatIsNotTheDefault(t *testing.T) {
	plain := dbtest.EmptyURL(t, db.Postgres).Reveal()
	withPassword := strings.Replace(dbtest.EmptyURL(t, db.Postgres).Reveal(), "postgres@", "postgres:hunter2@", 1)
	const variable, key = "DURWARD_DATABASE_URL=", "DURWARD_MASTER_KEY=" + aMasterKey
	for name, c := range map[string]struct {
		env, words []string // of the server
		shell      []string // of the shell that pastes
		shows      string
	}{
		"a file by a flag":     {nil, []string{"--database-url=sqlite:other place.db"}, nil, "'sqlite:other place.db'"},
		"a file by a variable": {[]string{variable + "sqlite:other.db"}, nil, nil, "--database-url=sqlite:other.db"},
		"PostgreSQL":           {[]string{variable + plain}, nil, nil, "--database-url='" + plain + "'"},
		"a URL with a password": {[]string{variable + withPassword}, nil, []string{variable + withPassword},
			"# in a terminal where DURWARD_DATABASE_URL is set to what this server uses:\n"},
		"a URL in a file by a flag":  {nil, []string{"--database-url-file=url"}, nil, "--database-url-file=url"},
		"a URL in a file by the env": {[]string{"DURWARD_DATABASE_URL_FILE=url"}, nil, nil, "--database-url-file=url"},
		"a master key by a variable": {[]string{key}, nil, []string{key}, "DURWARD_MASTER_KEY is set"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t).with(c.env...)
			s.program = script(t)
			if err := os.WriteFile("url", []byte("sqlite:third.db\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			r := s.serve(t, append(c.words, "--dev")...)
			commands := r.pasted()
			contains(t, commands, c.shows)
			worksFor(t, s, "alice", paste(t, commands, c.shell...), append(c.words, "--dev")...)
			r.stops()
			lacks(t, r.out.String()+r.err.String(), "hunter2", aMasterKey)
		})
	}
}

const aMasterKey = "q1Vn0rM3w6hQk2Jt8LZx5yBdFgHsTuWeRaPoIcNvXmE="

func TestServe_LogsOneLineWhenItListensAndPrintsNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		r := s.serve(t)
		l := r.listens()
		if l.PublicURL != "http://localhost:8080" || !strings.HasPrefix(l.Listen, "127.0.0.1:") || l.Ops == "" {
			t.Errorf("got %+v", l)
		}
		r.stops()
		if r.out.String() != "" {
			t.Errorf("it printed %q", r.out)
		}
		messages := ""
		for line := range strings.Lines(r.err.String()) {
			var entry struct{ Msg string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Errorf("%v: a log line that is no JSON: %s", err, line)
			}
			if entry.Msg != "migration applied" {
				messages += entry.Msg + "; "
			}
		}
		contains(t, r.err.String(), `"msg":"migration applied","version":1,"name":"foundation"`)
		if messages != "listening; stopped; " {
			t.Errorf("it logged %s", messages)
		}
	})
}

func TestServe_LogsWarningsOfTheConfiguration(t *testing.T) {
	r := production(t, db.SQLite).serve(t, "--access-token-ttl=2h")
	r.listens()
	contains(t, r.err.String(), `"level":"WARN","msg":"configuration","setting":"access_token_ttl"`, `"fix":`)
}

func TestServe_OnABusyPortNamesTheSetting(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	s := newShell(t)
	address := busy.Addr().String()
	s.serve(t, "--dev", "--listen", address).fails(exitFailed, "DURWARD_LISTEN", address, "in use")
	s.serve(t, "--dev", "--ops-listen", address).fails(exitFailed, "DURWARD_OPS_LISTEN", "in use")
	if exists(".durward") {
		t.Error("something was made")
	}
}

func TestCommands_WorkWhileTheServerRuns(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		r := s.serve(t)
		base := "http://" + r.listens().Listen
		s.createUser(t, "alice")
		token := signIn(t, base, "alice", goodPassword)
		status, me := get(t, base+"/me", token)
		if status != 200 || me["username"] != "alice" || len(me["roles"].([]any)) != 0 {
			t.Fatalf("%d %v", status, me)
		}
		s.ok(t, "user", "grant", "alice", "editor")
		if _, me := get(t, base+"/me", token); len(me["roles"].([]any)) != 1 {
			t.Errorf("the role does not count from the next request on: %v", me)
		}
		contains(t, s.typing("Another-Horse-9\r\n").ok(t, "user", "set-password", "alice", "--password-stdin"),
			"1 session was ended")
		if status, _ := get(t, base+"/me", token); status != 401 {
			t.Errorf("the old session is answered %d", status)
		}
		if signIn(t, base, "alice", goodPassword) != "" || signIn(t, base, "alice", "Another-Horse-9") == "" {
			t.Error("the old password is good, or the new one is not")
		}
		s.ok(t, "keys", "rotate")
		contains(t, s.ok(t, "migrate", "status"), "Nothing is pending")
		r.stops()
	})
}
