package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stream makes the lines that `go test -json` writes, from "action package test output".
func stream(events ...string) string {
	var b strings.Builder
	for _, e := range events {
		f := append(strings.SplitN(e, " ", 4), "", "", "")
		line, err := json.Marshal(event{Action: f[0], Package: f[1], Test: f[2], Output: f[3] + "\n"})
		if err != nil {
			panic(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func show(in string, terse bool) (got string, counted counts) {
	var out strings.Builder
	counted, _ = count(strings.NewReader(in), &out, terse)
	return out.String(), counted
}

var mixed = stream(
	"start p",
	"run p TestGood", "output p TestGood === RUN   TestGood", "output p TestGood     a.go:1: chatter",
	"output p TestGood --- PASS: TestGood (0.00s)", "pass p TestGood",
	"run p TestBad", "output p TestBad     a.go:2: broken", "output p TestBad --- FAIL: TestBad (0.00s)", "fail p TestBad",
	"run p TestAway", "output p TestAway     a.go:3: why", "output p TestAway --- SKIP: TestAway (0.00s)", "skip p TestAway",
	"output p  FAIL\tp\t0.1s", "fail p",
)

func TestCount_CountsEachResult(t *testing.T) {
	got, counted := show(mixed, false)
	if want := (counts{Passed: 1, Failed: 1, Skipped: 1, Packages: 1}); counted != want {
		t.Errorf("got %+v, want %+v", counted, want)
	}
	want := "--- PASS: TestGood (0.00s)\n" +
		"    a.go:2: broken\n--- FAIL: TestBad (0.00s)\n" +
		"    a.go:3: why\n--- SKIP: TestAway (0.00s)\nFAIL\tp\t0.1s\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestCount_TerseLeavesOutWhatPassedAlone(t *testing.T) {
	got, counted := show(mixed, true)
	if counted.Passed != 1 || strings.Contains(got, "TestGood") {
		t.Errorf("counted %+v and printed:\n%s", counted, got)
	}
	if !strings.Contains(got, "broken") || !strings.Contains(got, "FAIL\tp") {
		t.Errorf("the failure is missing:\n%s", got)
	}
}

func TestCount_HidesNoFailure(t *testing.T) {
	for name, in := range map[string]string{
		"a package that does not build": `{"ImportPath":"p","Action":"build-output","Output":"undefined: x\n"}` + "\n" +
			stream("start p", "output p  FAIL\tp [build failed]", "fail p"),
		"a panic that ends the process": stream("start p", "run p TestA", "output p TestA panic: boom", "fail p"),
		"a package that fails after its tests passed": stream("start p", "run p TestA", "pass p TestA",
			"output p  exit status 3", "fail p"),
		"a stream that stops inside a test":    stream("start p", "run p TestA", "output p TestA half a line"),
		"a stream that stops between packages": stream("start p"),
	} {
		t.Run(name, func(t *testing.T) {
			got, counted := show(in, true)
			if counted.Failed != 1 {
				t.Errorf("counted %+v, want one failure", counted)
			}
			if !strings.Contains(got, "undefined: x") && !strings.Contains(got, "boom") &&
				!strings.Contains(got, "exit status 3") && !strings.Contains(got, "never ended") {
				t.Errorf("the reason is missing:\n%s", got)
			}
		})
	}
}

func TestCount_PassesOtherLinesThrough(t *testing.T) {
	for _, line := range []string{"warning: no JSON\n", "{\"half\": \n", "{}\n", "no newline at the end"} {
		if got, _ := show(line, false); got != line {
			t.Errorf("got %q, want %q", got, line)
		}
	}
}

func TestCount_ABenchmarkIsNoFailure(t *testing.T) {
	_, counted := show(stream("start p", "run p BenchmarkA", "output p BenchmarkA 100 ns/op", "pass p"), true)
	if counted.Failed != 0 {
		t.Errorf("counted %+v", counted)
	}
}

func TestRun_ExitsByWhatItCounted(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		code int
	}{
		"passed":        {stream("start p", "run p TestA", "pass p TestA", "pass p"), 0},
		"without tests": {stream("start p", "skip p"), 0},
		"failed":        {mixed, 1},
		"nothing":       {"", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs strings.Builder
			if got := run(strings.NewReader(c.in), &out, &errs, false, ""); got != c.code {
				t.Errorf("got %d, want %d; it said %s", got, c.code, &errs)
			}
		})
	}
}

func TestRun_AddsToTheTally(t *testing.T) {
	tally := filepath.Join(t.TempDir(), "tally")
	var out, errs strings.Builder
	for range 2 {
		run(strings.NewReader(mixed), &out, &errs, true, tally)
	}
	got, err := os.ReadFile(tally)
	if err != nil || string(got) != "1 1 1\n1 1 1\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if code := run(strings.NewReader(mixed), &out, &errs, true, t.TempDir()); code != 1 || errs.Len() == 0 {
		t.Errorf("a tally that cannot be written: got %d and %q", code, &errs)
	}
}
