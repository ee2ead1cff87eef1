// Package migrations is the schema's history: the files beside this one, how they are read, and which of them a
// database still lacks or has from a newer release. It reads no database; package db runs what is pending.
//
// A file is named `NNNN_name.sql` when both engines take it, or `NNNN_name.sqlite.sql` and `NNNN_name.postgres.sql`.
// What differs between the engines alone is a token such as {{time}}. The comments before the first statement hold the
// line `-- works-with: N`, where N is the oldest schema number whose binary still works once the migration is applied.
// A file never changes after its release: a database records what it was.
package migrations

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Files are this binary's migrations.
//
//go:embed *.sql
var Files embed.FS

// The engines, as in package db.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// Migration is one step of the schema, its text ready for one engine.
type Migration struct {
	Version int64
	Name    string
	// WorksWith is the oldest schema number whose binary still works afterwards.
	WorksWith int64
	// Checksum is the SHA-256 of the file in hexadecimal. It leaves open how a token is written out.
	Checksum string
	// Script is any number of statements.
	Script string
}

// tokens are what the files write for the things that the engines spell differently. SQLite's clock has milliseconds;
// the three noughts give its times the width of all others.
var tokens = map[string]map[string]string{
	sqlite: {
		"identity":         "INTEGER PRIMARY KEY AUTOINCREMENT",
		"time":             "DATETIME",
		"now":              "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
		"bytes":            "BLOB",
		"updated in place": "",
	},
	postgres: {
		"identity":         "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		"time":             "TIMESTAMPTZ",
		"now":              "CURRENT_TIMESTAMP",
		"bytes":            "BYTEA",
		"updated in place": "WITH (fillfactor = 80)",
	},
}

var (
	fileName   = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)(?:\.(sqlite|postgres))?\.sql$`)
	tokenMark  = regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	headerLine = regexp.MustCompile(`^-- works-with: ([1-9]\d*)$`)
)

var (
	errName   = errors.New("the name is not NNNN_name.sql, NNNN_name.sqlite.sql or NNNN_name.postgres.sql")
	errHeader = errors.New("the line `-- works-with: N` is missing before the first statement: " +
		"N is the oldest schema number whose binary still works after it")
	errUnclosed = errors.New("a `{{` without its `}}`")
)

// Load reads an engine's migrations in order, and refuses any that breaks the rules.
func Load(files fs.FS, engine string) ([]Migration, error) {
	names, err := fs.Glob(files, "*")
	if err != nil {
		return nil, fmt.Errorf("list the migrations: %w", err)
	}
	var all []Migration
	for _, name := range names {
		m, mine, err := load(files, name, engine)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		if mine {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	return all, inOrder(all, engine)
}

// load reads one file; mine tells whether it is for this engine.
func load(files fs.FS, name, engine string) (m Migration, mine bool, err error) {
	parts := fileName.FindStringSubmatch(name)
	if parts == nil {
		return m, false, errName
	}
	if parts[3] != "" && parts[3] != engine {
		return m, false, nil
	}
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return m, false, err
	}
	m.Name = parts[2]
	if m.Version, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return m, false, err
	}
	return m, true, m.read(strings.ReplaceAll(string(text), "\r\n", "\n"), engine)
}

// read takes header and script from a file's text.
func (m *Migration) read(text, engine string) (err error) {
	sum := sha256.Sum256([]byte(text))
	m.Checksum = hex.EncodeToString(sum[:])
	if m.WorksWith, err = worksWith(text); err != nil {
		return err
	}
	if m.WorksWith > m.Version {
		return fmt.Errorf("works-with is %d, which is above its own version: want 1 to %d", m.WorksWith, m.Version)
	}
	m.Script, err = Expand(text, engine)
	return err
}

// worksWith finds the header among the comments before the first statement.
func worksWith(text string) (int64, error) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if found := headerLine.FindStringSubmatch(line); found != nil {
			return strconv.ParseInt(found[1], 10, 64)
		}
		if line != "" && !strings.HasPrefix(line, "--") {
			break
		}
	}
	return 0, errHeader
}

// Expand writes the tokens of a text out for an engine.
func Expand(text, engine string) (string, error) {
	var unknown error
	script := tokenMark.ReplaceAllStringFunc(text, func(mark string) string {
		token, ok := tokens[engine][mark[2:len(mark)-2]]
		if !ok {
			unknown = fmt.Errorf("unknown token %s", mark)
		}
		return token
	})
	if unknown == nil && strings.Contains(script, "{{") {
		unknown = errUnclosed
	}
	return script, unknown
}

// inOrder checks that versions run from 1 without a gap and that works-with never falls: a binary that one migration
// shut out stays out.
func inOrder(all []Migration, engine string) error {
	for i, m := range all {
		if m.Version != int64(i+1) {
			return fmt.Errorf("migration %d of %s is missing or there twice: found %d (%s) in its place",
				i+1, engine, m.Version, m.Name)
		}
		if i > 0 && m.WorksWith < all[i-1].WorksWith {
			return fmt.Errorf("migration %d (%s) says works-with: %d, but the one before it says %d: it cannot fall",
				m.Version, m.Name, m.WorksWith, all[i-1].WorksWith)
		}
	}
	return nil
}

// Digest names the schema that migrations make: those with the same digest make the same tables.
func Digest(all []Migration) string {
	sum := sha256.New()
	for _, m := range all {
		fmt.Fprintf(sum, "%d %s %d\n%s\n", m.Version, m.Name, len(m.Script), m.Script)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
