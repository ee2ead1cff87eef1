package main

import (
	"bytes"
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
	PasswordStdin bool `help:"Read the password from standard input; one newline at its end is cut. Without this it is asked for."`
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
	if !bytes.Equal(first, second) {
		return secret.String{}, c.misuse("the two passwords are not the same")
	}
	return secret.New(string(first)), nil
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

// ask reads a line from the terminal without showing it. The terminal is as before when ask returns, also when it is
// interrupted: a shell that shows nothing any more would be a poor answer to Ctrl-C.
func (c *call) ask(ctx context.Context, terminal *os.File, prompt string) ([]byte, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = term.Restore(fd, before) // nothing can be done where it fails
		fmt.Fprintln(c.stderr)
	}()
	fmt.Fprint(c.stderr, prompt)
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		return l.text, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
