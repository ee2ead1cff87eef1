package archtest

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

const dependenciesPage = "docs/dependencies.md"

// dependencyRow is a row of the table there, which begins with the module's path.
var dependencyRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

func paperRules() []rule {
	return []rule{
		{"package comment", "a reader meets a package by what it owns and what it leaves to others", checkComments},
		{"left open", "what is left open is finished or planned elsewhere; in code it is forgotten", checkLeftOpen},
		{"skipped test", "a test that may not run proves nothing on the day that it matters", checkSkips},
		{"dependencies", "every module that we trust has a line that says what for", checkDependencies},
	}
}

func checkComments(t *Tree, report reporter) {
	for _, p := range t.Packages {
		files := p.Files
		if !slices.ContainsFunc(files, func(f *File) bool { return !f.Test }) {
			continue
		}
		name, found := "", false
		for _, f := range files {
			if f.Test {
				continue
			}
			name = f.Syntax.Name.Name
			found = found || opens(f.Syntax, p.Dir)
		}
		if !found {
			report(Problem{
				Key: p.Dir, Where: p.Dir,
				What: fmt.Sprintf("package %s has no comment that begins with \"Package %s \" or \"Command \"", name, name),
			})
		}
	}
}

// opens tells whether a file has the package's comment, in the form that go doc expects.
func opens(f *ast.File, dir string) bool {
	text := f.Doc.Text()
	if f.Name.Name == "main" {
		return strings.HasPrefix(text, "Command "+path.Base(dir)+" ")
	}
	return strings.HasPrefix(text, "Package "+f.Name.Name+" ")
}

// The words are put together here so that a search for them finds only what is really left open.
var leftOpen = regexp.MustCompile(`\b(` + "TO" + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

func checkLeftOpen(t *Tree, report reporter) {
	for _, p := range t.Packages {
		for _, f := range p.Files {
			for _, group := range f.Syntax.Comments {
				for _, c := range group.List {
					if mark := leftOpen.FindString(c.Text); mark != "" {
						report(Problem{Key: f.Path, Where: t.at(c), What: "a comment says " + mark})
					}
				}
			}
		}
	}
}

func checkSkips(t *Tree, report reporter) {
	for _, p := range t.Packages {
		for _, f := range p.Files {
			if !f.Test && !p.forTests() {
				continue
			}
			for _, d := range functions(f) {
				for _, call := range skips(d.Type, d.Body, nil) {
					report(Problem{
						Key: f.Path + " " + d.Name.Name, Where: t.at(call),
						What: d.Name.Name + " may leave itself out",
					})
				}
			}
		}
	}
}

// skips finds calls of Skip, SkipNow and Skipf, and of testing.Short. Skip of a *rapid.T throws away a drawn value, not
// the test, so names that are bound to one are passed over.
func skips(signature *ast.FuncType, body *ast.BlockStmt, drawn []string) (found []*ast.SelectorExpr) {
	if body == nil {
		return nil
	}
	for _, param := range signature.Params.List {
		for _, name := range param.Names {
			drawn = slices.DeleteFunc(slices.Clone(drawn), func(n string) bool { return n == name.Name })
			if isRapid(param.Type) {
				drawn = append(drawn, name.Name)
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			found = append(found, skips(n.Type, n.Body, drawn)...)
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && isSkip(x.Name, n.Sel.Name) && !slices.Contains(drawn, x.Name) {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

func isRapid(e ast.Expr) bool {
	star, ok := e.(*ast.StarExpr)
	if !ok {
		return false
	}
	s, ok := star.X.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "rapid" && s.Sel.Name == "T"
}

func isSkip(on, name string) bool {
	if on == "testing" {
		return name == "Short"
	}
	return slices.Contains([]string{"t", "b", "f", "tb"}, on) &&
		slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name)
}

// checkDependencies compares the direct requirements of every go.mod with the rows of the page, both ways.
func checkDependencies(t *Tree, report reporter) {
	rows := map[string]bool{}
	for _, m := range dependencyRow.FindAllStringSubmatch(t.Texts[dependenciesPage], -1) {
		rows[m[1]] = true
	}
	direct := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(t.Texts)) {
		if path.Base(file) != "go.mod" {
			continue
		}
		for _, name := range requirements(t.Texts[file]) {
			direct[name] = true
			if !rows[name] {
				report(Problem{
					Key: name, Where: file,
					What: fmt.Sprintf("%s is required and has no row in %s", name, dependenciesPage),
				})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		if !direct[name] {
			report(Problem{
				Key: name, Where: dependenciesPage,
				What: name + " has a row and is required by no go.mod",
			})
		}
	}
}

// requirements gives the modules that a go.mod requires directly, but for our own.
func requirements(text string) []string {
	var names []string
	inside := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasSuffix(strings.TrimSpace(line), "// indirect"):
		case fields[0] == "require" && fields[len(fields)-1] == "(":
			inside = true
		case fields[0] == ")":
			inside = false
		case fields[0] == "require":
			names = append(names, fields[1])
		case inside:
			names = append(names, fields[0])
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return under(n, module) || strings.HasPrefix(n, "//") })
}
