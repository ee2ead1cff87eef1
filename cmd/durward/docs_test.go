package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/platform/golden"
)

const referencePath = "../../docs/cli.md"

// samples are answers of all commands that take --json, for the reference.
var samples = map[string]any{
	"durward migrate status": schema{Schema: 1, Pending: 1, Migrations: []migrationStatus{
		{1, "foundation", 1, &sampleTime, true}, {2, "touch_users", 1, nil, true}}},
	"durward migrate up": upgraded{2, []migrationStatus{{2, "touch_users", 1, &sampleTime, true}}},
	"durward config check": checked{false, &config.Report{Problems: []config.Problem{sampleProblem},
		Warnings: []config.Problem{}}},
	"durward config show": shown{[]config.Shown{
		{Name: "listen", Env: "DURWARD_LISTEN", Value: "127.0.0.1:8080", Origin: "default"}}},
	"durward user create":       sampleUser,
	"durward user list":         userPage{[]userView{sampleUser}, &sampleUser.ID},
	"durward user show":         sampleUser,
	"durward user set-password": passwordSet{1, 2},
	"durward user grant":        roleChanged{1, role.Admin, true, []role.Name{role.Admin}},
	"durward user revoke":       roleChanged{1, role.Admin, true, []role.Name{}},
	"durward keys list":         keyList{[]keyView{sampleKey}},
	"durward keys rotate":       rotation{sampleKey, true},
	"durward routes":            routeList{[]route{{"public", "GET", "/me", "bearer", "The signed-in account"}}},
	"durward healthcheck":       health{"http://127.0.0.1:9080/readyz", true, 200, `{"status":"ready"}`},
	"durward version":           build{"v1.0.0", "go1.26.8", "linux/amd64"},
}

var (
	sampleTime    = stamp{time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	sampleUser    = userView{1, "alice", "alice@example.com", "active", []role.Name{role.Admin}, sampleTime, sampleTime}
	sampleKey     = keyView{"key_0123456789abcdefghjkmnpqrs", "ES256", "prepared", sampleTime, sampleTime, nil, nil}
	sampleProblem = config.Problem{Setting: "listen", Where: "DURWARD_LISTEN", Got: `"nowhere"`,
		Expected: "HOST:PORT with a port up to 65535", Fix: "write DURWARD_LISTEN=127.0.0.1:8080"}
	sampleFailure = failure{Code: "validation_failed", Message: "The account cannot be made like this.",
		Errors: []fieldError{{"password", []string{"too_short", "no_digit"},
			"The password needs at least 8 characters and a digit."}}}
)

func TestReference_SaysWhatTheCodeSays(t *testing.T) {
	golden.Check(t, referencePath, referenceText(t))
}

func TestReference_HasASampleForEveryCommandThatAnswersInJSON(t *testing.T) {
	for _, node := range commands(t) {
		_, has := samples[node.FullPath()]
		takes := false
		for _, flag := range node.Flags {
			takes = takes || flag.Name == "json"
		}
		if has != takes {
			t.Errorf("%s: sample %v, --json %v", node.FullPath(), has, takes)
		}
	}
}

func TestExamples_AreCommandLinesThatCanBeUnderstood(t *testing.T) {
	for _, node := range commands(t) {
		list := examplesOf(node)
		if len(list) == 0 {
			t.Errorf("%s has no example", node.FullPath())
		}
		for _, e := range append(list, founding...) {
			words, ok := strings.CutPrefix(e.line, "durward ")
			if !ok {
				continue // the line of a Dockerfile
			}
			words, _, _ = strings.Cut(words, " | ")
			words, _, _ = strings.Cut(words, " < ")
			words, _, _ = strings.Cut(words, " > ")
			if _, err := parserFor(t).Parse(strings.Fields(words)); err != nil {
				t.Errorf("%s: %v", e.line, err)
			}
		}
	}
}

func parserFor(t *testing.T) *kong.Kong {
	t.Helper()
	c := &call{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	parser, err := c.newParser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// commands are all commands that do something, in the order of the help.
func commands(t *testing.T) []*kong.Node {
	t.Helper()
	return parserFor(t).Model.Leaves(true)
}

func referenceText(t *testing.T) string {
	t.Helper()
	t.Setenv("COLUMNS", fmt.Sprint(widest))
	var b strings.Builder
	b.WriteString(part(t, "testdata/cli_head.md"))
	b.WriteString("| Code | |\n|---|---|\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.meaning)
	}
	b.WriteString(part(t, "testdata/cli_json.md"))
	fence(&b, "json", indented(t, sampleFailure))
	b.WriteString("\n## durward\n\n")
	s := shell{}
	fence(&b, "text", s.ok(t, "--help"))
	for _, node := range commands(t) {
		fmt.Fprintf(&b, "\n## %s\n\n", node.FullPath())
		words := strings.Fields(node.FullPath())[1:]
		fence(&b, "text", ownHelp(s.ok(t, append(words, "--help")...)))
		if sample, ok := samples[node.FullPath()]; ok {
			b.WriteString("\nWith `--json`:\n\n")
			fence(&b, "json", indented(t, sample))
		}
	}
	return b.String()
}

// ownHelp leaves out what the help of all commands has in common, and the settings, which have a page of their own.
func ownHelp(help string) string {
	own, rest, _ := strings.Cut(help, "\nGlobal flags:\n")
	_, examples, _ := strings.Cut(rest, "\nExamples:\n")
	return own + "\nExamples:\n" + examples
}

func part(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func fence(b *strings.Builder, language, text string) {
	fmt.Fprintf(b, "```%s\n%s\n```\n", language, strings.TrimSpace(text))
}

func indented(t *testing.T, value any) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeJSON(&b, value); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b.Bytes()) {
		t.Fatalf("not JSON: %s", b.String())
	}
	return b.String()
}
