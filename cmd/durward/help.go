package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/durwardhq/durward/internal/config"
)

// widest is how wide help gets on a terminal with more room.
const widest = 100

// helpFlag prints the help of the command that the words before it name.
type helpFlag bool

// BeforeReset is called by the parser before it asks for what is missing.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := printHelp(ctx); err != nil {
		return err
	}
	return errHelpShown
}

func printHelp(ctx *kong.Context) error {
	node := ctx.Selected()
	if node == nil {
		node = ctx.Model.Node
	}
	if showsSettings(node) {
		revealSettings(ctx.Model.Node)
	}
	options := kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: widest,
		ValueFormatter: kong.DefaultHelpValueFormatter}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	printExamples(ctx.Stdout, examplesOf(node))
	if node.Type == kong.ApplicationNode {
		printFooter(ctx.Stdout)
	}
	return nil
}

func printFooter(w io.Writer) {
	fmt.Fprint(w, "\nEvery setting can be given as a flag; durward serve --help lists them.\n"+
		"durward COMMAND --help says more about a command.\n\nExit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(w, "  %d  %s\n", e.code, e.meaning)
	}
}

// example is a command line with what it is good for.
type example struct{ purpose, line string }

// exampled is a command that has examples.
type exampled interface{ examples() []example }

// founding are the examples of the whole program.
var founding = []example{
	{"a server to try, in this folder:", "durward serve --dev"},
	{"look before starting in production:", "durward config check --config /etc/durward.yaml"},
	{"the first administrator:",
		"durward user create --username alice --email alice@example.com --role admin"},
}

func examplesOf(node *kong.Node) []example {
	if node.Type == kong.ApplicationNode {
		return founding
	}
	if command, ok := node.Target.Interface().(exampled); ok {
		return command.examples()
	}
	var all []example
	for _, child := range node.Children {
		all = append(all, examplesOf(child)[:1]...)
	}
	return all
}

func printExamples(w io.Writer, list []example) {
	fmt.Fprint(w, "\nExamples:\n")
	for _, e := range list {
		fmt.Fprintf(w, "  # %s\n  %s\n", e.purpose, e.line)
	}
}

// showsSettings tells whether the help of a command lists the settings too.
func showsSettings(node *kong.Node) bool {
	return node.Type == kong.CommandNode && node.FullPath() == "durward serve"
}

func revealSettings(app *kong.Node) {
	settings := config.Settings()
	for _, flag := range app.Flags {
		if slices.ContainsFunc(settings, func(s config.Setting) bool { return s.Flag == flag.Name }) {
			flag.Hidden = false
		}
	}
}
