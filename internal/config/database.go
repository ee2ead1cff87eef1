package config

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/durwardhq/durward/internal/platform/secret"
)

const (
	sqliteScheme   = "sqlite:"
	postgresScheme = "postgres://"
	// postgresAlias is the other scheme that PostgreSQL's own tools take.
	postgresAlias = "postgresql://"
)

// sslModes are PostgreSQL's, from none to full verification.
var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// database is what a database URL says, as far as its safety and its showing need it.
type database struct {
	path    string // SQLite
	user    string
	hosts   []string // as written, with their ports
	name    string
	sslMode string   // empty: PostgreSQL's default, which is prefer
	remote  []string // the hosts that are not this machine
}

type databaseValue struct{ p *secret.String }

func (v *databaseValue) set(text string) *mismatch {
	if rest, ok := strings.CutPrefix(text, postgresAlias); ok {
		text = postgresScheme + rest
	}
	if _, wrong := parseDatabaseURL(text); wrong != nil {
		return wrong
	}
	*v.p = secret.New(text)
	return nil
}

// String leaves out the password and the parameters, which may hold one too.
func (v *databaseValue) String() string {
	text := v.p.Reveal()
	d, wrong := parseDatabaseURL(text)
	switch {
	case text == "":
		return ""
	case wrong != nil:
		return v.p.String()
	case d.path != "":
		return sqliteScheme + d.path
	}
	login := ""
	if d.user != "" {
		login = url.User(d.user).String() + ":" + v.p.String() + "@"
	}
	return postgresScheme + login + strings.Join(d.hosts, ",") + "/" + url.PathEscape(d.name)
}

func (v *databaseValue) expects() string {
	return "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"
}
func (v *databaseValue) kind() Kind { return KindText }

func parseDatabaseURL(text string) (database, *mismatch) {
	if path, ok := strings.CutPrefix(text, sqliteScheme); ok {
		return parseSQLite(path)
	}
	rest, ok := strings.CutPrefix(text, postgresScheme)
	if !ok {
		return database{}, &mismatch{}
	}
	d, wrong := parsePostgres(rest)
	if _, err := url.Parse(text); wrong == nil && err != nil { // the driver reads it this way, and would refuse it later
		wrong = &mismatch{expected: "a URL; an address in brackets only as the last host", advice: encodeAdvice, alone: true}
	}
	return d, wrong
}

func parseSQLite(path string) (database, *mismatch) {
	switch {
	case path == "":
		return database{}, &mismatch{expected: "a path after sqlite:", suggest: "sqlite:/var/lib/durward/durward.db"}
	case strings.HasPrefix(path, "//"):
		return database{}, &mismatch{expected: "the path right after sqlite:, without slashes of a URL",
			suggest: "sqlite:/var/lib/durward/durward.db"}
	case strings.HasPrefix(path, ":memory:"):
		return database{}, &mismatch{expected: "a file, since several connections read it",
			suggest: "sqlite:/var/lib/durward/durward.db"}
	case strings.ContainsAny(path, "?#"):
		return database{}, &mismatch{expected: "a path without parameters; the server sets its own",
			suggest: "sqlite:/var/lib/durward/durward.db"}
	}
	return database{path: path}, nil
}

const encodeAdvice = "write special characters of the password percent-encoded: @ as %40, # as %23, / as %2F, ? as %3F"

// parsePostgres reads what follows postgres://. It does not use url.Parse, which knows nothing of several hosts and
// complains with the password in its message.
func parsePostgres(rest string) (database, *mismatch) {
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if strings.Contains(tail, "#") || strings.Count(authority, "@") > 1 || strings.Contains(tail, "@") {
		return database{}, &mismatch{expected: "a URL whose password has no bare @, #, / or ?", advice: encodeAdvice,
			alone: true}
	}
	d := database{}
	login, hosts, found := strings.Cut(authority, "@")
	if !found {
		login, hosts = "", authority
	}
	if !d.readLogin(login) {
		return database{}, &mismatch{expected: "a user and password in percent-encoding", advice: encodeAdvice, alone: true}
	}
	if hosts != "" {
		d.hosts = strings.Split(hosts, ",")
	}
	path, query, _ := strings.Cut(tail, "?")
	name, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err != nil || strings.Contains(name, "/") {
		return database{}, &mismatch{expected: "one database name after the host", advice: encodeAdvice, alone: true}
	}
	d.name = name
	return d, d.readParameters(query)
}

func (d *database) readLogin(login string) bool {
	user, password, _ := strings.Cut(login, ":")
	if strings.Contains(password, ":") {
		return false
	}
	name, err := url.PathUnescape(user)
	if err != nil {
		return false
	}
	d.user = name
	_, err = url.PathUnescape(password)
	return err == nil
}

func (d *database) readParameters(query string) *mismatch {
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return &mismatch{expected: "parameters in percent-encoding, such as ?sslmode=verify-full", advice: encodeAdvice,
			alone: true}
	}
	d.sslMode = parameters.Get("sslmode")
	if d.sslMode != "" && !slices.Contains(sslModes, d.sslMode) {
		return &mismatch{expected: "sslmode " + either(sslModes), advice: "end the URL in ?sslmode=verify-full",
			alone: true}
	}
	hosts := d.hosts
	if named := parameters.Get("host"); named != "" {
		hosts = strings.Split(named, ",")
	}
	return d.readHosts(hosts)
}

// readHosts finds the hosts that are reached over a network. Paths and @names are sockets of this machine, and no host
// at all is the local socket too.
func (d *database) readHosts(hosts []string) *mismatch {
	for _, entry := range hosts {
		if strings.HasPrefix(entry, "/") || strings.HasPrefix(entry, "@") {
			continue
		}
		host, ok := databaseHost(entry)
		if !ok {
			return &mismatch{expected: "hosts as NAME, NAME:PORT or [ADDRESS]:PORT, between commas",
				advice: "for a socket use postgres:///DATABASE?host=/var/run/postgresql; " + encodeAdvice, alone: true}
		}
		if !loopback(host) {
			d.remote = append(d.remote, host)
		}
	}
	return nil
}

func databaseHost(entry string) (string, bool) {
	host, port := entry, ""
	if h, p, err := net.SplitHostPort(entry); err == nil {
		host, port = h, p
	} else if inner, ok := strings.CutPrefix(entry, "["); ok && strings.HasSuffix(inner, "]") {
		host = strings.TrimSuffix(inner, "]")
	}
	canonical, ok := canonicalHost(host)
	return canonical, ok && validPort(port, true)
}
