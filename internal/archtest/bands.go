package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// band is a layer of the architecture. A package may import its own component, and what its band says.
type band struct {
	name     string
	root     string   // the folder that holds it
	siblings bool     // each folder in root is a component of its own; otherwise root is one component
	ours     []string // the folders of ours that it may import
	everyone bool     // it may import anything of ours
	strict   bool     // its tests keep to the same, but for test support
	never    []string // packages of others that it never imports, with all below them
	reach    []string // packages that it does not reach through our own packages either
	why      string
}

const (
	netHTTP     = "net/http"
	databaseSQL = "database/sql"
	platformDB  = "internal/platform/db"
)

// bands is the table of docs/architecture.md, from the bottom up: a band's place in it is its height.
var bands = []band{
	{
		name: "ident", root: "internal/ident",
		never: []string{netHTTP, databaseSQL},
		why:   "ident holds the words that every band shares; whatever it imported, everything would",
	},
	{
		name: "proto", root: "internal/proto", siblings: true,
		never: []string{netHTTP, databaseSQL}, reach: []string{netHTTP, databaseSQL},
		why: "a protocol is a pure library: it is tested by vectors, without a server, a database or a clock",
	},
	{
		name: "platform", root: "internal/platform",
		ours: []string{"internal/ident"},
		why:  "platform is machines: it serves every capability, so it knows none",
	},
	{
		name: "core", root: "internal/core", siblings: true,
		ours:  []string{"internal/ident", "internal/platform", "internal/proto"},
		never: []string{netHTTP}, reach: []string{netHTTP},
		why: "a capability is read, tested and changed alone; a story over two of them is a flow",
	},
	{
		name: "flow", root: "internal/flow", siblings: true,
		ours: []string{
			"internal/ident", "internal/platform", "internal/proto", "internal/core",
			"internal/flow/issue", "internal/flow/machine",
		},
		never: []string{netHTTP}, reach: []string{netHTTP},
		why: "a flow is one story, the same for every surface; what two of them share is a capability, or flow/issue",
	},
	{
		name: "surface", root: "internal/surface", siblings: true,
		ours: []string{
			"internal/ident", "internal/platform/errs", "internal/platform/secret", "internal/platform/logx",
			"internal/platform/clock", "internal/proto", "internal/core", "internal/flow", "internal/surface/web",
		},
		never: []string{databaseSQL},
		why:   "a surface turns requests into calls and outcomes into answers; SQL there goes past policy and audit",
	},
	{
		name: "server", root: "internal/server",
		ours: []string{"internal/surface", "internal/ident", "internal/platform"},
		why:  "the server joins surfaces to listeners; what a request means is not its business",
	},
	{
		name: "config", root: "internal/config",
		ours: []string{"internal/ident", "internal/platform"},
		why:  "configuration stays at the edge; app hands each package the little that it needs",
	},
	{
		name: "app", root: "internal/app", everyone: true,
		why: "app wires everything",
	},
	{
		name: "archtest", root: "internal/archtest",
		why: "the rules stand outside of what they judge",
	},
	{
		name: "cmd", root: "cmd", everyone: true,
		why: "a command is the outermost layer",
	},
	{name: "scripts", root: "scripts", why: "a script runs before anything of ours is built"},
	{name: "bench", root: "bench", everyone: true, why: "a measurement may look at any part"},
	{
		name: "e2e", root: "e2e", strict: true,
		why: "end-to-end tests see what a user sees: the binary, its URLs, its files",
	},
}

// importers names who alone imports a package; nobody else does, tests in other bands included.
var importers = []struct {
	dir string
	by  []string
	why string
}{
	{"internal/app", []string{"cmd", "bench"}, "what needs the whole program wired is a command"},
	{
		"internal/config", []string{"cmd", "internal/app", "bench"},
		"a setting that is read everywhere can no longer be changed",
	},
	{"internal/archtest", nil, "the rules stand outside of what they judge"},
}

// bandOf gives the band of a folder, and its height.
func bandOf(dir string) (band, int) {
	i := slices.IndexFunc(bands, func(b band) bool { return under(dir, b.root) })
	if i < 0 {
		return band{}, -1
	}
	return bands[i], i
}

// component gives the folder that a package belongs to in its band: internal/core/password for all below it.
func (b band) component(dir string) string {
	rest, inside := strings.CutPrefix(dir, b.root+"/")
	if !b.siblings || !inside {
		return b.root
	}
	first, _, _ := strings.Cut(rest, "/")
	return b.root + "/" + first
}

func (b band) mayImport(from, to string) bool {
	return b.everyone || under(to, b.component(from)) || under(to, b.ours...)
}

func bandRules() []rule {
	return []rule{
		{"bands", "a folder outside of every band is under no rule", checkBands},
		{"importers", "", checkImporters},
		{"test support", "what is made for tests does not go into the product", checkTestSupport},
		{"reach", "", checkReach},
		{"http and sql", "a package that knows both is where large systems grow together", checkHTTPAndSQL},
	}
}

func checkBands(t *Tree, report reporter) {
	for _, p := range t.Packages {
		b, height := bandOf(p.Dir)
		if height < 0 {
			if p.Dir != "." || len(p.source()) > 0 {
				report(Problem{Key: p.Dir, Where: p.Dir, What: "this folder belongs to no band of internal/archtest/bands.go"})
			}
			continue
		}
		for _, f := range p.Files {
			for _, i := range t.imports(f) {
				if fault := importFault(b, height, p.Dir, f, i); fault != "" {
					report(i.problem(p, fault, b.why))
				}
			}
		}
	}
}

// importFault says what is wrong with an import; "" is nothing. Tests may look sideways, but never upwards.
func importFault(b band, height int, dir string, f *File, i imported) string {
	to, ours := i.dir()
	if !ours {
		if !f.Test && slices.ContainsFunc(b.never, func(root string) bool { return under(i.path, root) }) {
			return b.name + " never imports it"
		}
		return ""
	}
	_, toHeight := bandOf(to)
	switch {
	case b.mayImport(dir, to):
		return ""
	case f.Test && forTests(to):
		return ""
	case (f.Test || forTests(dir)) && !b.strict:
		if toHeight > height {
			return "a test imports nothing from a band above its own"
		}
		return ""
	case b.siblings && toHeight == height:
		return "another " + b.name + " package"
	default:
		return b.name + " may not import it"
	}
}

func checkImporters(t *Tree, report reporter) {
	for _, p := range t.Packages {
		for _, f := range p.Files {
			for _, i := range t.imports(f) {
				to, ours := i.dir()
				for _, only := range importers {
					if ours && under(to, only.dir) && !under(p.Dir, only.by...) && !under(p.Dir, only.dir) {
						report(i.problem(p, "it is not among those who may", only.why))
					}
				}
			}
		}
	}
}

func checkTestSupport(t *Tree, report reporter) {
	for _, p := range t.Packages {
		for _, f := range p.source() {
			for _, i := range t.imports(f) {
				if to, ours := i.dir(); ours && forTests(to) {
					report(i.problem(p, "it is for tests alone", ""))
				}
			}
		}
	}
}

// checkReach follows imports through our own packages.
func checkReach(t *Tree, report reporter) {
	g := graphOf(t)
	for _, p := range t.Packages {
		b, _ := bandOf(p.Dir)
		for _, target := range b.reach {
			if way := g.way(p.Dir, target); len(way) > 2 { // a way of two is a direct import, which checkBands reports
				report(Problem{
					Key:   p.Dir + " reaches " + target,
					Where: p.Dir,
					What:  fmt.Sprintf("%s never reaches %s, and does by %s", b.name, target, strings.Join(way, " → ")),
					Why:   b.why,
				})
			}
		}
	}
}

func checkHTTPAndSQL(t *Tree, report reporter) {
	for _, p := range t.Packages {
		if b, _ := bandOf(p.Dir); b.everyone {
			continue
		}
		var http, sql string
		for _, f := range p.source() {
			for _, i := range t.imports(f) {
				to, _ := i.dir()
				switch {
				case under(i.path, netHTTP):
					http = i.where
				case under(i.path, databaseSQL, "github.com/jackc/pgx/v5") || under(to, platformDB):
					sql = i.where
				}
			}
		}
		if http != "" && sql != "" {
			report(Problem{
				Key: p.Dir, Where: p.Dir, What: fmt.Sprintf("it imports HTTP at %s and SQL at %s: divide it", http, sql),
			})
		}
	}
}

// graph is who imports what, tests left out: from a folder of ours to folders of ours and to import paths of others.
type graph map[string][]string

func graphOf(t *Tree) graph {
	g := graph{}
	for _, p := range t.Packages {
		for _, f := range p.source() {
			for _, i := range t.imports(f) {
				to, ours := i.dir()
				if !ours {
					to = i.path
				}
				g[p.Dir] = append(g[p.Dir], to)
			}
		}
	}
	return g
}

// way gives a shortest way from a folder to a package or to what lies below it; nothing when there is none.
func (g graph) way(from, target string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := before[next]; seen {
				continue
			}
			before[next] = queue[0]
			if under(next, target) {
				return backwards(before, next)
			}
			queue = append(queue, next)
		}
	}
	return nil
}

func backwards(before map[string]string, at string) []string {
	var way []string
	for ; at != ""; at = before[at] {
		way = append(way, at)
	}
	slices.Reverse(way)
	return way
}
