package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/durwardhq/durward/internal/surface/web/webtest"
)

// openAPI is the document that the binary gives out, and the validator made from it.
type openAPI struct {
	*webtest.Validator
	Paths      map[string]map[string]operation
	Components struct {
		Schemas   map[string]schema
		Responses map[string]response
	}
}

type operation struct {
	OperationID string
	RequestBody struct {
		Required bool
		Content  map[string]struct{ Schema schema }
	}
	Responses map[string]response
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Examples map[string]any }
}

type schema struct {
	Ref        string `json:"$ref"`
	Properties map[string]struct{ Type any }
	Required   []string
}

var theDocument struct {
	once sync.Once
	made *openAPI
	err  error
}

// document gives the document of the binary under test, which is the same for every instance.
func document(s *server) *openAPI {
	theDocument.once.Do(func() { theDocument.made, theDocument.err = fetchDocument(s) })
	if theDocument.err != nil {
		panic(theDocument.err) // nothing can be shown without it
	}
	return theDocument.made
}

func fetchDocument(s *server) (*openAPI, error) {
	a, err := s.exchange(call{path: "/openapi.json"})
	if err != nil {
		return nil, err
	}
	d := &openAPI{}
	if err := json.Unmarshal(a.body, d); err != nil {
		return nil, fmt.Errorf("/openapi.json: %w", err)
	}
	d.Validator, err = webtest.New(a.body)
	return d, err
}

// check holds an answer of the public listener against the document, the code of a problem included.
func (d *openAPI) check(a answer) error {
	x := a.exchanged()
	if err := d.Check(x); err != nil {
		return err
	}
	op, known := d.operation(x.Method, x.Path)
	if !known || x.Status < http.StatusBadRequest || x.Method == http.MethodHead {
		return nil
	}
	if documented := d.codes(op, x.Status); !slices.Contains(documented, a.code()) {
		return fmt.Errorf("%s %s answered %d with the code %q, and the document knows %q there", x.Method, x.Path, x.Status,
			a.code(), documented)
	}
	return nil
}

// operation finds what a request without path parameters is for.
func (d *openAPI) operation(method, path string) (operation, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	op, ok := d.Paths[path][strings.ToLower(method)]
	return op, ok
}

// codes gives the codes of an operation's problems of one status.
func (d *openAPI) codes(op operation, status int) []string {
	r := op.Responses[strconv.Itoa(status)]
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		r = d.Components.Responses[name]
	}
	var codes []string
	for code := range r.Content["application/problem+json"].Examples {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// route is an operation with where it is.
type route struct {
	method, path string
	operation
}

func (r route) String() string { return r.method + " " + r.path }

// takesBody tells whether it takes a JSON body.
func (r route) takesBody() bool { return len(r.RequestBody.Content) > 0 }

// routes gives every operation in order.
func (d *openAPI) routes() []route {
	var all []route
	for path, methods := range d.Paths {
		for method, op := range methods {
			all = append(all, route{strings.ToUpper(method), path, op})
		}
	}
	slices.SortFunc(all, func(a, b route) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// bodyFields gives the names of the fields that an operation takes.
func (d *openAPI) bodyFields(r route) []string {
	s := r.RequestBody.Content["application/json"].Schema
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
