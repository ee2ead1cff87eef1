// Package logx sets up structured logging and carries the one wide event of a request: whatever a request passes
// through adds what it knows, and the HTTP kit writes it once at the end. Secrets never get here: they are
// secret.String, which prints a placeholder.
package logx

import (
	"context"
	"io"
	"log/slog"
	"sync"
)

// Format is how log lines look.
type Format string

const (
	// JSON is one object a line, for machines.
	JSON Format = "json"
	// Text is key=value, for people at a terminal.
	Text Format = "text"
)

// New makes a logger that writes to w from level upwards.
func New(w io.Writer, format Format, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == Text {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

type eventKey struct{}

// Event gathers the attributes of one request's log line. It is safe for concurrent use.
type Event struct {
	mu    sync.Mutex
	attrs []slog.Attr
}

// WithEvent gives a context that carries a fresh event, and the event.
func WithEvent(ctx context.Context) (context.Context, *Event) {
	e := &Event{}
	return context.WithValue(ctx, eventKey{}, e), e
}

// Add puts an attribute on the event that ctx carries; without one it does nothing.
func Add(ctx context.Context, attrs ...slog.Attr) {
	e, ok := ctx.Value(eventKey{}).(*Event)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attrs = append(e.attrs, attrs...)
}

// Attrs gives what has been added so far.
func (e *Event) Attrs() []slog.Attr {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]slog.Attr(nil), e.attrs...)
}
