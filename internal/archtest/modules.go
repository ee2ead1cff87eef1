package archtest

import (
	"fmt"
	"slices"
)

// allowed is a module of others, or a part of one, and the folders that may import it. Parsing our own files does not
// show what a module imports in turn, so each one is let in by name.
type allowed struct {
	path string
	in   []string
	why  string
}

// modules is every module that the product imports. docs/dependencies.md says why each was chosen.
var modules = []allowed{
	{"github.com/jackc/pgx/v5", []string{platformDB}, "drivers stay behind one API"},
	{"modernc.org/sqlite", []string{platformDB}, "drivers stay behind one API"},
	{"github.com/go-jose/go-jose/v4", []string{"internal/proto"}, "JOSE is a protocol"},
	{"golang.org/x/crypto", []string{"internal/core/password"}, "password hashing has one place"},
	{"golang.org/x/sys", []string{"internal/core/password", "internal/platform"}, "system calls are for machines"},
	{"golang.org/x/text", []string{"internal/core"}, "what counts as the same name is a capability's rule"},
	{"golang.org/x/net/idna", []string{"internal/core/account"}, "addresses have one place"},
	{"github.com/maypok86/otter/v2", []string{"internal/flow/issue"}, "one cache: of verified signatures"},
	{"github.com/go-json-experiment/json", []string{"internal/surface/web"}, "JSON from outside is read in one place"},
	{
		"github.com/prometheus/client_golang", []string{"internal/surface", "internal/server", "internal/app"},
		"capabilities count; what collects the counts is at the edge",
	},
	{"github.com/goccy/go-yaml", []string{"internal/config"}, "YAML is for configuration files alone"},
	{"github.com/alecthomas/kong", []string{"cmd"}, "the command line is the command's"},
	{"golang.org/x/term", []string{"cmd"}, "terminals are the command's"},
}

// testModules is what tests, and nothing else, may import anywhere.
var testModules = []string{
	"github.com/google/go-cmp",
	"pgregory.net/rapid",
	"github.com/santhosh-tekuri/jsonschema/v6",
}

func moduleRules() []rule {
	return []rule{
		{"modules", "a module of others has few places, so that it can be judged, bounded and replaced", checkModules},
	}
}

func checkModules(t *Tree, report reporter) {
	for _, p := range t.Packages {
		if under(p.Dir, "e2e", "bench") {
			continue
		}
		for _, f := range p.Files {
			for _, i := range t.imports(f) {
				if _, ours := i.dir(); ours || i.standard() {
					continue
				}
				if fault := moduleFault(p, f, i); fault != "" {
					report(i.problem(p, fault, ""))
				}
			}
		}
	}
}

// moduleFault says what is wrong with importing a module of others; "" is nothing. Tests may use any that is known:
// what they link is not in the product.
func moduleFault(p *Package, f *File, i imported) string {
	inTest := f.Test || p.forTests()
	if under(i.path, testModules...) {
		if inTest {
			return ""
		}
		return "it is for tests alone"
	}
	at := slices.IndexFunc(modules, func(m allowed) bool { return under(i.path, m.path) })
	switch {
	case at < 0:
		return "nobody may import it yet; add it to internal/archtest/modules.go and docs/dependencies.md, with reasons"
	case inTest || under(p.Dir, modules[at].in...):
		return ""
	default:
		return fmt.Sprintf("only %v may (%s)", modules[at].in, modules[at].why)
	}
}
