package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// statement is a string in the source that is SQL.
type statement struct {
	dir   string
	name  string // of the constant or variable that holds it; may be empty
	key   string
	where string
	text  string // on one line; string literals emptied, comments gone, parts that only the run knows as unknown
}

// unknown stands for the part of a text that is not a constant.
const unknown = "\x00"

// start is enough of a statement to recognise it.
func (s statement) start() string {
	if len(s.text) > 60 {
		return s.text[:60] + "…"
	}
	return s.text
}

var (
	sqlStart = regexp.MustCompile(`(?is)^\s*(select\s.+|insert\s+(or\s+\w+\s+)?into\s.+` +
		`|update\s+\S+\s+(as\s+\w+\s+)?set\s.+|delete\s+from\s.+` +
		`|with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s.+)`)
	sqlLiteral  = regexp.MustCompile(`'(?:[^']|'')*'`)
	sqlComment  = regexp.MustCompile(`--[^\n]*|(?s)/\*.*?\*/`)
	whiteSpaces = regexp.MustCompile(`\s+`)
)

func withoutComments(text string) string { return sqlComment.ReplaceAllString(text, " ") }

// statements gives the SQL in a package's strings. Constants put together from others are read as a whole.
func (t *Tree) statements(p *Package) []statement {
	known := constants(p)
	var all []statement
	for _, f := range p.source() {
		for _, s := range texts(f.Syntax, known) {
			if !sqlStart.MatchString(s.text) {
				continue
			}
			clean := sqlComment.ReplaceAllString(sqlLiteral.ReplaceAllString(s.text, "''"), " ")
			clean = strings.TrimSpace(whiteSpaces.ReplaceAllString(clean, " "))
			key := f.Path
			if s.name != "" {
				key += " " + s.name
			}
			all = append(all, statement{p.Dir, s.name, key, t.at(s.at), clean})
		}
	}
	return all
}

// named is a text with the name that it is bound to.
type named struct {
	name, text string
	at         ast.Expr
}

// texts gives the outermost constant strings of a file.
func texts(f *ast.File, known map[string]ast.Expr) []named {
	var all []named
	var visit func(name string) func(ast.Node) bool
	visit = func(name string) func(ast.Node) bool {
		return func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if i < len(n.Names) {
						ast.Inspect(value, visit(n.Names[i].Name))
					}
				}
				return false
			case *ast.ImportSpec:
				return false
			case *ast.BasicLit, *ast.BinaryExpr:
				text, ok := textOf(n.(ast.Expr), known, nil)
				if ok {
					all = append(all, named{name, text, n.(ast.Expr)})
				}
				return !ok
			}
			return true
		}
	}
	ast.Inspect(f, visit(""))
	return all
}

// textOf reads a string expression. It is true when any part of it is a string; the other parts are unknown.
func textOf(e ast.Expr, known map[string]ast.Expr, seen []string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return unknown, false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.ParenExpr:
		return textOf(e.X, known, seen)
	case *ast.Ident:
		value, ok := known[e.Name]
		if !ok || slices.Contains(seen, e.Name) {
			return unknown, false
		}
		return textOf(value, known, append(slices.Clone(seen), e.Name))
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return unknown, false
		}
		left, first := textOf(e.X, known, seen)
		right, second := textOf(e.Y, known, seen)
		return left + right, first || second
	}
	return unknown, false
}

// constants gives the values of a package's constants and variables by name.
func constants(p *Package) map[string]ast.Expr {
	known := map[string]ast.Expr{}
	for _, f := range p.source() {
		for _, d := range f.Syntax.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, name := range v.Names {
					if i < len(v.Values) {
						known[name.Name] = v.Values[i]
					}
				}
			}
		}
	}
	return known
}

// reference is a table that a statement names, and whether it writes there.
type reference struct {
	table   string
	written bool
}

var sqlToken = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_$]*(?:\.[A-Za-z_][A-Za-z0-9_$]*)?|"[^"]*"|[(),;]|\x00`)

// tablesOf gives the tables that a statement names after FROM, JOIN, INTO, UPDATE and USING, but for its own common
// table expressions.
func tablesOf(text string) []reference {
	tokens := sqlToken.FindAllString(strings.ToLower(text), -1)
	own := expressions(tokens)
	var found []reference
	for i, word := range tokens {
		before := ""
		if i > 0 {
			before = tokens[i-1]
		}
		written := word == "into" || word == "update" || word == "from" && before == "delete"
		switch word {
		case "from", "using":
			found = append(found, list(tokens[i+1:], written)...)
		case "join", "into":
			found = append(found, list(tokens[i+1:min(i+2, len(tokens))], written)...)
		case "update": // not DO UPDATE, FOR UPDATE, ON UPDATE
			if !slices.Contains([]string{"do", "for", "on", "key"}, before) {
				found = append(found, list(tokens[i+1:min(i+2, len(tokens))], written)...)
			}
		}
	}
	return slices.DeleteFunc(found, func(r reference) bool { return own[r.table] })
}

// list reads table names, each with a possible alias, separated by commas. A sub-query's own FROM comes by itself.
func list(tokens []string, written bool) []reference {
	var found []reference
	expected := true
	for _, word := range tokens {
		switch {
		case word == ",":
			expected = true
		case word == "only" && expected:
		case !isName(word):
			return found
		case expected:
			found = append(found, reference{strings.Trim(word, `"`), written})
			expected = false
		case slices.Contains(afterTables, word):
			return found
		}
	}
	return found
}

// afterTables are the words that end a list of tables; any other word there is AS or an alias.
var afterTables = []string{
	"where", "join", "left", "right", "full", "inner", "cross", "natural", "on", "order", "group", "having", "limit",
	"offset", "union", "except", "intersect", "set", "returning", "values", "for", "window", "using", "do",
}

func isName(word string) bool { return !strings.Contains("(),;"+unknown, word) }

// expressions gives the names that WITH defines: a name, then AS and a bracket; a list of columns may stand between.
func expressions(tokens []string) map[string]bool {
	names := map[string]bool{}
	if len(tokens) == 0 || tokens[0] != "with" {
		return names
	}
	depth := 0
	for i, word := range tokens {
		switch word {
		case "(":
			depth++
		case ")":
			depth--
		case "as":
			if depth == 0 && i+1 < len(tokens) && tokens[i+1] == "(" {
				names[beforeColumns(tokens[:i])] = true
			}
		}
	}
	return names
}

// beforeColumns gives the last name of tokens, before a list of columns in brackets if there is one.
func beforeColumns(tokens []string) string {
	i := len(tokens) - 1
	if i > 0 && tokens[i] == ")" {
		for ; i > 0 && tokens[i] != "("; i-- {
		}
		i--
	}
	if i < 0 {
		return ""
	}
	return tokens[i]
}
