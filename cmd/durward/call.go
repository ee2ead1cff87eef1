package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/durwardhq/durward/internal/config"
)

// call is one run of the program: what it was given, and where it answers.
type call struct {
	args   []string // the program's name as it was typed, then its words
	env    []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	words   *grammar // what the command line said
	command string   // the command that it chose: "durward user list"
	json    bool     // whether a program reads the answer
}

// dispatch understands the command line and runs its command.
func (c *call) dispatch(ctx context.Context) error {
	parser, err := c.newParser(ctx)
	if err != nil {
		return err
	}
	words := c.args[1:]
	parsed, err := parser.Parse(helpWords(words))
	switch {
	case errors.Is(err, errHelpShown) && len(words) == 0:
		return told{exitMisused} // a script whose command is missing must not go on as if it had run
	case err != nil:
		return misused(err)
	}
	c.command = parsed.Selected().FullPath()
	for _, flag := range parsed.Flags() {
		if flag.Name == "json" {
			c.json = flag.Target.Bool()
		}
	}
	return parsed.Run()
}

// load gives the configuration, or a *config.Error with everything that is wrong with it.
func (c *call) load() (*config.Config, error) {
	cfg, report := config.Load(c.source())
	return cfg, report.Err()
}

func (c *call) source() config.Source {
	return config.Source{File: c.words.Config, Env: c.env, Flags: c.words.settings.given(), Dev: c.words.Dev}
}

// answer prints value as JSON for programs, and as text for people.
func (c *call) answer(value any, text func(w io.Writer)) error {
	if c.json {
		return writeJSON(c.stdout, value)
	}
	text(c.stdout)
	return nil
}

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// table prints rows under a heading in aligned columns. Cells come from the database, where somebody may have put
// anything, so characters that steer a terminal are replaced.
func table(w io.Writer, heading []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range append([][]string{heading}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	t.Flush()
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// oneLine makes a text fit a line of its own.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// checkedWriter remembers that an answer could not be written, which commands then need not check line by line.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err != nil && c.err == nil {
		c.err = err
	}
	return n, err
}

func (c *checkedWriter) failure() error {
	if c.err == nil {
		return nil
	}
	return errors.New("the answer could not be written: " + c.err.Error())
}
