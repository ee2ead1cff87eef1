package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of `go test -json` (see `go doc test2json`, and `go help buildjson` for ImportPath).
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
}

// counts are what a run came to. A failed package without a failed test in it (it does not build, TestMain failed, the
// process died) is one failure.
type counts struct {
	Passed, Failed, Skipped, Packages int
}

// running is a package whose end has not come yet.
type running struct {
	output map[string][]string // what each unfinished test has printed
	failed bool                // a test of it failed
}

// counter turns events into lines and counts.
type counter struct {
	counts
	out   io.Writer
	terse bool
	open  map[string]*running
}

// count reads events until in ends. Lines that are no events are passed through.
func count(in io.Reader, out io.Writer, terse bool) (counts, error) {
	c := counter{out: out, terse: terse, open: map[string]*running{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		c.line(line)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.counts, fmt.Errorf("read the test output: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.open)) {
		c.print("FAIL\t" + name + " [it never ended]\n")
		c.endPackage(name, true)
	}
	return c.counts, nil
}

func (c *counter) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		c.print(line)
		return
	}
	switch {
	case e.ImportPath != "": // the go command's own: what the compiler says
		c.print(e.Output)
	case e.Test != "":
		c.test(e)
	default:
		c.pkg(e)
	}
}

func (c *counter) pkg(e event) {
	switch e.Action {
	case "start":
		c.of(e.Package)
	case "output":
		if e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "=== ") {
			c.print(e.Output)
		}
	case "pass", "skip": // a package is skipped when it has no test
		c.endPackage(e.Package, false)
	case "fail":
		c.endPackage(e.Package, true)
	}
}

func (c *counter) test(e event) {
	p := c.of(e.Package)
	switch e.Action {
	case "run":
		p.output[e.Test] = nil
	case "output":
		p.output[e.Test] = append(p.output[e.Test], e.Output)
	case "pass":
		c.Passed++
		c.endTest(p, e.Test, !c.terse, isResult)
	case "skip":
		c.Skipped++
		c.endTest(p, e.Test, true, isNews)
	case "fail":
		c.Failed++
		p.failed = true
		c.endTest(p, e.Test, true, isNews)
	}
}

// endTest prints the wanted lines of a test that has ended, and forgets it.
func (c *counter) endTest(p *running, test string, show bool, wanted func(string) bool) {
	for _, line := range p.output[test] {
		if show && wanted(line) {
			c.print(line)
		}
	}
	delete(p.output, test)
}

// endPackage counts what never ended in it. Benchmarks print without ever passing; in a package that passed they are
// no failure.
func (c *counter) endPackage(name string, failed bool) {
	p := c.of(name)
	for _, test := range slices.Sorted(maps.Keys(p.output)) {
		c.endTest(p, test, true, isNews)
		if failed {
			c.Failed++
			p.failed = true
			c.print("--- FAIL: " + test + " [it never ended]\n")
		}
	}
	if failed && !p.failed {
		c.Failed++
	}
	c.Packages++
	delete(c.open, name)
}

func (c *counter) of(name string) *running {
	p := c.open[name]
	if p == nil {
		p = &running{output: map[string][]string{}}
		c.open[name] = p
	}
	return p
}

func (c *counter) print(text string) { io.WriteString(c.out, text) }

// isNews tells what a test printed from the go command's notes on its course.
func isNews(line string) bool { return !strings.HasPrefix(line, "=== ") }

// isResult tells the lines that say how a test ended, and how far a fuzz target came.
func isResult(line string) bool {
	line = strings.TrimLeft(line, " ")
	return strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "fuzz: elapsed: ")
}
