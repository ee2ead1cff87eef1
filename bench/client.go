package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// conn is one keep-alive connection that speaks just enough HTTP/1.1 for answers with a Content-Length. It costs the
// load's core a fraction of what net/http's client does, so that the server is what is measured.
type conn struct {
	net.Conn
	buf []byte
}

const maxAnswer = 256 << 10

var (
	errTooLong   = errors.New("an answer of more than 256 KiB")
	errNoLength  = errors.New("an answer without a Content-Length")
	headerEnd    = []byte("\r\n\r\n")
	lengthHeader = []byte("\r\nContent-Length: ")
)

// dial connects to a server on this machine. The deadline bounds everything that is done with the connection.
func dial(ctx context.Context, address string, deadline time.Time) (*conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, buf: make([]byte, 8<<10)}, c.SetDeadline(deadline)
}

// exchange sends a request and reads the answer. The body is good until the next call.
func (c *conn) exchange(request []byte) (status int, body []byte, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	have, want, header := 0, -1, 0
	for want < 0 || have < want {
		if have == len(c.buf) {
			if have >= maxAnswer {
				return 0, nil, errTooLong
			}
			c.buf = append(c.buf, make([]byte, len(c.buf))...)
		}
		n, err := c.Read(c.buf[have:])
		if err != nil {
			return 0, nil, err
		}
		have += n
		if want >= 0 {
			continue
		}
		if end := bytes.Index(c.buf[:have], headerEnd); end >= 0 {
			header = end + len(headerEnd)
			if status, want, err = readHeader(c.buf[:header]); err != nil {
				return 0, nil, err
			}
			want += header
		}
	}
	return status, c.buf[header:want], nil
}

// readHeader gives the status and the length of the body.
func readHeader(header []byte) (status, length int, err error) {
	const prefix = "HTTP/1.1 "
	if len(header) < len(prefix)+3 || string(header[:len(prefix)]) != prefix {
		return 0, 0, fmt.Errorf("an answer that begins %.20q", header)
	}
	if status, err = strconv.Atoi(string(header[len(prefix) : len(prefix)+3])); err != nil {
		return 0, 0, fmt.Errorf("an answer that begins %.20q", header)
	}
	if status == 204 || status == 304 {
		return status, 0, nil
	}
	_, rest, ok := bytes.Cut(header, lengthHeader)
	if !ok {
		return 0, 0, errNoLength
	}
	text, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err = strconv.Atoi(string(text))
	return status, length, err
}

// get is a GET of a path, whole.
func get(buf []byte, path, bearer string) []byte {
	buf = append(buf, "GET "...)
	buf = append(buf, path...)
	buf = append(buf, " HTTP/1.1\r\nHost: localhost\r\n"...)
	if bearer != "" {
		buf = append(buf, "Authorization: Bearer "...)
		buf = append(buf, bearer...)
		buf = append(buf, "\r\n"...)
	}
	return append(buf, "\r\n"...)
}

// post is a POST of a JSON body, whole; of no body where it is empty.
func post(buf []byte, path, bearer, body string) []byte {
	buf = append(buf, "POST "...)
	buf = append(buf, path...)
	buf = append(buf, " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "...)
	buf = strconv.AppendInt(buf, int64(len(body)), 10)
	buf = append(buf, "\r\n"...)
	if body != "" {
		buf = append(buf, "Content-Type: application/json\r\n"...)
	}
	if bearer != "" {
		buf = append(buf, "Authorization: Bearer "...)
		buf = append(buf, bearer...)
		buf = append(buf, "\r\n"...)
	}
	buf = append(buf, "\r\n"...)
	return append(buf, body...)
}

// member gives the text of a member of a JSON object whose value needs no unescaping, as tokens do.
func member(body []byte, name string) string {
	_, rest, ok := bytes.Cut(body, []byte(`"`+name+`":"`))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}
