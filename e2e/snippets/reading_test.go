package snippets

import (
	"strings"
	"testing"
)

// What reads the page and compares is tried by itself, since a comparison that lets everything pass shows nothing.

func TestPage_CommandsHaveTheAnswersThatFollowThem(t *testing.T) {
	steps, err := parse("# T\n```sh server\nserve\n```\n```text\nup\n```\n" +
		"and\n```go file=a.go\npackage a\n```\n```sh\nls\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 3 || !steps[0].server() || steps[0].text != "serve\n" || steps[0].answer.text != "up\n" ||
		steps[1].file() != "a.go" || steps[1].line != 9 || steps[2].answer != nil || steps[2].server() {
		t.Errorf("got %v", steps)
	}
}

func TestPage_EveryBlockMustBeSomethingToTry(t *testing.T) {
	for page, want := range map[string]string{
		"```\nls\n```\n":                               "does not say what it is",
		"```yaml\na: 1\n```\n":                         "neither a command",
		"```sh quick\nls\n```\n":                       "neither a command",
		"```json\n{}\n```\n":                           "to no command",
		"```sh\nls\n```\n```text\n```\n```text\n```\n": "to no command",
		"```sh\nls\n":                                  "never closed",
		"```sh\n```json\n```\n":                        "inside",
	} {
		if _, err := parse(page); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want an error with %q", page, err, want)
		}
	}
}

func TestAnswer_TextIsComparedWhole(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"204", "204\n", true},
		{"204", "2040", false},
		{"204", "1204", false},
		{"a … c", "a b c", true},
		{"a … c", "a b c d", false},
		{"a … c", "x a b c", false},
		{"a…b…c", "a-b-c", true},
		{"a…b…c", "a-c", false},
		{"a\n…", "a\nb\nc", true},
		{"a…a", "a", false},
	} {
		err := compare(&block{lang: "text", text: c.pattern}, c.text)
		if (err == nil) != c.want {
			t.Errorf("%q and %q: %v", c.pattern, c.text, err)
		}
	}
}

func TestAnswer_JSONIsComparedByValue(t *testing.T) {
	const pattern = `{"id": 1, "token": "eyJ…", "roles": [], "more": [{"a": true}]}`
	for text, want := range map[string]bool{
		`{"token":"eyJx","id":1,"roles":[],"more":[{"a":true}]}` + "\n": true,
		`{"token":"eyJx","id":2,"roles":[],"more":[{"a":true}]}`:        false,
		`{"token":"eyJx","id":"1","roles":[],"more":[{"a":true}]}`:      false,
		`{"token":"abc","id":1,"roles":[],"more":[{"a":true}]}`:         false,
		`{"token":7,"id":1,"roles":[],"more":[{"a":true}]}`:             false,
		`{"token":"eyJx","id":1,"roles":null,"more":[{"a":true}]}`:      false,
		`{"token":"eyJx","id":1,"roles":["x"],"more":[{"a":true}]}`:     false,
		`{"token":"eyJx","id":1,"roles":[],"more":[{"a":false}]}`:       false,
		`{"token":"eyJx","id":1,"roles":[]}`:                            false,
		`{"token":"eyJx","id":1,"roles":[],"more":[{"a":true}],"b":1}`:  false,
		`{"token":"eyJx","id":1,"roles":[],"more":[{"a":true}]} {}`:     false,
		``: false,
	} {
		if err := compare(&block{lang: "json", text: pattern}, text); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
