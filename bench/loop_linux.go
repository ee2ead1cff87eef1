package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/durwardhq/durward/bench/floors"
)

// loop drives all clients of a closed loop from one goroutine by epoll. A goroutine for each, through net and its
// poller, costs so much that the load would be the limit and not the server; and a server whose load is the limit is
// spared the cost of waking it up, which makes the quick answers of a floor look cheaper than they are.
type loop struct {
	epoll   int
	clients []*client
	phase   phase
	resting []*client // those whose next request waits for a while
}

// client is one connection and what it waits for.
type client struct {
	script script
	tally  tally
	fd     int
	idle   bool // it waits for no answer and sends nothing more
	out    []byte
	in     []byte
	have   int
	begun  time.Time // when the request was sent; while it rests, when the next is due
}

// closedLoop runs clients that each wait for an answer before the next request, against a server on this machine. around
// is called when the measuring begins and when it ends.
func closedLoop(
	ctx context.Context, address string, scripts []script, warmup, duration time.Duration, around func(begin bool),
) (floors.Figures, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return floors.Figures{}, fmt.Errorf("epoll: %w", err)
	}
	l := &loop{epoll: epoll, clients: make([]*client, len(scripts))}
	defer l.close()
	for i, s := range scripts {
		l.clients[i] = &client{script: s, fd: -1, in: make([]byte, 8<<10)}
	}
	begun := time.Now()
	err = l.connect(address)
	for _, change := range []struct {
		at    time.Time
		phase phase
	}{{begun.Add(warmup), measuring}, {begun.Add(warmup + duration), stopping}} {
		if err == nil {
			err = l.run(ctx, change.at)
		}
		around(change.phase == measuring)
		l.phase = change.phase
		if change.phase == measuring {
			begun = time.Now()
		}
	}
	seconds := time.Since(begun).Seconds()
	if err == nil { // whoever still waits hears the answer: it may hold the token for the next request
		err = l.run(ctx, time.Now().Add(grace))
	}
	if err != nil {
		return floors.Figures{}, err
	}
	return l.sumUp(seconds), ctx.Err()
}

// connect opens the connections and sends the first requests.
func (l *loop) connect(address string) error {
	where, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	for i, c := range l.clients {
		c.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		if err := unix.Connect(c.fd, &unix.SockaddrInet4{Port: int(where.Port()), Addr: where.Addr().As4()}); err != nil {
			return fmt.Errorf("connect to %s: %w", address, err)
		}
		if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return fmt.Errorf("TCP_NODELAY: %w", err)
		}
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
		if err := c.send(); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) close() {
	for _, c := range l.clients {
		if c.fd >= 0 {
			_ = unix.Close(c.fd) // nothing is owed to it
		}
	}
	_ = unix.Close(l.epoll)
}

// longestWait is how long the loop waits before it looks whether it should end.
const longestWait = 50 * time.Millisecond

// run drives the clients until a time, or until none waits for anything any more.
func (l *loop) run(ctx context.Context, until time.Time) error {
	events := make([]unix.EpollEvent, len(l.clients))
	for ctx.Err() == nil {
		now := time.Now()
		if !now.Before(until) || l.idle() {
			break
		}
		if err := l.wake(now); err != nil {
			return err
		}
		n, err := unix.EpollWait(l.epoll, events, int(min(longestWait, until.Sub(now)).Milliseconds())+1)
		if err != nil && err != unix.EINTR { //nolint:errorlint // it is an errno
			return fmt.Errorf("epoll: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if err := l.take(l.clients[e.Fd]); err != nil {
				return err
			}
		}
	}
	return nil
}

// idle tells whether no client waits for an answer, nor will.
func (l *loop) idle() bool {
	return !slices.ContainsFunc(l.clients, func(c *client) bool { return !c.idle })
}

// wake sends the requests of those who have rested.
func (l *loop) wake(now time.Time) error {
	for len(l.resting) > 0 && (l.phase == stopping || !l.resting[0].begun.After(now)) {
		c := l.resting[0]
		l.resting = l.resting[1:]
		if l.phase == stopping {
			c.idle = true
		} else if err := c.send(); err != nil {
			return err
		}
	}
	return nil
}

// rest is what Retry-After asks of a client that was refused: the least value that the server sends.
const rest = time.Second

// take reads what has come for a client and, when its answer is whole, sends its next request.
func (l *loop) take(c *client) error {
	status, body, err := c.read()
	if err != nil || body == nil {
		return err
	}
	now := time.Now()
	good := c.script.accept(status, body)
	if l.phase == measuring {
		c.tally.count(status, good, now.Sub(c.begun))
	}
	switch {
	case l.phase == stopping:
		c.idle = true
	case status == http.StatusServiceUnavailable:
		c.begun = now.Add(rest)
		l.resting = append(l.resting, c)
	default:
		return c.send()
	}
	return nil
}

// send writes the next request, which always fits into the socket's empty buffer.
func (c *client) send() error {
	var more bool
	if c.out, more = c.script.request(c.out[:0]); !more {
		c.tally.ended, c.idle = true, true
		return nil
	}
	c.have = 0
	c.begun = time.Now()
	n, err := unix.Write(c.fd, c.out)
	if err == nil && n < len(c.out) {
		err = unix.EMSGSIZE
	}
	if err != nil {
		return fmt.Errorf("send %.40q: %w", c.out, err)
	}
	return nil
}

// read reads once. The body is nil until the answer is whole.
func (c *client) read() (status int, body []byte, err error) {
	if c.have == len(c.in) {
		if c.have >= maxAnswer {
			return 0, nil, errTooLong
		}
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	n, err := unix.Read(c.fd, c.in[c.have:])
	if err == nil && n == 0 {
		err = net.ErrClosed
	}
	if err != nil {
		return 0, nil, fmt.Errorf("the answer to %.40q: %w", c.out, err)
	}
	c.have += n
	end := bytes.Index(c.in[:c.have], headerEnd)
	if end < 0 {
		return 0, nil, nil
	}
	end += len(headerEnd)
	status, length, err := readHeader(c.in[:end])
	if err != nil || c.have < end+length {
		return 0, nil, err
	}
	return status, c.in[end : end+length : end+length], nil
}

func (l *loop) sumUp(seconds float64) floors.Figures {
	tallies := make([]tally, len(l.clients))
	for i, c := range l.clients {
		tallies[i] = c.tally
	}
	return sum(tallies, seconds)
}
