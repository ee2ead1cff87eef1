package config

import (
	_ "embed" // for the text before the tables
	"fmt"
	"strings"
)

//go:embed reference_head.md
var referenceHead string

// Reference gives docs/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	group := ""
	for _, s := range table {
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n## %s\n\n| Setting | Takes | Default | |\n|---|---|---|---|\n", group)
		}
		takes := strings.ReplaceAll(s.bind(&Config{}).expects(), "|", `\|`)
		fmt.Fprintf(&b, "| `%s` <br> `%s` | %s | %s | %s |\n", s.name, envName(s.name), takes, s.defaults(), s.doc)
	}
	return b.String()
}

func (s *setting) defaults() string {
	production := "none"
	switch {
	case s.required:
		production = "required"
	case s.def != "":
		production = "`" + s.def + "`"
	}
	if s.dev != "" {
		return production + "; with `--dev` `" + s.dev + "`"
	}
	return production
}
