package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/durwardhq/durward/internal/platform/secret"
)

// passwordFlag is part of the commands that take a new password.
type passwordFlag struct {
	PasswordStdin bool `help:"Read the password from standard input instead of asking for it."`
}

// maxPasswordInput is far more than any password may have, in bytes.
const maxPasswordInput = 64 << 10

// password reads a new password: from standard input where that was asked for, otherwise from the terminal, twice and
// without showing it. There is no flag that takes the password itself: every user of the machine could read it in the
// list of processes.
func (c *call) password(ctx context.Context, how passwordFlag) (secret.String, error) {
	if how.PasswordStdin {
		return passwordFrom(c.stdin)
	}
	terminal, ok := c.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return secret.String{}, c.misuse("there is no terminal to ask for the password: pass it with --password-stdin")
	}
	first, err := c.ask(ctx, terminal, "Password: ")
	if err != nil {
		return secret.String{}, err
	}
	second, err := c.ask(ctx, terminal, "Once more: ")
	if err != nil {
		return secret.String{}, err
	}
	if first != second {
		return secret.String{}, c.misuse("the two passwords are not the same")
	}
	return secret.New(first), nil
}

func passwordFrom(stdin io.Reader) (secret.String, error) {
	text, err := io.ReadAll(io.LimitReader(stdin, maxPasswordInput+1))
	switch {
	case err != nil:
		return secret.String{}, fmt.Errorf("standard input: %w", err)
	case len(text) > maxPasswordInput:
		return secret.String{}, errors.New("standard input: expected a password, got more than 64 KiB")
	}
	return secret.New(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")), nil
}

// ask reads a line from the terminal without showing it. The terminal shows nothing from before the prompt on, and is
// as it was when ask returns, also when that is because of a signal: a shell that shows nothing any more would be a
// poor answer to one.
func (c *call) ask(ctx context.Context, terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	fmt.Fprint(c.stderr, prompt)
	go func() {
		text, err := term.NewTerminal(keyboard{terminal}, "").ReadPassword("")
		typed <- line{text, err}
	}()
	var l line
	select {
	case l = <-typed:
	case <-ctx.Done():
		l.err = ctx.Err()
	}
	err = term.Restore(fd, before)
	fmt.Fprintln(c.stderr)
	if errors.Is(l.err, io.EOF) { // Ctrl-C, which is no signal while the terminal shows nothing, or Ctrl-D
		l.err = errors.New("no password was typed")
	}
	return l.text, errors.Join(l.err, err)
}

// keyboard is the half of a terminal that is typed on; nothing is shown.
type keyboard struct{ io.Reader }

func (keyboard) Write(p []byte) (int, error) { return len(p), nil }
