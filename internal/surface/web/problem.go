package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/errs"
)

// Problem is the body of every answer that is not a success: RFC 9457 problem details, with a code to branch on.
type Problem struct {
	Type      string          `json:"type" doc:"Where this code is explained." format:"uri-reference"`
	Title     string          `json:"title" doc:"What the code means in a few words; the same at every occurrence."`
	Status    int             `json:"status" doc:"The HTTP status."`
	Detail    string          `json:"detail" doc:"What happened this time, in words that may be shown."`
	Code      string          `json:"code" doc:"A stable word for programs."`
	Errors    []FieldProblem  `json:"errors,omitempty" doc:"One entry for each field that is wrong."`
	RequestID ident.RequestID `json:"request_id" doc:"Names this request in the server's log."`
}

// FieldProblem says what is wrong with one field of a request. It never holds the value that was sent.
type FieldProblem struct {
	Field   string   `json:"field" doc:"The field as the request names it; nested ones with dots and brackets."`
	Rules   []string `json:"rules" doc:"A stable word for each rule that the field breaks."`
	Message string   `json:"message" doc:"The same in words for people."`
}

// statusOf is the one table from kinds of errors to HTTP statuses.
var statusOf = map[errs.Kind]int{
	errs.Internal:        http.StatusInternalServerError,
	errs.Invalid:         http.StatusUnprocessableEntity,
	errs.Unauthenticated: http.StatusUnauthorized,
	errs.Forbidden:       http.StatusForbidden,
	errs.NotFound:        http.StatusNotFound,
	errs.Conflict:        http.StatusConflict,
	errs.TooMany:         http.StatusTooManyRequests,
	errs.Unavailable:     http.StatusServiceUnavailable,
}

// refusal is an error of the kit's own, whose status no kind stands for.
type refusal struct {
	status int
	code   string
	detail string
	fields []errs.Field
	allow  string // 405: what the path takes
	closes bool   // the connection cannot be used any more
	cause  error
}

func (e *refusal) Error() string {
	if e.cause != nil {
		return e.code + ": " + e.cause.Error()
	}
	return e.code
}

func (e *refusal) Unwrap() error { return e.cause }

const (
	internalDetail = "Something went wrong on our side. If it stays, tell the administrator the request id."
	timeoutDetail  = "The server could not finish this in time. Try again."
	// defaultRetry is told to callers when an error says that trying again may help, but not when.
	defaultRetry = time.Second
)

// verdict is what an error means on the wire.
type verdict struct {
	refusal
	retry time.Duration
}

// judge turns any error into what may be shown of it. What it does not know is an internal error.
func judge(err error) verdict {
	var own *refusal
	if errors.As(err, &own) {
		return verdict{refusal: *own}
	}
	e := errs.As(err)
	if e == nil || e.Kind == errs.Internal {
		if errors.Is(err, context.DeadlineExceeded) {
			return verdict{retry: defaultRetry, refusal: refusal{status: http.StatusServiceUnavailable,
				code: CodeTimeout, detail: timeoutDetail, cause: err}}
		}
		return verdict{refusal: refusal{status: http.StatusInternalServerError,
			code: CodeInternal, detail: internalDetail, cause: err}}
	}
	v := verdict{retry: e.RetryAfter, refusal: refusal{
		status: statusOf[e.Kind], code: e.Code, detail: e.Message, fields: e.Fields, cause: errors.Unwrap(e)}}
	if (e.Kind == errs.Unavailable || e.Kind == errs.TooMany) && v.retry <= 0 {
		v.retry = defaultRetry
	}
	if v.status >= http.StatusInternalServerError && v.cause == nil {
		v.cause = err
	}
	return v
}

// problem builds the body. Title and type come from the catalogue.
func (h *handler) problem(v *verdict, id ident.RequestID) *Problem {
	title := http.StatusText(v.status)
	if c, ok := LookupCode(v.code); ok {
		title = c.Title
	}
	p := &Problem{Type: h.kit.DocsURL + "#error-" + v.code, Title: title, Status: v.status, Detail: v.detail,
		Code: v.code, RequestID: id}
	for _, f := range v.fields {
		p.Errors = append(p.Errors, FieldProblem{Field: f.Field, Rules: f.Rules, Message: f.Message})
	}
	return p
}

// fail answers with a problem, or with nothing when the client has gone or has begun to get another answer.
func (x *exchange) fail(err error) {
	v := judge(err)
	x.code, x.cause = v.code, v.cause
	if errors.Is(err, context.Canceled) && errors.Is(x.request.Context().Err(), context.Canceled) {
		x.code, x.writer.status = "client_gone", statusClientGone
		return
	}
	if x.writer.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: the client must see that it is not whole
	}
	header := x.writer.Header()
	header.Del("ETag")
	header["Cache-Control"], header["Content-Security-Policy"] = noStore, closedCSP
	if v.retry > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(v.retry.Seconds()))))
	}
	if v.allow != "" {
		header.Set("Allow", v.allow)
	}
	if v.closes {
		header.Set("Connection", "close")
	}
	if v.status == http.StatusUnauthorized && x.auth != None {
		header.Set("WWW-Authenticate", x.challenge(&v))
	}
	if err := x.write(v.status, problemJSON, x.handler.problem(&v, x.request.ID)); err != nil {
		x.cause = errors.Join(x.cause, err)
	}
}

// challenge is the WWW-Authenticate header of RFC 6750 §3: error and description only when a token was sent.
func (x *exchange) challenge(v *verdict) string {
	if _, err := BearerToken(&x.request); errors.Is(err, ErrNoToken) {
		return `Bearer realm="durward"`
	}
	return `Bearer error="invalid_token", error_description="` + descriptionText(v.detail) + `"`
}

// descriptionText keeps what RFC 6750 §3 allows in error_description: printable ASCII without '"' and '\'.
func descriptionText(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, s)
}
