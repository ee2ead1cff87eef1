package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal gives the two ends of a terminal: what a person types on and sees, and what a program has as its input.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// echoes tells whether the terminal shows what is typed.
func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	settings, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return settings.Lflag&unix.ECHO != 0
}

// typist answers each prompt that a program writes, and notes whether the terminal would have shown the answer.
type typist struct {
	t        *testing.T
	person   *os.File
	terminal *os.File
	answers  []string
	prompts  bytes.Buffer
}

// Write is called with what the program writes to standard error. The terminal turns its echo off right after the
// prompt; what is typed before that is dropped by no terminal, so that the order does no harm.
func (p *typist) Write(text []byte) (int, error) {
	if bytes.HasSuffix(text, []byte(": ")) && len(p.answers) > 0 {
		if _, err := p.person.WriteString(p.answers[0] + "\n"); err != nil {
			p.t.Error(err)
		}
		p.answers = p.answers[1:]
	}
	return p.prompts.Write(text)
}

func createAtTerminal(t *testing.T, answers ...string) (code int, out, prompts string) {
	t.Helper()
	newShell(t)
	person, terminal := openTerminal(t)
	p := &typist{t: t, person: person, terminal: terminal, answers: answers}
	var stdout bytes.Buffer
	words := []string{"durward", "user", "create", "--dev", "--username=alice", "--email=alice@example.com"}
	code = run(withTimeout(t), words, nil, terminal, &stdout, p)
	if !echoes(t, terminal) {
		t.Error("the terminal is left without its echo")
	}
	return code, stdout.String(), p.prompts.String()
}

func TestPassword_AtATerminalIsAskedForTwice(t *testing.T) {
	code, out, prompts := createAtTerminal(t, goodPassword, goodPassword)
	if code != exitDone || !strings.HasPrefix(out, "Account 1 was made") {
		t.Errorf("exit code %d\n%s%s", code, out, prompts)
	}
	contains(t, prompts, "Password: \nOnce more: \n")
	lacks(t, prompts+out, goodPassword)
}

func TestPassword_TypedDifferentlyTheSecondTimeIsRefused(t *testing.T) {
	code, out, prompts := createAtTerminal(t, goodPassword, goodPassword+"!")
	if code != exitMisused || out != "" || exists(".durward") {
		t.Errorf("exit code %d\n%s%s", code, out, prompts)
	}
	contains(t, prompts, "the two passwords are not the same")
}

// watcher interrupts the program once its terminal shows nothing any more.
type watcher struct {
	prompts   bytes.Buffer
	interrupt func()
}

func (w *watcher) Write(text []byte) (int, error) {
	if bytes.Contains(text, []byte("Password: ")) {
		w.interrupt()
	}
	return w.prompts.Write(text)
}

func TestPassword_InterruptedLeavesTheTerminalAsItWas(t *testing.T) {
	newShell(t)
	_, terminal := openTerminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &watcher{interrupt: cancel}
	var stdout bytes.Buffer
	code := run(ctx, []string{"durward", "user", "set-password", "--dev", "alice"}, nil, terminal, &stdout, w)
	if code != exitFailed || !strings.HasSuffix(w.prompts.String(), "\ndurward: interrupted\n") {
		t.Errorf("exit code %d, %q", code, w.prompts.String())
	}
	if !echoes(t, terminal) {
		t.Error("the terminal is left without its echo")
	}
}
