// Command durward is the server and everything that an operator does beside it: migrations, configuration, accounts,
// signing keys, health. It owns the command line: its words, its output for people and for programs, and its exit
// codes. What the commands do is done by internal/app and the flows that it wires; this package asks and tells.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks for a graceful stop, the second one ends the process at once
	os.Exit(run(ctx, os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: args begins with the program's name as it was typed, env has the form of os.Environ. It
// gives the exit code.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &checkedWriter{w: stdout}
	c := &call{args: args, env: env, stdin: stdin, stdout: out, stderr: stderr}
	err := c.dispatch(ctx)
	if err == nil {
		err = out.failure()
	}
	return c.finish(ctx, err)
}
