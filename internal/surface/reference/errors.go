package reference

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/durwardhq/durward/internal/surface/web"
)

// ErrorsMarkdown gives docs/errors.md: the catalogue of codes. A test compares it with the file.
func ErrorsMarkdown() string {
	var b strings.Builder
	b.WriteString(`# Errors

Made from the catalogue in ` + "`internal/surface/web/codes.go`" + `; write it anew with
` + "`go test ./internal/surface/reference -run TestErrorsMarkdown -update`" + `.

Whatever is not a success is answered as ` + "`application/problem+json`" + ` (RFC 9457). Programs branch on
` + "`code`" + `, which is stable; ` + "`detail`" + ` is for people and may change; ` + "`request_id`" + ` leads to
the cause in the server's log. Where single fields are wrong, ` + "`errors`" + ` has one entry for each, with every rule
that it breaks, and never the value.
`)
	status := 0
	for _, c := range web.Catalogue() {
		if c.Status != status {
			status = c.Status
			fmt.Fprintf(&b, "\n## %d %s\n", status, http.StatusText(status))
		}
		fmt.Fprintf(&b, "\n### `%s`\n%s %s\n", c.Code, c.Meaning, c.Remedy)
	}
	b.WriteString("\n## Rules of fields\n\nEvery operation with a body gives these; its own are in its description.\n\n" +
		"| Rule | Meaning |\n|---|---|\n")
	for _, r := range web.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.Rule, r.Meaning)
	}
	return b.String()
}
