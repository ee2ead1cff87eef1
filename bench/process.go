package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/durwardhq/durward/bench/floors"
)

// process is a child on one core. Its output goes to out.
type process struct {
	cmd  *exec.Cmd
	cpu  int
	gone chan struct{} // closed when it has ended
}

// begin starts a command on a core.
func begin(cmd *exec.Cmd, cpu int) (*process, error) {
	if err := onCPU(cpu, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	p := &process{cmd: cmd, cpu: cpu, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is for whoever waited for more of it
		close(p.gone)
	}()
	return p, nil
}

// end asks the process to stop, waits, and kills it when it does not.
func (p *process) end(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal) // it may have ended by itself
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.gone:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
}

// usage is what a process and its core have done so far.
type usage struct {
	own  time.Duration // user and system time of the process
	core time.Duration // time in which its core was busy, for whomever
}

// usage reads /proc/PID/stat and the core's line of /proc/stat.
func (p *process) usage() (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return usage{}, err
	}
	own, err := floors.ProcessTime(string(stat))
	if err != nil {
		return usage{}, err
	}
	all, err := os.ReadFile("/proc/stat")
	if err != nil {
		return usage{}, err
	}
	core, err := floors.CoreTime(string(all), p.cpu)
	return usage{own, core}, err
}

// memory gives the resident memory in MiB, all of it and the part that is no file, and the most that it has been
// (proc_pid_status(5)).
func (p *process) memory() (m memory, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		to, ok := map[string]*float64{"VmRSS": &m.Resident, "RssAnon": &m.Anonymous, "VmHWM": &m.Peak}[name]
		if !ok {
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			return m, floors.ErrStat
		}
		*to = kib / 1024
	}
	return m, nil
}

// memory is the resident memory of a process in MiB.
type memory struct {
	Resident  float64 `json:"resident_mib"`
	Anonymous float64 `json:"anonymous_mib"`
	Peak      float64 `json:"peak_mib"`
}

// freeAddress gives an address of this machine on which nobody listened a moment ago.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answers waits until a server answers 200 and tells when it did. It asks again as soon as it is refused a connection,
// since the time of a start is what is measured.
func answers(ctx context.Context, p *process, address, path string) (time.Time, error) {
	deadline := time.Now().Add(grace)
	request := get(nil, path, "")
	for {
		if c, err := dial(ctx, address, deadline); err == nil {
			status, _, err := c.exchange(request)
			at := time.Now()
			_ = c.Close() // nothing is owed to it
			if err == nil && status == 200 {
				return at, nil
			}
		}
		select {
		case <-p.gone:
			return time.Time{}, errors.New("it ended before it answered")
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(200 * time.Microsecond):
		}
		if time.Now().After(deadline) {
			return time.Time{}, fmt.Errorf("it does not answer on %s", address)
		}
	}
}

// output runs a command to its end and gives what it printed.
func output(ctx context.Context, as *syscall.SysProcAttr, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.SysProcAttr = dir, as
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, text)
	}
	return string(text), nil
}

// discard is where the server's log goes: it is written, and costs what that costs, but fills no disk.
func discard() (io.WriteCloser, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) }
