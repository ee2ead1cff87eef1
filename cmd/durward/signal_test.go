package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// process is a server in a process of its own, which can be sent signals.
type process struct {
	*running
	command *exec.Cmd
}

func startProcess(t *testing.T) *process {
	t.Helper()
	t.Chdir(t.TempDir())
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{running: &running{t: t, out: newScreen(), err: newScreen(), ended: make(chan struct{})}}
	p.command = exec.Command(binary, "serve", "--dev", "--listen=127.0.0.1:0", "--ops-listen=", "--log-format=json")
	p.command.Env = append(os.Environ(), actAsProgram+"=yes")
	p.command.Stdout, p.command.Stderr = p.out, p.err
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // the state tells
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // it has mostly ended
		<-p.ended
	})
	return p
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// state waits for the process to end.
func (p *process) state() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-withTimeout(p.t).Done():
		p.t.Fatalf("it does not end\n%s", p.err)
	}
	return p.command.ProcessState
}

func TestServe_StopsGracefullyOnTheFirstSignal(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := startProcess(t)
			p.listens()
			p.signal(signal)
			if state := p.state(); state.ExitCode() != exitDone {
				t.Errorf("%v\n%s", state, p.err)
			}
			contains(t, p.err.String(), `"msg":"stopped"`)
		})
	}
}

func TestServe_StopsAtOnceOnTheSecondSignal(t *testing.T) {
	p := startProcess(t)
	address := p.listens().Listen
	request, err := net.Dial("tcp", address) // a request that never comes to its end
	if err != nil {
		t.Fatal(err)
	}
	defer request.Close()
	fmt.Fprint(request, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	if _, err := request.Read(make([]byte, 1)); err != nil { // the server has begun with it: it asks for the body
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.awaitsNobody(address)
	p.signalUntilItEnds(syscall.SIGTERM)
	status, ok := p.state().Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, want the second signal to end it\n%s", p.command.ProcessState, p.err)
	}
	lacks(t, p.err.String(), `"msg":"stopped"`)
}

// signalUntilItEnds repeats a signal, as impatient people do: one that comes while the first is still being handled is
// lost.
func (p *process) signalUntilItEnds(s os.Signal) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_ = p.command.Process.Signal(s) // fails once it has ended
		select {
		case <-p.ended:
			return
		case <-tick.C:
		}
	}
}

// awaitsNobody waits until the server takes no more connections, by which it has heard the first signal.
func (p *process) awaitsNobody(address string) {
	p.t.Helper()
	ctx := withTimeout(p.t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		connection.Close()
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatal("the server goes on as if there had been no signal")
		}
	}
}
