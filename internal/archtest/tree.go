package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path before every package of ours.
const module = "github.com/durwardhq/durward"

// Tree is the source of one module, parsed, with the few other files that rules read.
type Tree struct {
	Packages []*Package
	Texts    map[string]string // by path: go.mod files, *.sql, *.md
	fset     *token.FileSet
}

// Package is one folder with Go files in it.
type Package struct {
	Dir   string // slashes, from the module's root; "." is the root
	Files []*File
}

// File is one Go file.
type File struct {
	Path   string
	Lines  int
	Test   bool // *_test.go
	Syntax *ast.File
}

// Load parses the module that fsys holds, without the modules nested in it.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{Texts: map[string]string{}, fset: token.NewFileSet()}
	packages := map[string]*Package{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(fsys, name, t)
		}
		if !wanted(name) {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if path.Ext(name) != ".go" {
			t.Texts[name] = string(text)
			return nil
		}
		return t.add(packages, name, text)
	})
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		t.Packages = append(t.Packages, packages[dir])
	}
	return t, err
}

// enter skips what is not this module's source. Of a nested module only go.mod is kept.
func enter(fsys fs.FS, dir string, t *Tree) error {
	base := path.Base(dir)
	if dir != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
		return fs.SkipDir
	}
	if text, err := fs.ReadFile(fsys, path.Join(dir, "go.mod")); err == nil && dir != "." {
		t.Texts[path.Join(dir, "go.mod")] = string(text)
		return fs.SkipDir
	}
	return nil
}

func wanted(name string) bool {
	return slices.Contains([]string{".go", ".mod", ".sql", ".md"}, path.Ext(name))
}

func (t *Tree) add(packages map[string]*Package, name string, text []byte) error {
	syntax, err := parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse %s: %w", name, err)
	}
	dir := path.Dir(name)
	if packages[dir] == nil {
		packages[dir] = &Package{Dir: dir}
	}
	packages[dir].Files = append(packages[dir].Files, &File{
		Path:   name,
		Lines:  strings.Count(string(text), "\n"),
		Test:   strings.HasSuffix(name, "_test.go"),
		Syntax: syntax,
	})
	return nil
}

// at gives "file:line" of a node.
func (t *Tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// lines gives how many lines a node takes.
func (t *Tree) lines(n ast.Node) int {
	return t.fset.Position(n.End()).Line - t.fset.Position(n.Pos()).Line + 1
}

// source gives the files that go into the product: no tests, and nothing of a package that only tests import.
func (p *Package) source() []*File {
	if p.forTests() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Files), func(f *File) bool { return f.Test })
}

// forTests tells a package that only tests may import: its name ends in "test", as in dbtest, or it is named here.
func (p *Package) forTests() bool { return forTests(p.Dir) }

var testSupport = []string{"internal/platform/golden"}

func forTests(dir string) bool {
	named := strings.HasSuffix(dir, "test") && strings.HasPrefix(dir, "internal/") && dir != "internal/archtest"
	return named || slices.Contains(testSupport, dir)
}

// imports gives the file's import paths with where they stand.
func (t *Tree) imports(f *File) []imported {
	var all []imported
	for _, spec := range f.Syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser lets no such file through
		}
		i := imported{path: name, where: t.at(spec)}
		if spec.Name != nil {
			i.alias = spec.Name.Name
		}
		all = append(all, i)
	}
	return all
}

type imported struct{ path, alias, where string }

// problem is what is wrong with this import in a package.
func (i imported) problem(p *Package, fault, why string) Problem {
	return Problem{
		Key:   p.Dir + " imports " + i.path,
		Where: i.where,
		What:  fmt.Sprintf("%s imports %s: %s", p.Dir, i.path, fault),
		Why:   why,
	}
}

// dir gives the folder of a package of ours.
func (i imported) dir() (string, bool) {
	if i.path == module {
		return ".", true
	}
	return strings.CutPrefix(i.path, module+"/")
}

// standard tells the standard library from modules: the first element of a module's path has a dot.
func (i imported) standard() bool {
	first, _, _ := strings.Cut(i.path, "/")
	return !strings.Contains(first, ".")
}

// name is what the file calls the package by, as far as the path tells.
func (i imported) name() string {
	if i.alias != "" {
		return i.alias
	}
	parts := strings.Split(i.path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		last = parts[len(parts)-2]
	}
	return last
}

// under tells whether dir is one of these folders or lies in one.
func under(dir string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return dir == root || strings.HasPrefix(dir, root+"/")
	})
}
