// Package archtest holds the rules of the architecture as a test: who may import whom, which modules of others stand
// where, what calls and what SQL are allowed in which package, how large things may grow. It parses the source itself,
// inside the test process, so that a changed file is always seen, and it says of each broken rule why the rule stands.
// It owns no style (gofmt and staticcheck look after that), and nothing imports it.
//
// A rule is changed in the table that holds it; a single place that must differ is an exception with its reason
// (exceptions.go). An exception that nothing needs any more is itself a problem.
package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one broken rule in one place.
type Problem struct {
	Rule  string // the name of the rule
	Where string // file:line, a file, or a package's folder
	What  string // what is wrong there
	Key   string // what an exception names to allow it
	Why   string // why the rule stands
}

// String is the form in which a person reads it.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s\n\twhy: %s\n\trule: %s, key: %s", p.Where, p.What, p.Why, p.Rule, p.Key)
}

// Exception allows one thing that a rule forbids.
type Exception struct {
	Rule string
	Key  string // as Problem.Key
	Why  string
}

// rule is one rule over the whole tree.
type rule struct {
	name  string
	why   string // for problems that bring no reason of their own
	check func(t *Tree, report reporter)
}

// reporter takes a problem without the name of its rule. The key names the thing without line numbers, so that
// exceptions last.
type reporter func(Problem)

// rules is every rule, in the order of their reports.
func rules() []rule {
	return slices.Concat(bandRules(), moduleRules(), wordRules(), sqlRules(), budgetRules(), paperRules())
}

// Check applies every rule. What an exception allows is left out; an exception without use or reason is a problem.
func Check(t *Tree, exceptions []Exception) []Problem {
	var problems []Problem
	used := map[int]bool{}
	for _, r := range rules() {
		r.check(t, func(p Problem) {
			p.Rule = r.name
			if p.Why == "" {
				p.Why = r.why
			}
			at := slices.IndexFunc(exceptions, func(e Exception) bool { return e.Rule == p.Rule && e.Key == p.Key })
			if at < 0 {
				problems = append(problems, p)
				return
			}
			used[at] = true
		})
	}
	for i, e := range exceptions {
		if !used[i] || strings.TrimSpace(e.Why) == "" {
			problems = append(problems, stale(e))
		}
	}
	return problems
}

func stale(e Exception) Problem {
	return Problem{
		Rule:  "exceptions",
		Where: "internal/archtest/exceptions.go",
		What:  fmt.Sprintf("the exception to %q for %q is used by nothing or gives no reason", e.Rule, e.Key),
		Key:   e.Key,
		Why:   "a list of exceptions that only grows stops saying anything",
	}
}
