package config

import (
	"fmt"
	"strconv"
	"strings"
)

// maxGot is how much of a wrong value a problem repeats, in code points.
const maxGot = 80

// Problem is one thing that is wrong, or that deserves a look.
type Problem struct {
	// Setting is the name of the setting, or what stood in the place of a name.
	Setting string `json:"setting"`
	// Where is the place to look: "durward.yaml:3", "DURWARD_LISTEN", "--listen", "default", "not set".
	Where string `json:"where"`
	// Got is what came, quoted; empty where it is a secret, might be one, or is simply missing.
	Got string `json:"got,omitempty"`
	// Expected is what would be right.
	Expected string `json:"expected"`
	// Fix is what to do.
	Fix string `json:"fix"`
}

// Report is the judgement on a configuration.
type Report struct {
	// Problems keep the server from starting.
	Problems []Problem `json:"problems"`
	// Warnings do not.
	Warnings []Problem `json:"warnings"`
}

// Error is the error of a configuration that nothing may start with.
type Error struct{ Report *Report }

// Error gives all problems, as they are meant to be read.
func (e *Error) Error() string {
	return strings.TrimSuffix(render("problem", e.Report.Problems), "\n")
}

// Err gives nil when there are no problems, otherwise an *Error.
func (r *Report) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return &Error{Report: r}
}

// String gives problems and warnings as text for a terminal, or nothing when there are none.
func (r *Report) String() string {
	parts := []string{}
	for _, part := range []string{render("problem", r.Problems), render("warning", r.Warnings)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n")
}

func render(word string, list []Problem) string {
	if len(list) == 0 {
		return ""
	}
	plural := "s"
	if len(list) == 1 {
		plural = ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s%s in the configuration:\n", len(list), word, plural)
	for i, p := range list {
		fmt.Fprintf(&b, "\n%3d. %s\n", i+1, p.headline())
		if p.Got != "" {
			fmt.Fprintf(&b, "     got:      %s\n", p.Got)
		}
		fmt.Fprintf(&b, "     expected: %s\n", p.Expected)
		fmt.Fprintf(&b, "     fix:      %s\n", p.Fix)
	}
	return b.String()
}

func (p Problem) headline() string {
	if p.Setting == p.Where {
		return p.Where
	}
	return p.Setting + " (" + p.Where + ")"
}

// quote makes foreign text safe to print and short.
func quote(text string) string {
	runes := []rune(text)
	if len(runes) > maxGot {
		return strconv.Quote(string(runes[:maxGot])) + "…"
	}
	return strconv.Quote(text)
}

// plain shows a name as it stands when it is harmless, otherwise quoted.
func plain(name string) string {
	if quoted := quote(name); quoted != `"`+name+`"` || name == "" {
		return quoted
	}
	return name
}
