package snippets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every waiting for something that should come soon, on a machine that is busy with other things and
// may have to download and compile first.
const patience = 3 * time.Minute

// place is where commands are run.
type place struct {
	folder string
	env    []string
}

// interrupted ends when somebody stops the tests by a signal.
var interrupted context.Context

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	interrupted = ctx
	code := m.Run()
	stop()
	os.Exit(code)
}

// command makes a command in a process group of its own, to which a signal to the tests does not come: it is killed
// when they are interrupted, and with the test.
func (p place) command(t *testing.T, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	context.AfterFunc(interrupted, cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = p.folder, p.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// transcript keeps what a process writes, and tells of each change.
type transcript struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed and replaced at each write
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

func (w *transcript) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(b)
}

func (w *transcript) read() (string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String(), w.changed
}

func (w *transcript) String() string {
	text, _ := w.read()
	return text
}

// terminal is a shell that keeps its variables, functions and folder from one block to the next, as a reader's does. It
// ends at the first command that fails.
type terminal struct {
	stdin    io.Writer
	stdout   *bufio.Reader
	stderr   *transcript
	deadline *time.Timer
}

// endOfBlock cannot come out of a command by chance.
const endOfBlock = "end-of-block-5d1f0c"

func openTerminal(t *testing.T, p place) *terminal {
	t.Helper()
	cmd := p.command(t, "sh", "-e")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{stdin: stdin, stdout: bufio.NewReader(stdout), stderr: newTranscript()}
	cmd.Stderr = term.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	term.deadline = time.AfterFunc(patience, func() { _ = cmd.Cancel() }) // an error says that it has ended already
	t.Cleanup(func() {
		term.deadline.Stop()
		_ = stdin.Close()
		_ = cmd.Wait() // a failed command has been reported by run
	})
	return term
}

// run runs a block and gives what it prints. The block has no input, so that it cannot swallow the next one.
func (s *terminal) run(script string) (string, error) {
	s.deadline.Reset(patience)
	if _, err := fmt.Fprintf(s.stdin, "{\n%s\n} </dev/null\necho; echo %s\n", script, endOfBlock); err != nil {
		return "", err
	}
	var out strings.Builder
	for {
		line, err := s.stdout.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("it failed (%w) after printing:\n%s%s%s", err, out.String(), line, s.stderr)
		}
		if strings.TrimSpace(line) == endOfBlock {
			return out.String(), nil
		}
		out.WriteString(line)
	}
}

// ask runs a command that has one line for an answer.
func (s *terminal) ask(t *testing.T, command string) string {
	t.Helper()
	out, err := s.run(command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.TrimSpace(out)
}

// server is a command that runs until Ctrl-C.
type server struct {
	cmd            *exec.Cmd
	stdout, stderr *transcript
	ended          chan struct{}
}

func startServer(t *testing.T, p place, script string) *server {
	t.Helper()
	s := &server{stdout: newTranscript(), stderr: newTranscript(), ended: make(chan struct{})}
	s.cmd = p.command(t, "sh", "-ec", script)
	s.cmd.Stdout, s.cmd.Stderr = s.stdout, s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // returns when nobody holds its output any more; the log says whether it stopped well
		close(s.ended)
	}()
	return s
}

// prints waits until the output is as the page has it.
func (s *server) prints(answer *block) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		out, changed := s.stdout.read()
		err := compare(answer, out)
		if err == nil {
			return nil
		}
		select {
		case <-changed:
		case <-s.ended:
			return fmt.Errorf("it ended: %w\n%s", err, s.stderr)
		case <-deadline.C:
			return fmt.Errorf("after %s: %w\n%s", patience, err, s.stderr)
		}
	}
}

// interrupt is Ctrl-C, which reaches every process of the command.
func (s *server) interrupt() error {
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT); err != nil {
		return err
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	select {
	case <-s.ended:
	case <-deadline.C:
		return errors.Join(fmt.Errorf("it still runs %s after Ctrl-C", patience), s.cmd.Cancel())
	}
	if !strings.Contains(s.stderr.String(), "msg=stopped") {
		return fmt.Errorf("it did not stop as it should:\n%s", s.stderr)
	}
	return nil
}
