package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/durwardhq/durward/bench/floors"
)

// floorProcess is the process that does the bare work, on the server's core.
type floorProcess struct {
	process *process
	address string
}

func startFloors(ctx context.Context, database string, cpu int) (*floorProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "floors", "--database", database, "--cpu", strconv.Itoa(cpu))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p, err := begin(cmd, cpu)
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || ctx.Err() != nil {
		p.end(syscall.SIGTERM)
		return nil, fmt.Errorf("the floors' process ended before it began: %w", err)
	}
	return &floorProcess{process: p, address: strings.TrimSpace(line)}, nil
}

func (f *floorProcess) stop() { f.process.end(syscall.SIGTERM) }

// measure measures one floor with so many clients.
func (f *floorProcess) measure(ctx context.Context, name string, clients int, o options) (measured, error) {
	if path, ok := floors.Paths[name]; ok {
		scripts := make([]script, clients)
		for i := range scripts {
			scripts[i] = always(get(nil, path, ""), 200)
		}
		return measureLoad(ctx, f.process, f.address, scripts, o)
	}
	return f.inside(ctx, name, clients, o)
}

func (f *floorProcess) inside(ctx context.Context, name string, clients int, o options) (measured, error) {
	query := url.Values{"floor": {name}, "clients": {strconv.Itoa(clients)}, "warmup": {o.Warmup.String()},
		"duration": {o.Duration.String()}}
	c, err := dial(ctx, f.address, time.Now().Add(o.Warmup+o.Duration+grace))
	if err != nil {
		return measured{}, err
	}
	defer c.Close()
	status, body, err := c.exchange(post(nil, "/run?"+query.Encode(), "", ""))
	if err != nil {
		return measured{}, err
	}
	if status != 200 {
		return measured{}, fmt.Errorf("floor %s: %s", name, body)
	}
	var s floors.Sample
	if err := json.Unmarshal(body, &s); err != nil {
		return measured{}, err
	}
	return newMeasured(s.Figures, s.CPU, s.Core), nil
}

// always is a client that sends the same request and expects the same status.
func always(request []byte, status int) script {
	return script{
		request: func(buf []byte) ([]byte, bool) { return append(buf, request...), true },
		accept:  func(got int, _ []byte) bool { return got == status },
	}
}
