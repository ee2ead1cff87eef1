package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every waiting for something that should come soon, on a machine that is busy with other things.
const patience = 30 * time.Second

// process is one run of the binary. What it writes goes straight to files, so that nothing is lost however it ends.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	out    string // the file of its standard output
	err    string // the file of its standard error
	ended  chan struct{}
	began  time.Time
	killed atomic.Bool // its end is the test's doing
}

var launched atomic.Int64

// launch starts the binary in a folder with nothing in its environment but what is given. It ends with the test.
func launch(t testing.TB, folder string, env []string, stdin io.Reader, words ...string) *process {
	t.Helper()
	name := fmt.Sprintf("%05d-%s", launched.Add(1), strings.Join(words[:min(2, len(words))], "-"))
	path := filepath.Join(logs, name)
	p := &process{t: t, out: path + ".out", err: path + ".err", ended: make(chan struct{})}
	p.cmd = exec.Command(binary, words...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdin = folder, append([]string{"PATH=" + os.Getenv("PATH")}, env...), stdin
	stdout, stderr := create(t, p.out), create(t, p.err)
	defer stdout.Close()
	defer stderr.Close()
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", binary, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	t.Cleanup(p.cleanUp)
	return p
}

func create(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// cleanUp ends what still runs, gracefully, and shows what a process wrote where its test failed.
func (p *process) cleanUp() {
	if !p.over() {
		p.signal(syscall.SIGTERM)
		if !p.within(patience) {
			p.t.Errorf("pid %d did not stop within %s of SIGTERM", p.cmd.Process.Pid, patience)
			p.kill()
		}
	}
	if p.t.Failed() {
		p.t.Logf("pid %d, %s, %s, last lines:\n%s", p.cmd.Process.Pid, strings.Join(p.cmd.Args[1:], " "),
			p.cmd.ProcessState, lastLines(remarkable(p.stderr()), 15))
	}
}

// remarkable leaves out the lines of requests that were answered as usual.
func remarkable(log string) string {
	var kept strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"level":"INFO","msg":"request"`) && !strings.Contains(line, `"code":"busy"`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// within waits for the end.
func (p *process) within(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}

func (p *process) signal(s os.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !p.over() {
		p.t.Errorf("send %v to pid %d: %v", s, p.cmd.Process.Pid, err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.killed.Store(true)
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// stop asks for a graceful stop and gives the exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

// wait waits for the end and gives the exit code, -1 for an end by a signal.
func (p *process) wait() int {
	p.t.Helper()
	if !p.within(patience) {
		p.t.Fatalf("pid %d (%s) did not end within %s", p.cmd.Process.Pid, strings.Join(p.cmd.Args[1:], " "), patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) stdout() string { return content(p.t, p.out) }
func (p *process) stderr() string { return content(p.t, p.err) }

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// peakMemory is the most memory that the process has had at once, in bytes (VmHWM of proc(5)).
func (p *process) peakMemory() int64 {
	p.t.Helper()
	for line := range bytes.Lines([]byte(content(p.t, fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)))) {
		var kib int64
		if n, _ := fmt.Sscanf(string(line), "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	p.t.Fatal("the system does not tell VmHWM")
	return 0
}

// eventually asks until the answer is yes, and fails the test where that takes too long.
func eventually(t testing.TB, limit time.Duration, what string, ask func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
