// Command testcount reads what `go test -json` writes, prints it as `go test` does while it comes, and counts. It is
// the filter behind ./test: it owns the counts and the exit code, and leaves running the tests to the go command.
//
//	go test -json ./... | testcount [-terse] [-tally FILE]
//
// It prints every result line and the whole output of each test that failed or was skipped; -terse leaves out the
// lines of tests that passed. With -tally it appends one line "passed failed skipped" to FILE. It exits with 1 when
// anything failed, when a test or a package began and never ended, and when there was nothing to count.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	terse := flag.Bool("terse", false, "leave out the lines of tests that passed")
	tally := flag.String("tally", "", "append the counts to this `file`")
	flag.Parse()
	os.Exit(run(os.Stdin, os.Stdout, os.Stderr, *terse, *tally))
}

func run(in io.Reader, out, errs io.Writer, terse bool, tally string) int {
	c, err := count(in, out, terse)
	if err == nil && tally != "" {
		err = appendLine(tally, fmt.Sprintf("%d %d %d\n", c.Passed, c.Failed, c.Skipped))
	}
	if err != nil {
		fmt.Fprintln(errs, "testcount:", err)
		return 1
	}
	if c.Failed > 0 {
		return 1
	}
	if c.Packages == 0 {
		fmt.Fprintln(errs, "testcount: expected the output of go test -json, got no package in it")
		return 1
	}
	return 0
}

func appendLine(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
