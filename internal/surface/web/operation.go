package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/durwardhq/durward/internal/platform/errs"
)

// Auth says how an operation knows its caller. The kit does not check tokens; it shapes the 401 answers and the
// document.
type Auth uint8

const (
	// None is an operation that anybody may call.
	None Auth = iota
	// Bearer is an operation that needs an access token (RFC 6750 §2.1).
	Bearer
	// BearerOptional is an operation that takes an access token or another proof in its body.
	BearerOptional
)

// Operation describes one operation: what the document says about it and what the kit needs to know to serve it. The
// refusals that the kit itself gives (400, 408, 413, 415, 422 for bodies; 401 where Auth is Bearer; 500; 503) need
// not be listed.
type Operation struct {
	OperationID string // lower camel case, unique in the document: "registerUser"
	Tag         string // the heading that it stands under in the reference
	Summary     string // one line without a full stop
	Description string // sentences; Markdown in the document, paragraphs on the page
	Auth        Auth
	Success     int         // the status of success; 0 is 200, or 204 for NoContent
	Refusals    []Refusal   // what the operation refuses beside the kit's own refusals
	Parameters  []Parameter // of the path and the query

	OptionalBody bool // JSON: no body at all is the zero In

	// CacheControl replaces "no-store" on success.
	CacheControl string
	// ContentSecurityPolicy replaces the closed policy on success: for pages.
	ContentSecurityPolicy string
	// Produces is the media type that a Raw or Bytes endpoint answers with; empty is none.
	Produces string
	// Headers describes response headers of success beside the kit's own, by name.
	Headers map[string]string
	// Answer is a value of the type that a Raw endpoint answers with, for its schema in the document; nil is any.
	Answer any
	// Quiet logs successes at debug level: probes and scrapes, which come every few seconds.
	Quiet bool
	// Unlisted keeps the operation out of the document: style sheets.
	Unlisted bool
	// Budget replaces the kit's time budget for the handler.
	Budget time.Duration
}

// Refusal is one way in which an operation says no. Code is in the catalogue, When completes "refused when …".
type Refusal struct {
	Status int
	Code   string
	When   string
}

// Parameter documents a parameter of the path or the query. Path parameters are {name} in the route's path; a handler
// reads them with r.PathValue.
type Parameter struct {
	Name        string
	In          string // "path" or "query"
	Description string
	Required    bool // always so for "path"
	Example     string
}

// NoContent as the answer of an operation means 204 without a body.
type NoContent struct{}

// Endpoint is an operation with the function that serves it. JSON, Query and Raw make one.
type Endpoint struct {
	op      Operation
	in, out reflect.Type // nil where there is none
	serve   func(x *exchange) error

	conditional bool // answers 304
}

// Route is one line of the URL table.
type Route struct {
	Method   string
	Path     string // as for http.ServeMux, without method and host; never ends with a slash, but "/" itself
	Endpoint Endpoint
}

// Operation gives the description that the endpoint was made with, with Success filled in.
func (e Endpoint) Operation() Operation { return e.op }

// Input gives the type of the JSON body, or nil when the endpoint takes none.
func (e Endpoint) Input() reflect.Type { return e.in }

// Output gives the type of the JSON answer, or nil when there is none.
func (e Endpoint) Output() reflect.Type { return e.out }

// Conditional tells whether the endpoint has an ETag and may answer 304.
func (e Endpoint) Conditional() bool { return e.conditional }

// Refusals gives every refusal of the operation, its own first and then those that the kit gives for it.
func (e Endpoint) Refusals() []Refusal {
	all := slices.Clone(e.op.Refusals)
	for _, own := range e.kitRefusals() {
		if !slices.ContainsFunc(all, func(r Refusal) bool { return r.Code == own.Code }) {
			all = append(all, own)
		}
	}
	return all
}

func (e Endpoint) kitRefusals() []Refusal {
	var all []Refusal
	if e.in != nil {
		all = append(all, bodyRefusals...)
	}
	if e.op.Auth == Bearer {
		all = append(all, Refusal{http.StatusUnauthorized, CodeTokenMissing, "there is no access token"})
	}
	if e.op.Auth != None {
		all = append(all, Refusal{http.StatusUnauthorized, CodeInvalidToken,
			"the access token is malformed, expired or not meant for this API, or its session has ended"})
	}
	return append(all, anyRefusals...)
}

var bodyRefusals = []Refusal{
	{http.StatusBadRequest, CodeMalformedJSON, "the body is empty or is not one unambiguous JSON object"},
	{http.StatusRequestTimeout, CodeRequestTimeout, "the body does not arrive in time"},
	{http.StatusRequestEntityTooLarge, CodeBodyTooLarge, "the body is larger than 64 KiB"},
	{http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, "the body is not declared as JSON, or is compressed"},
	{http.StatusUnprocessableEntity, CodeValidationFailed, "fields are missing, unknown, of a wrong type or break rules"},
}

var anyRefusals = []Refusal{
	{http.StatusInternalServerError, CodeInternal, "something went wrong on the server's side"},
	{http.StatusServiceUnavailable, CodeTimeout, "the server could not finish in time"},
	{http.StatusServiceUnavailable, CodeUnavailable, "something that the server needs does not answer"},
}

// JSON makes an endpoint that decodes its body into In, strictly, and answers with Out as JSON.
// A field of In is required unless it is a pointer, says omitempty or omitzero, or has the tag `required:"false"`.
func JSON[In, Out any](op Operation, handle func(r *Request, in In) (Out, error)) Endpoint {
	return JSONChecked(op, nil, handle)
}

// JSONChecked is JSON with a check of the decoded fields. It runs even when decoding found problems, so that one
// answer lists the problems of all fields; what decoding said about a field stands. check must neither block nor
// change anything.
func JSONChecked[In, Out any](
	op Operation, check func(r *Request, in In) []errs.Field, handle func(r *Request, in In) (Out, error),
) Endpoint {
	e := newEndpoint[Out](op)
	e.in = reflect.TypeFor[In]()
	plan := planFor(e.in)
	e.serve = func(x *exchange) error {
		var in In
		problems, err := x.decode(plan, reflect.ValueOf(&in).Elem())
		if err != nil {
			return err
		}
		if check != nil {
			problems.merge(check(&x.request, in))
		}
		if err := problems.refusal(); err != nil {
			return err
		}
		out, err := handle(&x.request, in)
		return answer(x, out, err)
	}
	return e
}

// Query makes an endpoint without a request body: a body that is sent is ignored.
func Query[Out any](op Operation, handle func(r *Request) (Out, error)) Endpoint {
	e := newEndpoint[Out](op)
	e.serve = func(x *exchange) error {
		out, err := handle(&x.request)
		return answer(x, out, err)
	}
	return e
}

// Raw makes an endpoint that writes its answer itself, within the kit's headers, log and metrics. An error returned
// before anything is written becomes a problem.
func Raw(op Operation, handle func(w http.ResponseWriter, r *Request) error) Endpoint {
	e := newEndpoint[any](op)
	e.out = nil
	if op.Answer != nil {
		e.out = reflect.TypeOf(op.Answer)
	}
	e.serve = func(x *exchange) error {
		x.policies()
		if op.Produces != "" {
			x.writer.Header().Set("Content-Type", op.Produces)
		}
		return handle(&x.writer, &x.request)
	}
	return e
}

// Content is an answer that is there already.
type Content struct {
	Body      []byte
	ETag      string // the strong entity tag that names this version, quotes included
	MediaType string // empty is the operation's Produces
}

// Bytes makes an endpoint that answers with prebuilt bytes, or with 304 to who has them already (RFC 9110 §13.1.2).
func Bytes(op Operation, load func(r *Request) (Content, error)) Endpoint {
	e := Raw(op, nil)
	e.conditional = true
	e.serve = func(x *exchange) error {
		content, err := load(&x.request)
		if err != nil {
			return err
		}
		x.policies()
		header := x.writer.Header()
		header.Set("ETag", content.ETag)
		if matches(x.request.Request.Header["If-None-Match"], content.ETag) {
			x.writer.WriteHeader(http.StatusNotModified)
			return nil
		}
		header.Set("Content-Type", cmp.Or(content.MediaType, op.Produces))
		header.Set("Content-Length", strconv.Itoa(len(content.Body)))
		x.writer.WriteHeader(e.op.Success)
		_, err = x.writer.Write(content.Body)
		x.cause = err // the client went away: there is nobody to tell but the log
		return nil
	}
	return e
}

// ETag makes the entity tag of some bytes from their SHA-256.
func ETag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// matches compares as If-None-Match does: any of the list, weak or strong, or "*".
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimPrefix(trim(candidate), "W/")
			if candidate == tag || candidate == "*" {
				return true
			}
		}
	}
	return false
}

// policies sets the headers of success that the operation replaces; a problem sets them back.
func (x *exchange) policies() {
	if x.op.CacheControl != "" {
		x.writer.Header().Set("Cache-Control", x.op.CacheControl)
	}
	if x.op.ContentSecurityPolicy != "" {
		x.writer.Header().Set("Content-Security-Policy", x.op.ContentSecurityPolicy)
	}
}

func newEndpoint[Out any](op Operation) Endpoint {
	e := Endpoint{op: op}
	none := reflect.TypeFor[Out]() == reflect.TypeFor[NoContent]()
	if !none {
		e.out = reflect.TypeFor[Out]()
	}
	if e.op.Success == 0 {
		e.op.Success = http.StatusOK
		if none {
			e.op.Success = http.StatusNoContent
		}
	}
	return e
}
