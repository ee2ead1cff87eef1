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

// typist answers each prompt that a program writes, and checks that the terminal does not show the answer.
type typist struct {
	t        *testing.T
	person   *os.File
	terminal *os.File
	answers  []string
	prompts  bytes.Buffer
}

// Write is called with what the program writes to standard error.
func (p *typist) Write(text []byte) (int, error) {
	if bytes.HasSuffix(text, []byte(": ")) && len(p.answers) > 0 {
		if echoes(p.t, p.terminal) {
			p.t.Error("the terminal shows what is typed")
		}
		if _, err := p.person.WriteString(p.answers[0]); err != nil {
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
	code, out, prompts := createAtTerminal(t, goodPassword+"\r", goodPassword+"\r")
	if code != exitDone || !strings.HasPrefix(out, "Account 1 was made") {
		t.Errorf("exit code %d\n%s%s", code, out, prompts)
	}
	contains(t, prompts, "Password: \nOnce more: \n")
	lacks(t, prompts+out, goodPassword)
}

func TestPassword_TypedDifferentlyTheSecondTimeIsRefused(t *testing.T) {
	code, out, prompts := createAtTerminal(t, goodPassword+"\r", goodPassword+"!\r")
	if code != exitMisused || out != "" || exists(".durward") {
		t.Errorf("exit code %d\n%s%s", code, out, prompts)
	}
	contains(t, prompts, "the two passwords are not the same")
}

func TestPassword_CtrlCAtThePromptEndsTheCommand(t *testing.T) {
	code, out, prompts := createAtTerminal(t, "Corr\x03")
	if code != exitFailed || out != "" || exists(".durward") {
		t.Errorf("exit code %d\n%s%s", code, out, prompts)
	}
	contains(t, prompts, "\ndurward: no password was typed\n")
}

// watcher interrupts the program once its terminal shows nothing any more.
type watcher struct {
	prompts   bytes.Buffer
	interrupt func()
}

func (w *watcher) Write(text []byte) (int, error) {
	n, err := w.prompts.Write(text)
	if bytes.Contains(text, []byte("Password: ")) {
		w.interrupt()
	}
	return n, err
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
