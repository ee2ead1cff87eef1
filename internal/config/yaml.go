package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// entry is one line "name: value" of the file.
type entry struct {
	name string
	line int
	text string // the value as written; the words of a list between commas
	list bool
	odd  string // what the value is when it is neither a text nor a list of texts: "a mapping"
}

// syntaxError is why a file is not a list of settings. It never repeats the file's text, which may be secret.
type syntaxError struct {
	line     int
	expected string
}

// parseYAML reads the settings of a file in their order, duplicates included. The language is a small part of YAML:
// one document that maps names to texts or lists of texts, without anchors, tags and merging, which nobody needs here
// and which hide what is set.
func parseYAML(data []byte) ([]entry, *syntaxError) {
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	file, err := parseSafely(data)
	if err != nil {
		return nil, explain(err)
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		return nil, nil
	case len(bodies) > 1:
		return nil, &syntaxError{lineOf(bodies[1]), "one YAML document, without directives or a second ---"}
	}
	mapping, ok := bodies[0].(*ast.MappingNode)
	if !ok {
		return nil, &syntaxError{lineOf(bodies[0]), "lines of the form name: value"}
	}
	entries := make([]entry, 0, len(mapping.Values))
	for _, pair := range mapping.Values {
		entries = append(entries, newEntry(pair))
	}
	return entries, nil
}

// parseSafely keeps a fault of the parser from ending the process before it could say which file it was.
func parseSafely(data []byte) (file *ast.File, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = errors.New("the text is not YAML")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

var quotedPart = regexp.MustCompile(`"[^"]*"|'[^']*'`)

func explain(err error) *syntaxError {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return &syntaxError{1, "YAML"}
	}
	line := 1
	if syntax.Token != nil && syntax.Token.Position != nil {
		line = max(1, syntax.Token.Position.Line)
	}
	return &syntaxError{line, fmt.Sprintf("YAML; here: %s", quotedPart.ReplaceAllString(syntax.Message, "…"))}
}

func newEntry(pair *ast.MappingValueNode) entry {
	e := entry{name: pair.Key.GetToken().Value, line: lineOf(pair.Key)}
	if sequence, ok := pair.Value.(*ast.SequenceNode); ok {
		e.list = true
		words := make([]string, 0, len(sequence.Values))
		for _, item := range sequence.Values {
			word, odd := scalar(item)
			if odd != "" {
				e.odd = "a list with " + odd
			}
			words = append(words, word)
		}
		e.text = strings.Join(words, ",")
		return e
	}
	e.text, e.odd = scalar(pair.Value)
	return e
}

// scalar gives the text of a node as it was written, so that 0x10 or 1_000 are not numbers here and texts elsewhere;
// or else what the node is.
func scalar(node ast.Node) (text, odd string) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, ""
	case *ast.LiteralNode:
		return strings.TrimSuffix(n.Value.Value, "\n"), ""
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, ""
	case *ast.NullNode:
		return "", "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "", "a mapping"
	case *ast.SequenceNode:
		return "", "a list"
	case *ast.AnchorNode, *ast.AliasNode:
		return "", "an anchor or alias"
	case *ast.TagNode:
		return "", "a tag"
	}
	return "", "something else"
}

func lineOf(node ast.Node) int {
	if node == nil {
		return 1
	}
	if t := node.GetToken(); t != nil && t.Position != nil {
		return max(1, t.Position.Line)
	}
	return 1
}
