// Package welcome is what a development server tells a newcomer: where it is, what it made, and commands that work when
// they are pasted. It owns these words and how to call the program again; what the commands do is done elsewhere.
package welcome

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// Found is what was there before the server started; the rest it made.
type Found struct{ Database, MasterKey bool }

// Print tells all of it about a server that answers. The commands suit a shell in the same folder that has nothing of
// the one that started the server.
func Print(ctx context.Context, w io.Writer, start Start, before Found, r app.Running) {
	cfg, base := r.App.Config, "http://"+callable(r.Listen)
	fmt.Fprintf(w, "Durward %s is running at %s (development: for this machine alone).\n\n", app.Version(), r.PublicURL)
	for _, line := range inventory(before, r) {
		fmt.Fprintln(w, "  "+line)
	}
	fmt.Fprintf(w, "\n  %-16s %s\n", "documentation", base+"/docs")
	if r.Ops != "" {
		fmt.Fprintf(w, "  %-16s http://%s/metrics\n", "operations", callable(r.Ops))
	}
	who, err := newcomer(ctx, r.App.DB)
	if err != nil { // the server runs all the same, and its log and /readyz will say more
		fmt.Fprintf(w, "\nThe database could not be asked for a free name: %v\n", err)
		return
	}
	suggest(w, base, who, passwordFor(cfg), start.again(cfg))
	fmt.Fprintln(w, "\nCtrl-C stops the server. "+keeping(cfg))
}

// inventory says what the server works with and which of it is new.
func inventory(before Found, r app.Running) []string {
	cfg := r.App.Config
	made := func(was bool) string {
		if was {
			return "kept from before"
		}
		return "made now"
	}
	var lines []string
	add := func(what, where, when string) {
		lines = append(lines, fmt.Sprintf("%-16s %s (%s)", what, where, when))
	}
	if path := cfg.SQLitePath(); path != "" {
		add("database", path, made(before.Database))
	} else {
		lines = append(lines, fmt.Sprintf("%-16s %s", "database", databaseName(cfg)))
	}
	if path := cfg.DevMasterKeyFile; path != "" {
		add("master key", path, made(before.MasterKey))
	}
	firstKey := r.App.Audit.Count(audit.KeyCreated, audit.Success) > 0
	add("signing key", cfg.SigningAlgorithm, made(!firstKey))
	return lines
}

// databaseName is the database URL as it may be shown.
func databaseName(cfg *config.Config) string {
	for _, s := range cfg.Show() {
		if s.Name == databaseURL {
			return s.Value
		}
	}
	return string(db.Postgres)
}

func keeping(cfg *config.Config) string {
	if cfg.SQLitePath() == "" {
		return "A restart keeps the data."
	}
	return "A restart keeps the data; to begin anew, stop it and delete " + cfg.StateDir + "."
}

// suggest prints the commands. Everything but the commands begins with #, so that all of it can be pasted at once.
func suggest(w io.Writer, base, who, password string, again again) {
	fmt.Fprintf(w, `
To try it, paste this into another terminal, in this folder:

# 1. register
%s

# 2. sign in, and keep the access token
%s

# 3. call a protected URL with it
%s

# make %s an administrator
`, registerCommand(base, who, password), loginCommand(base, who, password), protectedCommand(base), who)
	if len(again.missing) > 0 {
		fmt.Fprintf(w, "# in a terminal where %s set to what this server uses:\n", areVariables(again.missing))
	}
	fmt.Fprintln(w, again.command("user", "grant", who, "admin"))
}

func areVariables(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last] + " are"
}

const jsonHeader = " -H 'Content-Type: application/json' \\\n  -d "

func registerCommand(base, who, password string) string {
	body := fmt.Sprintf(`{"username":"%s","email":"%s","password":"%s"}`, who, address(who), password)
	return "curl -sS " + base + "/register" + jsonHeader + shellWord(body)
}

func loginCommand(base, who, password string) string {
	body := fmt.Sprintf(`{"username_or_email":"%s","password":"%s"}`, who, password)
	return "TOKEN=$(curl -sS " + base + "/login" + jsonHeader + shellWord(body) +
		` | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')`
}

func protectedCommand(base string) string {
	return "curl -sS " + base + `/protected -H "Authorization: Bearer $TOKEN"`
}

// newcomers are the names that the suggested registration goes through until one is free.
var newcomers = []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"}

// rounds bounds the search: after alice comes alice2, after alice9 a name that nobody has.
const rounds = 9

// newcomer gives a name under which the suggested registration succeeds.
func newcomer(ctx context.Context, q db.Querier) (string, error) {
	for round := 1; round <= rounds; round++ {
		for _, name := range newcomers {
			if round > 1 {
				name += strconv.Itoa(round)
			}
			if free, err := isFree(ctx, q, name); err != nil || free {
				return name, err
			}
		}
	}
	return "newcomer-" + hex.EncodeToString(secret.Bytes(6)), nil
}

func isFree(ctx context.Context, q db.Querier, name string) (bool, error) {
	for _, text := range []string{name, address(name)} {
		_, taken, err := account.ByIdentifier(ctx, q, account.ParseIdentifier(text))
		if err != nil || taken {
			return false, err
		}
	}
	return true, nil
}

func address(name string) string { return name + "@example.com" }

// passwordFor gives a password that the configured rule accepts, fit for JSON and for a shell.
func passwordFor(cfg *config.Config) string {
	const part = "Correct-Horse-9"
	password := part
	for len(password) < cfg.Password.MinLength {
		password += "-" + part
	}
	return password
}

// callable turns the address of a listener into one that curl can call; this machine is called localhost.
func callable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && hereBy(a.Unmap()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// hereBy tells whether "localhost" reaches a listener on this address.
func hereBy(a netip.Addr) bool {
	return a.IsUnspecified() || a == netip.IPv6Loopback() || a == netip.AddrFrom4([4]byte{127, 0, 0, 1})
}
