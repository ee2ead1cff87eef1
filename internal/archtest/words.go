package archtest

import (
	"fmt"
	"go/ast"
	"slices"
)

// word is a function or variable of another package that has named places. Tests may use any of them.
type word struct {
	pkg   string   // import path
	names []string // none is the whole package
	in    []string // folders where it is allowed
	why   string
}

var words = []word{
	{
		"time", []string{"Now", "Since", "Until"}, []string{"internal/platform/clock"},
		"time comes from the clock that tests move, or from the transaction",
	},
	{"time", []string{"Sleep"}, nil, "nobody can stop a sleeping goroutine: wait for a signal, a context or a timer"},
	{"math/rand", nil, nil, "random numbers that can be foretold end up in secrets: use crypto/rand"},
	{"math/rand/v2", nil, nil, "random numbers that can be foretold end up in secrets: use crypto/rand"},
	{
		"context", []string{"Background", "TODO"}, []string{"cmd"},
		"a context that nobody can end outlives its caller: pass the caller's on",
	},
	{
		"os", []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, []string{"cmd"},
		"the environment is read once, at the edge, into config",
	},
	{
		"os", []string{"Exit", "Args", "Stdin", "Stdout", "Stderr"}, []string{"cmd"},
		"main hands these in, so that tests can run the program inside their own process",
	},
	{"log", nil, nil, "the log is structured: log/slog, through platform/logx"},
	{
		"net/http", []string{"DefaultClient", "Get", "Head", "Post", "PostForm", "DefaultServeMux", "Handle", "HandleFunc",
			"ListenAndServe", "ListenAndServeTLS"}, nil,
		"the defaults have no time-out, and are shared with whatever else is linked",
	},
}

// writers open write transactions; everything else goes through audit.InTx or audit.Counted.
var writers = []string{"internal/core/audit", platformDB, "internal/app"}

func wordRules() []rule {
	return []rule{
		{"words", "", checkWords},
		{"write transactions", "a write that does not go through core/audit leaves no trace", checkWriters},
	}
}

func checkWords(t *Tree, report reporter) {
	for _, p := range t.Packages {
		if under(p.Dir, "scripts", "bench", "e2e") {
			continue
		}
		for _, f := range p.source() {
			for _, i := range t.imports(f) {
				checkWordsOf(t, p, f, i, report)
			}
		}
	}
}

func checkWordsOf(t *Tree, p *Package, f *File, i imported, report reporter) {
	for _, w := range words {
		if w.pkg != i.path || under(p.Dir, w.in...) {
			continue
		}
		if len(w.names) == 0 {
			report(Problem{Key: f.Path + " " + i.path, Where: i.where, What: i.path + " is imported", Why: w.why})
			continue
		}
		for _, use := range uses(f, i.name()) {
			if slices.Contains(w.names, use.Sel.Name) {
				name := i.name() + "." + use.Sel.Name
				report(Problem{Key: f.Path + " " + name, Where: t.at(use), What: name + " is used", Why: w.why})
			}
		}
	}
}

func checkWriters(t *Tree, report reporter) {
	for _, p := range t.Packages {
		if under(p.Dir, writers...) {
			continue
		}
		for _, f := range p.source() {
			for _, i := range t.imports(f) {
				if i.path != module+"/"+platformDB {
					continue
				}
				for _, use := range uses(f, i.name()) {
					if use.Sel.Name == "Write" || use.Sel.Name == "Once" {
						report(Problem{
							Key: f.Path, Where: t.at(use),
							What: fmt.Sprintf("db.%s opens a write transaction; only %v may", use.Sel.Name, writers),
						})
					}
				}
			}
		}
	}
}

// uses gives every selector on the package that the file calls by this name.
func uses(f *File, name string) []*ast.SelectorExpr {
	var found []*ast.SelectorExpr
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == name {
				found = append(found, s)
			}
		}
		return true
	})
	return found
}
