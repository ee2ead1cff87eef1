package reference

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/durwardhq/durward/internal/surface/web"
)

// curl gives a command for a POSIX shell that calls the operation. The access token comes from $ACCESS_TOKEN.
func (m *model) curl(op *operation) (string, error) {
	lines := []string{"curl -sS " + quote(m.server()+examplePath(op))}
	body := op.body != nil && !op.OptionalBody
	if op.Method != http.MethodGet && (op.Method != http.MethodPost || !body) {
		lines[0] = "curl -sS -X " + op.Method + " " + quote(m.server()+examplePath(op))
	}
	if op.Auth != web.None {
		lines = append(lines, `-H "Authorization: Bearer $ACCESS_TOKEN"`)
	}
	if body {
		text, err := encode(op.bodyExample)
		if err != nil {
			return "", err
		}
		lines = append(lines, "-H 'Content-Type: application/json'", "-d "+quote(string(text)))
	}
	return strings.Join(lines, " \\\n  "), nil
}

// examplePath fills in the parameters that must be given.
func examplePath(op *operation) string {
	path := op.Path
	query := url.Values{}
	for _, p := range op.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(p.Example))
		} else if p.Required {
			query.Set(p.Name, p.Example)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// quote makes text one word of a POSIX shell.
func quote(s string) string {
	plain := func(c rune) bool {
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("-._/:@%+=", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// indented writes JSON for reading.
func indented(value any) (string, error) {
	text, err := encode(value)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	return out.String(), err
}
