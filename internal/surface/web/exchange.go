package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/durwardhq/durward/internal/platform/logx"
)

// statusClientGone stands in logs and metrics for requests whose client went away before the answer.
const statusClientGone = 499

// Header values that every answer shares. They are never changed in place.
var (
	nosniff     = []string{"nosniff"}
	noReferrer  = []string{"no-referrer"}
	closedCSP   = []string{"default-src 'none'; frame-ancestors 'none'"}
	noStore     = []string{"no-store"}
	plainJSON   = []string{"application/json"}
	problemJSON = []string{"application/problem+json"}
)

// exchange is one request and its answer on their way through the kit.
type exchange struct {
	handler *handler
	request Request
	writer  writer
	began   time.Time
	route   string // the pattern that matched, for logs and metrics
	auth    Auth
	op      *Operation
	event   *logx.Event
	code    string // the error code of the answer
	cause   error  // for the log alone
}

// writer notes status and size of what goes out, and sends no body in answer to HEAD.
type writer struct {
	http.ResponseWriter
	x      *exchange
	status int
	bytes  int64
	head   bool
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if status >= http.StatusOK && w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.head {
		return len(p), nil
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// answerOptions write times as RFC 3339 in UTC, always with six digits of fraction.
var answerOptions = json.JoinOptions(
	json.Deterministic(true),
	json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, t time.Time) error {
		return enc.WriteToken(jsontext.String(t.UTC().Format("2006-01-02T15:04:05.000000Z07:00")))
	})),
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// giveBack returns a buffer to the pool, wiped: bodies hold passwords and tokens.
func giveBack(b *bytes.Buffer) {
	if b.Cap() > 2*maxBody {
		return
	}
	clear(b.Bytes()[:cap(b.Bytes())])
	b.Reset()
	buffers.Put(b)
}

// answer sends what a handler returned.
func answer[Out any](x *exchange, out Out, err error) error {
	if err != nil {
		return err
	}
	x.policies()
	if reflect.TypeFor[Out]() == reflect.TypeFor[NoContent]() {
		x.writer.WriteHeader(x.op.Success)
		return nil
	}
	return x.write(x.op.Success, plainJSON, &out)
}

// write sends a value as JSON. It fails before anything is sent, or not at all: a client that went away is no failure.
func (x *exchange) write(status int, mediaType []string, value any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer giveBack(buf)
	if err := json.MarshalWrite(buf, value, answerOptions); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	buf.WriteByte('\n')
	header := x.writer.Header()
	header["Content-Type"] = mediaType
	header["Content-Length"] = []string{strconv.Itoa(buf.Len())}
	x.writer.WriteHeader(status)
	if _, err := x.writer.Write(buf.Bytes()); err != nil {
		x.cause = errors.Join(x.cause, err)
	}
	return nil
}

// serve runs an endpoint within its time budget.
func (x *exchange) serve(e *Endpoint) {
	ctx, cancel := context.WithTimeout(x.request.Context(), x.budget(e))
	defer cancel()
	ctx, x.event = logx.WithEvent(ctx)
	x.request.Request = x.request.WithContext(ctx)
	if err := e.serve(x); err != nil {
		x.fail(err)
	}
}

func (x *exchange) budget(e *Endpoint) time.Duration {
	if e.op.Budget > 0 {
		return e.op.Budget
	}
	return x.handler.kit.Budget
}

// finish is deferred around everything: panics become problems, then metrics and the one log event are written.
func (x *exchange) finish() {
	stack := ""
	aborted := false
	if p := recover(); p != nil {
		aborted = p == http.ErrAbortHandler //nolint:errorlint // net/http compares it in the same way
		if !aborted {
			stack = string(debug.Stack())
			aborted = x.failAfterPanic(p)
		}
	}
	x.record(stack)
	if aborted {
		panic(http.ErrAbortHandler)
	}
}

// failAfterPanic answers 500, or tells that the connection has to be cut because an answer has begun.
func (x *exchange) failAfterPanic(p any) (cut bool) {
	err := fmt.Errorf("panic: %v", p)
	if x.writer.status != 0 {
		x.code, x.cause = CodeInternal, err
		return true
	}
	x.fail(err)
	return false
}

// record writes metrics and log.
func (x *exchange) record(stack string) {
	status := x.writer.status
	if status == 0 {
		status = http.StatusOK
	}
	took := max(0, x.handler.kit.Clock.Now().Sub(x.began))
	method := knownMethod(x.request.Method)
	x.handler.kit.Metrics.observe(method, x.route, status, took)
	level := x.level(status, stack)
	ctx := x.request.Context()
	if !x.handler.kit.Logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 20)
	attrs = append(attrs, slog.String("method", method), slog.String("route", x.route), slog.Int("status", status),
		slog.Int64("bytes", x.writer.bytes), slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("request_id", string(x.request.ID)))
	if x.request.Address.IsValid() {
		attrs = append(attrs, slog.String("address", x.request.Address.String()))
	}
	if x.request.Device != "" {
		attrs = append(attrs, slog.String("device", x.request.Device))
	}
	if x.code != "" {
		attrs = append(attrs, slog.String("code", x.code))
	}
	if x.cause != nil {
		attrs = append(attrs, slog.String("cause", x.cause.Error()))
	}
	if stack != "" {
		attrs = append(attrs, slog.String("stack", stack))
	}
	if x.event != nil {
		attrs = append(attrs, x.event.Attrs()...)
	}
	x.handler.kit.Logger.LogAttrs(ctx, level, "request", attrs...)
}

func (x *exchange) level(status int, stack string) slog.Level {
	switch {
	case stack != "" || status == http.StatusInternalServerError:
		return slog.LevelError
	case status > http.StatusInternalServerError:
		return slog.LevelWarn
	case x.op != nil && x.op.Quiet && status < http.StatusBadRequest:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
