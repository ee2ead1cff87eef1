// Package webtest holds answers against the OpenAPI document that promises them. It is for tests: a Validator is made
// from the document that a server gives out, is shown every exchange, and knows in the end which promises nobody has
// seen kept.
package webtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Exchange is a request and the answer to it.
type Exchange struct {
	Method      string
	Path        string // as sent, without the query
	RequestBody []byte
	Status      int
	Header      http.Header
	Body        []byte
}

// Validator checks exchanges against a document. It is safe for concurrent use.
type Validator struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	ops      []operation

	mu   sync.Mutex
	seen map[string]bool
}

// operation is one method of one path.
type operation struct {
	method, path string
	pointer      string // into the document
	value        map[string]any
}

const resource = "openapi.json"

// New reads a document. Answers are held to it more strictly than it asks of its readers: a field that it does not name
// is an error, since then it would not be true.
func New(document []byte) (*Validator, error) {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("the document is not JSON: %w", err)
	}
	doc, ok := parsed.(map[string]any)
	if !ok || !strings.HasPrefix(text(doc["openapi"]), "3.1.") {
		return nil, fmt.Errorf("expected an OpenAPI 3.1 document")
	}
	for _, schema := range dig(doc, "components", "schemas") {
		if s, ok := schema.(map[string]any); ok && s["properties"] != nil && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
	}
	v := &Validator{doc: doc, compiler: jsonschema.NewCompiler(), seen: map[string]bool{}}
	v.compiler.DefaultDraft(jsonschema.Draft2020)
	v.compiler.AssertFormat()
	if err := v.compiler.AddResource(resource, doc); err != nil {
		return nil, err
	}
	v.collect()
	return v, v.compileAll()
}

func (v *Validator) collect() {
	for path, item := range dig(v.doc, "paths") {
		for method, op := range item.(map[string]any) {
			v.ops = append(v.ops, operation{method: strings.ToUpper(method), path: path,
				pointer: "#/paths/" + escape(path) + "/" + method, value: op.(map[string]any)})
		}
	}
	// Fixed paths before those with parameters, as a server matches.
	slices.SortFunc(v.ops, func(a, b operation) int {
		if n := strings.Count(a.path, "{") - strings.Count(b.path, "{"); n != 0 {
			return n
		}
		return strings.Compare(a.path+a.method, b.path+b.method)
	})
}

// Check tells in what an exchange breaks the document, or nil.
func (v *Validator) Check(x Exchange) error {
	if err := v.check(x); err != nil {
		return fmt.Errorf("%s %s answered %d: %w", x.Method, x.Path, x.Status, err)
	}
	return nil
}

func (v *Validator) check(x Exchange) error {
	if err := everywhere(x); err != nil {
		return err
	}
	known := v.at(x.Path)
	switch {
	case len(known) == 0:
		return v.against(x, "#/components/responses/UnknownPath", http.StatusNotFound)
	case x.Method == http.MethodOptions:
		return optionsAnswer(x)
	}
	method := x.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	i := slices.IndexFunc(known, func(op operation) bool { return op.method == method })
	if i < 0 {
		return v.against(x, "#/components/responses/UnknownMethod", http.StatusMethodNotAllowed)
	}
	return v.operation(x, known[i])
}

// operation checks an answer of an operation, and a body that it was content with.
func (v *Validator) operation(x Exchange, op operation) error {
	status := strconv.Itoa(x.Status)
	if dig(op.value, "responses", status) == nil {
		return fmt.Errorf("the document has no answer %s for %s", status, op.value["operationId"])
	}
	if err := v.against(x, op.pointer+"/responses/"+status, x.Status); err != nil {
		return err
	}
	v.mark(op, x)
	if x.Status >= 300 || len(x.RequestBody) == 0 || op.value["requestBody"] == nil {
		return nil
	}
	schema := op.pointer + "/requestBody/content/application~1json/schema"
	if err := v.conforms(schema, x.RequestBody); err != nil {
		return fmt.Errorf("the request was accepted against the document: %w", err)
	}
	return nil
}

// everywhere holds for every answer.
func everywhere(x Exchange) error {
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := x.Header.Get(name); got != want {
			return fmt.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"X-Request-Id", "Cache-Control", "Content-Security-Policy"} {
		if x.Header.Get(name) == "" {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}

func optionsAnswer(x Exchange) error {
	if x.Status != http.StatusNoContent || x.Header.Get("Allow") == "" || len(x.Body) > 0 {
		return fmt.Errorf("OPTIONS expects 204 with Allow and no body")
	}
	return nil
}

// against checks status, headers and body against a response of the document.
func (v *Validator) against(x Exchange, pointer string, status int) error {
	response, pointer := v.resolve(pointer)
	if response == nil {
		return fmt.Errorf("the document has nothing at %s", pointer)
	}
	if x.Status != status {
		return fmt.Errorf("expected %d (%s)", status, pointer)
	}
	for name, h := range dig(response, "headers") {
		described, _ := v.deref(h)
		if described["required"] == true && x.Header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	return v.body(x, response, pointer)
}

func (v *Validator) body(x Exchange, response map[string]any, pointer string) error {
	content := dig(response, "content")
	switch {
	case x.Method == http.MethodHead && len(x.Body) > 0:
		return fmt.Errorf("an answer to HEAD has a body")
	case x.Method == http.MethodHead:
		return nil
	case len(content) == 0 && len(x.Body) > 0:
		return fmt.Errorf("it has a body, and the document says that there is none")
	case len(content) == 0:
		return nil
	}
	got := x.Header.Get("Content-Type")
	for mediaType := range content {
		if !sameMedia(mediaType, got) {
			continue
		}
		if !strings.HasSuffix(mediaType, "json") {
			return nil
		}
		return v.conforms(pointer+"/content/"+escape(mediaType)+"/schema", x.Body)
	}
	return fmt.Errorf("Content-Type is %q, which the document does not name", got)
}

func sameMedia(a, b string) bool {
	x, _, err1 := mime.ParseMediaType(a)
	y, _, err2 := mime.ParseMediaType(b)
	return err1 == nil && err2 == nil && x == y
}

// conforms validates JSON against a schema of the document.
func (v *Validator) conforms(pointer string, body []byte) error {
	v.mu.Lock()
	schema, err := v.compiler.Compile(resource + pointer)
	v.mu.Unlock()
	if err != nil {
		return fmt.Errorf("schema at %s: %w", pointer, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("the body breaks %s: %w", pointer, err)
	}
	return nil
}

// mark notes a promise as seen: a status, and the code of a problem.
func (v *Validator) mark(op operation, x Exchange) {
	key := op.method + " " + op.path + " " + strconv.Itoa(x.Status)
	var problem struct {
		Code string `json:"code"`
	}
	if x.Status >= 400 && json.Unmarshal(x.Body, &problem) == nil {
		key += " " + problem.Code
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[key] = true
}

// Unseen gives every promise of the document that no exchange has shown, as "POST /login 401 invalid_credentials" or
// "GET /me 200", sorted.
func (v *Validator) Unseen() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var missing []string
	for _, promise := range v.promises() {
		if !v.seen[promise] {
			missing = append(missing, promise)
		}
	}
	slices.Sort(missing)
	return missing
}

func (v *Validator) promises() []string {
	var all []string
	for _, op := range v.ops {
		for status := range dig(op.value, "responses") {
			key := op.method + " " + op.path + " " + status
			response, _ := v.resolve(op.pointer + "/responses/" + status)
			codes := dig(response, "content", "application/problem+json", "examples")
			if len(codes) == 0 {
				all = append(all, key)
			}
			for code := range codes {
				all = append(all, key+" "+code)
			}
		}
	}
	return all
}

// Transport gives a RoundTripper that checks everything that goes through it and reports what breaks the document.
func (v *Validator) Transport(base http.RoundTripper, report func(error)) http.RoundTripper {
	return &transport{base: base, validator: v, report: report}
}

type transport struct {
	base      http.RoundTripper
	validator *Validator
	report    func(error)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err := t.validator.Check(Exchange{Method: r.Method, Path: r.URL.Path, RequestBody: sent,
		Status: response.StatusCode, Header: response.Header, Body: body}); err != nil {
		t.report(err)
	}
	return response, nil
}
