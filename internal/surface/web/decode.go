package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/durwardhq/durward/internal/platform/errs"
)

const (
	// maxBody is the largest body that is read, in bytes.
	maxBody = 64 << 10
	// maxDepth is how deep a body may nest.
	maxDepth = 16
	// maxEntries is how many fields an answer complains about at most: answers stay small beside requests.
	maxEntries = 32
)

// problems gathers what is wrong with a body, one entry a field in the order in which they were found.
type problems struct {
	ambiguous bool // duplicates or broken text: it is not the values that are wrong, but the JSON
	fields    []errs.Field
}

// add notes that a field breaks a rule.
func (p *problems) add(field, rule, message string) {
	i := slices.IndexFunc(p.fields, func(known errs.Field) bool { return known.Field == field })
	switch {
	case i < 0 && len(p.fields) < maxEntries:
		p.fields = append(p.fields, errs.Field{Field: field, Rules: []string{rule}, Message: message})
	case i >= 0 && !slices.Contains(p.fields[i].Rules, rule):
		p.fields[i].Rules = append(p.fields[i].Rules, rule)
		p.fields[i].Message += " " + message
	}
}

// merge adds what a check found about fields that decoding had nothing against.
func (p *problems) merge(more []errs.Field) {
	for _, f := range more {
		if !slices.ContainsFunc(p.fields, func(known errs.Field) bool { return known.Field == f.Field }) {
			p.fields = append(p.fields, f)
		}
	}
}

// refusal gives the answer for all that was found, or nil when there is nothing.
func (p *problems) refusal() error {
	if len(p.fields) == 0 {
		return nil
	}
	names := make([]string, len(p.fields))
	for i, f := range p.fields {
		names[i] = f.Field
	}
	detail := "Correct these fields: " + strings.Join(names, ", ") + "."
	if p.ambiguous {
		return &refusal{status: http.StatusBadRequest, code: CodeMalformedJSON, detail: detail, fields: p.fields}
	}
	return &refusal{status: http.StatusUnprocessableEntity, code: CodeValidationFailed, detail: detail, fields: p.fields}
}

func malformed(detail string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: CodeMalformedJSON, detail: detail}
}

var (
	errEmptyBody = malformed("The body is empty; a JSON object was expected.")
	errTooLarge  = &refusal{status: http.StatusRequestEntityTooLarge, code: CodeBodyTooLarge,
		detail: fmt.Sprintf("The body may have at most %d bytes.", maxBody)}
	errBodyTimeout = &refusal{status: http.StatusRequestTimeout, code: CodeRequestTimeout, closes: true,
		detail: "The body did not arrive in time."}
	errMediaType = &refusal{status: http.StatusUnsupportedMediaType, code: CodeUnsupportedMediaType,
		detail: "The body must be JSON: send Content-Type: application/json."}
	errCompressed = &refusal{status: http.StatusUnsupportedMediaType, code: CodeUnsupportedMediaType,
		detail: "The body must not be compressed: send no Content-Encoding."}
)

// decode reads the body into a struct. Problems of single fields are gathered; anything that leaves the rest of the
// body unread, or in doubt, is an error at once.
func (x *exchange) decode(plan *shape, into reflect.Value) (problems, error) {
	buf := buffers.Get().(*bytes.Buffer)
	defer giveBack(buf)
	if err := x.readBody(buf); err != nil {
		return problems{}, err
	}
	if buf.Len() == 0 {
		if x.op.OptionalBody {
			return problems{}, nil
		}
		return problems{}, errEmptyBody
	}
	w := walker{body: buf.Bytes()}
	err := w.document(plan, into)
	return w.problems, err
}

// readBody reads at most maxBody bytes. Whatever can be refused by the header alone is, before anything is read;
// net/http then reads on for at most 256 KiB to keep the connection, and closes it when there is more.
func (x *exchange) readBody(buf *bytes.Buffer) error {
	r := x.request.Request
	if r.ContentLength == 0 {
		return nil
	}
	typed := r.Header["Content-Type"]
	if len(typed) > 0 || r.ContentLength > 0 {
		if err := checkMedia(r.Header); err != nil {
			return err
		}
	}
	if r.ContentLength > maxBody {
		return errTooLarge
	}
	if _, err := buf.ReadFrom(http.MaxBytesReader(x.writer.ResponseWriter, r.Body, maxBody)); err != nil {
		return readFailure(err)
	}
	if buf.Len() > 0 && len(typed) == 0 { // sent in chunks, so that its length was not known
		return errMediaType
	}
	return nil
}

func readFailure(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errBodyTimeout
	}
	return &refusal{status: http.StatusBadRequest, code: CodeMalformedJSON, closes: true, cause: err,
		detail: "The body did not arrive whole."}
}

// checkMedia accepts application/json, with no parameter but charset=utf-8, once, and not compressed.
func checkMedia(header http.Header) error {
	if len(header["Content-Encoding"]) > 0 {
		return errCompressed
	}
	if values := header["Content-Type"]; len(values) != 1 || !jsonMedia(values[0]) {
		return errMediaType
	}
	return nil
}

func jsonMedia(value string) bool {
	if value == "application/json" {
		return true
	}
	media, parameters, any := strings.Cut(value, ";")
	if !strings.EqualFold(trim(media), "application/json") {
		return false
	}
	if !any {
		return true
	}
	name, charset, _ := strings.Cut(trim(parameters), "=")
	return strings.EqualFold(name, "charset") &&
		(strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, `"utf-8"`))
}

// trim removes the optional white space of RFC 9110 §5.6.3.
func trim(s string) string { return strings.Trim(s, " \t") }
