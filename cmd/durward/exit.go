package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/platform/errs"
)

// The exit codes. They are part of the command line's contract.
const (
	exitDone    = 0
	exitFailed  = 1
	exitMisused = 2
	exitRefused = 3
)

// exitCodes explains them, for the help and docs/cli.md.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitDone, "done"},
	{exitFailed, "failed: the database is away, a port is in use, the server is not ready, …"},
	{exitMisused, "the command line or the configuration is wrong; nothing was tried"},
	{exitRefused, "refused: there is no such user or role, a name is taken, a password is too weak, …"},
}

// errHelpShown ends a run that was asked for help.
var errHelpShown = errors.New("help was shown")

// told is a failure that the command's own answer has told already.
type told struct{ code int }

func (t told) Error() string { return fmt.Sprintf("exit code %d", t.code) }

// misuse is a command line that cannot be understood.
type misuse struct{ text, help string }

func (m misuse) Error() string { return m.text }

// misuse makes an error about the command line that names the help of this command.
func (c *call) misuse(text string) error { return misuse{text, c.command + " --help"} }

// misused sorts what the parser says: help, or a mistake with the place to read on.
func misused(err error) error {
	var wrong *kong.ParseError
	if errors.Is(err, errHelpShown) || !errors.As(err, &wrong) {
		return err
	}
	m := misuse{text: err.Error(), help: "durward --help"}
	if command := wrong.Context.Selected(); command != nil {
		m.help = command.FullPath() + " --help"
	}
	return m
}

// finish tells of an error, if there is one, and gives the exit code.
func (c *call) finish(ctx context.Context, err error) int {
	var silent told
	switch {
	case err == nil, errors.Is(err, errHelpShown):
		return exitDone
	case errors.As(err, &silent):
		return silent.code
	}
	f := explain(ctx, err)
	if c.json {
		if line, err := json.Marshal(f); err == nil {
			fmt.Fprintf(c.stderr, "%s\n", line)
			return f.exit
		}
	}
	fmt.Fprintf(c.stderr, "durward: %s\n", strings.TrimSuffix(f.text(), "\n"))
	return f.exit
}

// failure is an error as it is told. Its JSON form is documented in docs/cli.md.
type failure struct {
	Code     string           `json:"code"`
	Message  string           `json:"message"`
	Cause    string           `json:"cause,omitempty"`
	Errors   []fieldError     `json:"errors,omitempty"`
	Problems []config.Problem `json:"problems,omitempty"`

	exit   int
	help   string // the command line that says more
	report string // the whole text, where it is a report of its own
}

// fieldError is what is wrong with one field of the input.
type fieldError struct {
	Field   string   `json:"field"`
	Rules   []string `json:"rules"`
	Message string   `json:"message"`
}

func explain(ctx context.Context, err error) failure {
	var wrong misuse
	var settings *config.Error
	switch {
	case errors.As(err, &wrong):
		return failure{Code: "usage", Message: wrong.text, exit: exitMisused, help: wrong.help}
	case errors.As(err, &settings):
		return failure{Code: "configuration_invalid", Message: "the configuration is wrong", exit: exitMisused,
			Problems: settings.Report.Problems, report: settings.Error()}
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return failure{Code: "interrupted", Message: "interrupted", exit: exitFailed}
	}
	if e := errs.As(err); e != nil {
		return explainDomain(e)
	}
	return failure{Code: "failed", Message: err.Error(), exit: exitFailed}
}

func explainDomain(e *errs.Error) failure {
	f := failure{Code: e.Code, Message: e.Message, exit: exitRefused}
	for _, field := range e.Fields {
		f.Errors = append(f.Errors, fieldError{field.Field, field.Rules, field.Message})
	}
	switch e.Kind {
	case errs.Internal, errs.Unavailable, errs.TooMany:
		f.exit = exitFailed
		if cause := e.Unwrap(); cause != nil {
			f.Cause = cause.Error()
		}
	}
	return f
}

// text is the form for people, over several lines where there is more to say.
func (f failure) text() string {
	if f.report != "" {
		return f.report
	}
	lines := []string{f.Message}
	for _, e := range f.Errors {
		lines = append(lines, "  "+e.Field+": "+e.Message)
	}
	if f.Cause != "" {
		lines = append(lines, "Cause: "+f.Cause)
	}
	if f.help != "" {
		lines = append(lines, "See: "+f.help)
	}
	return strings.Join(lines, "\n")
}
