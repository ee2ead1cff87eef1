package reference

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/durwardhq/durward/internal/surface/web"
)

// model is the API as document and page both show it.
type model struct {
	info       Info
	operations []*operation
	tags       []string // in the order in which the routes use them
	schemas    schemas
	shared     shared
}

// operation is one line of the table with everything about it.
type operation struct {
	web.Operation
	Method, Path string
	endpoint     web.Endpoint
	body         object // schema; nil is none
	bodyExample  any
	answer       object // schema; nil is none
	example      any
	refusals     []status
}

// status is one status with which an operation says no, and the codes that it does so with.
type status struct {
	Status   int
	Refusals []web.Refusal
}

func newModel(info Info, routes []web.Route) (*model, error) {
	m := &model{info: info, schemas: schemas{named: map[string]named{}}, shared: shared{names: map[string]string{}}}
	ids := map[string]bool{}
	for _, route := range routes {
		if route.Endpoint.Operation().Unlisted {
			continue
		}
		op, err := m.operation(route)
		if err == nil && ids[op.OperationID] {
			err = fmt.Errorf("the operation id %s is there twice", op.OperationID)
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", route.Method, route.Path, err)
		}
		ids[op.OperationID] = true
		m.operations = append(m.operations, op)
		if !slices.Contains(m.tags, op.Tag) {
			m.tags = append(m.tags, op.Tag)
		}
	}
	if _, err := m.schemas.of(reflect.TypeFor[web.Problem](), false); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *model) operation(route web.Route) (*operation, error) {
	e := route.Endpoint
	op := &operation{Operation: e.Operation(), Method: route.Method, Path: route.Path, endpoint: e,
		refusals: byStatus(e.Refusals())}
	if op.OperationID == "" || op.Tag == "" || op.Summary == "" {
		return nil, errors.New("an operation needs OperationID, Tag and Summary")
	}
	for _, name := range pathParameters(route.Path) {
		if !slices.ContainsFunc(op.Parameters, func(p web.Parameter) bool { return p.In == "path" && p.Name == name }) {
			return nil, fmt.Errorf("the parameter {%s} of the path is not in Parameters", name)
		}
	}
	var err, more error
	if e.Input() != nil {
		op.body, err = m.schemas.of(e.Input(), true)
		op.bodyExample, more = example(e.Input())
	}
	if err = errors.Join(err, more); err != nil {
		return nil, err
	}
	if e.Output() != nil {
		op.answer, err = m.schemas.of(e.Output(), false)
		op.example, more = example(e.Output())
	}
	return op, errors.Join(err, more)
}

// pathParameters gives the names in braces.
func pathParameters(path string) []string {
	var names []string
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

func byStatus(refusals []web.Refusal) []status {
	var all []status
	for _, r := range refusals {
		i := slices.IndexFunc(all, func(s status) bool { return s.Status == r.Status })
		if i < 0 {
			all = append(all, status{Status: r.Status})
			i = len(all) - 1
		}
		all[i].Refusals = append(all[i].Refusals, r)
	}
	slices.SortStableFunc(all, func(a, b status) int { return a.Status - b.Status })
	return all
}

// mediaType is what success is sent as, or "" when it has no body.
func (op *operation) mediaType() string {
	if op.Produces != "" {
		return op.Produces
	}
	if op.endpoint.Output() != nil {
		return "application/json"
	}
	return ""
}
