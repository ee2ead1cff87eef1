package archtest

import (
	"fmt"
	"go/ast"
	"slices"
)

const (
	maxFileLines     = 600
	maxPackageLines  = 2500
	maxMethods       = 25
	maxInterface     = 5
	maxFunctionLines = 80
	maxMedianLines   = 12
)

func budgetRules() []rule {
	return []rule{
		{"file size", "a file is read in one sitting", checkFileSize},
		{"package size", "a package is understood as one thing", checkPackageSize},
		{"methods", "a type that everything hangs on cannot be taken apart later", checkMethods},
		{"interface size", "the bigger an interface, the less it says and the more is faked", checkInterfaces},
		{"function size", "a long function has parts that want names", checkFunctions},
		{"median function", "short functions are the habit; when the median grows, the habit is going", checkMedian},
	}
}

func checkFileSize(t *Tree, report reporter) {
	for _, p := range t.Packages {
		for _, f := range p.Files {
			if f.Lines > maxFileLines {
				report(Problem{
					Key: f.Path, Where: f.Path,
					What: fmt.Sprintf("it has %d lines; at most %d", f.Lines, maxFileLines),
				})
			}
		}
	}
}

func checkPackageSize(t *Tree, report reporter) {
	for _, p := range t.Packages {
		sum := 0
		for _, f := range p.source() {
			sum += f.Lines
		}
		if sum > maxPackageLines {
			report(Problem{
				Key: p.Dir, Where: p.Dir,
				What: fmt.Sprintf("it has %d lines; at most %d", sum, maxPackageLines),
			})
		}
	}
}

func checkMethods(t *Tree, report reporter) {
	for _, p := range t.Packages {
		methods := map[string]int{}
		for _, f := range p.source() {
			for _, d := range functions(f) {
				if d.Recv != nil {
					methods[receiver(d)]++
				}
			}
		}
		for name, n := range methods {
			if n > maxMethods {
				report(Problem{
					Key: p.Dir + "." + name, Where: p.Dir,
					What: fmt.Sprintf("the type %s has %d methods; at most %d", name, n, maxMethods),
				})
			}
		}
	}
}

func checkInterfaces(t *Tree, report reporter) {
	for _, p := range t.Packages {
		declared := interfaces(p)
		for name, i := range declared {
			if n := methodCount(i, declared, 0); n > maxInterface {
				report(Problem{
					Key: p.Dir + "." + name, Where: t.at(i),
					What: fmt.Sprintf("the interface %s has %d methods; at most %d", name, n, maxInterface),
				})
			}
		}
	}
}

func interfaces(p *Package) map[string]*ast.InterfaceType {
	declared := map[string]*ast.InterfaceType{}
	for _, f := range p.source() {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if i, ok := spec.Type.(*ast.InterfaceType); ok {
					declared[spec.Name.Name] = i
				}
			}
			return true
		})
	}
	return declared
}

// methodCount counts methods with those of embedded interfaces of the same package.
func methodCount(i *ast.InterfaceType, declared map[string]*ast.InterfaceType, depth int) int {
	n := 0
	for _, field := range i.Methods.List {
		n += len(field.Names)
		embedded, ok := field.Type.(*ast.Ident)
		if len(field.Names) == 0 && ok && declared[embedded.Name] != nil && depth < 10 {
			n += methodCount(declared[embedded.Name], declared, depth+1)
		}
	}
	return n
}

func checkFunctions(t *Tree, report reporter) {
	for _, p := range t.Packages {
		for _, f := range p.source() {
			for _, d := range functions(f) {
				if n := t.lines(d); n > maxFunctionLines {
					report(Problem{
						Key: p.Dir + "." + functionName(d), Where: t.at(d),
						What: fmt.Sprintf("%s has %d lines; more than %d need a reason", functionName(d), n, maxFunctionLines),
					})
				}
			}
		}
	}
}

func checkMedian(t *Tree, report reporter) {
	var lengths []int
	for _, p := range t.Packages {
		for _, f := range p.source() {
			for _, d := range functions(f) {
				lengths = append(lengths, t.lines(d))
			}
		}
	}
	slices.Sort(lengths)
	if len(lengths) > 0 && lengths[len(lengths)/2] > maxMedianLines {
		report(Problem{
			Key: "all", Where: "the whole tree",
			What: fmt.Sprintf("the median function has %d lines; at most %d", lengths[len(lengths)/2], maxMedianLines),
		})
	}
}

func functions(f *File) []*ast.FuncDecl {
	var all []*ast.FuncDecl
	for _, d := range f.Syntax.Decls {
		if d, ok := d.(*ast.FuncDecl); ok {
			all = append(all, d)
		}
	}
	return all
}

func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	return receiver(d) + "." + d.Name.Name
}

// receiver gives the name of a method's type, without pointer and type parameters.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return "?"
		}
	}
}
