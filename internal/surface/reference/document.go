package reference

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/durwardhq/durward/internal/surface/web"
)

const description = "Every answer carries `X-Request-Id`. Whatever is not a success is a problem (RFC 9457) with a " +
	"stable `code`; codes are explained at `/docs`.\n\n" +
	"A path that is not here is 404 `not_found`, a method that a path does not take 405 `method_not_allowed` with " +
	"`Allow`. HEAD works wherever GET does, and OPTIONS names a path's methods. Requests that are not HTTP at all, or " +
	"whose header is larger than 16 KiB, are answered in plain text.\n\n" +
	"Bodies are JSON objects of at most 64 KiB, nested at most 16 deep, and are read strictly: fields that are unknown, " +
	"repeated or written with other capitals are refused, and so is `null`. An operation without a body ignores one. " +
	"Answers may get further fields; ignore those that you do not know. Times are RFC 3339 in UTC with microseconds."

// document writes the OpenAPI document, indented, since people read it too.
func (m *model) document() ([]byte, error) {
	paths := object{}
	for _, op := range m.operations {
		i := slices.IndexFunc(paths, func(p member) bool { return p.name == op.Path })
		if i < 0 {
			paths = append(paths, member{op.Path, object{}})
			i = len(paths) - 1
		}
		paths[i].value = append(paths[i].value.(object), member{strings.ToLower(op.Method), m.describe(op)})
	}
	server := m.info.PublicURL
	if server == "" {
		server = "/"
	}
	all := object{
		{"openapi", "3.1.0"},
		{"info", object{{"title", m.info.Title}, {"version", m.info.Version}, {"description", description}}},
		{"servers", []any{object{{"url", server}}}},
		{"tags", m.tagObjects()},
		{"paths", paths},
		{"components", m.components()},
	}
	text, err := encode(all)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

func (m *model) tagObjects() []any {
	tags := []any{}
	for _, name := range m.tags {
		tags = append(tags, object{{"name", name}})
	}
	return tags
}

// describe gives an operation object.
func (m *model) describe(op *operation) object {
	o := object{{"tags", []string{op.Tag}}, {"summary", op.Summary}}.
		with("description", op.Description).with("operationId", op.OperationID).with("parameters", parameters(op))
	if op.body != nil {
		o = append(o, member{"requestBody", object{
			{"required", !op.OptionalBody},
			{"content", object{{"application/json", object{{"schema", op.body}, {"example", op.bodyExample}}}}},
		}})
	}
	o = append(o, member{"responses", m.responses(op)})
	switch op.Auth {
	case web.Bearer:
		o = append(o, member{"security", []any{object{{"bearer", []string{}}}}})
	case web.BearerOptional:
		o = append(o, member{"security", []any{object{{"bearer", []string{}}}, object{}}})
	}
	return o
}

func parameters(op *operation) []any {
	var all []any
	for _, p := range op.Parameters {
		all = append(all, object{{"name", p.Name}, {"in", p.In}, {"required", p.Required || p.In == "path"}}.
			with("description", p.Description).with("example", p.Example).
			with("schema", object{{"type", "string"}}))
	}
	return all
}

func (m *model) responses(op *operation) object {
	all := object{{strconv.Itoa(op.Success), success(op)}}
	if op.endpoint.Conditional() {
		all = append(all, member{"304", object{
			{"description", "The caller has this version already, as its If-None-Match says."},
			{"headers", headers("X-Request-Id", "Cache-Control", "ETag")},
		}})
	}
	for _, s := range op.refusals {
		all = append(all, member{strconv.Itoa(s.Status), m.shared.refer(s.Status, refusal(op, s))})
	}
	return all
}

// shared gathers refusals, which many operations give alike: the document says each of them once.
type shared struct {
	names map[string]string // by their JSON
	all   object
}

// refer keeps a response among the components and gives a reference to it.
func (s *shared) refer(status int, response object) object {
	text, err := encode(response)
	if err != nil {
		return response
	}
	name, ok := s.names[string(text)]
	if !ok {
		base := strings.ReplaceAll(http.StatusText(status), " ", "")
		name = base
		for n := 2; slices.ContainsFunc(s.all, func(m member) bool { return m.name == name }); n++ {
			name = base + strconv.Itoa(n)
		}
		s.names[string(text)] = name
		s.all = append(s.all, member{name, response})
	}
	return object{{"$ref", "#/components/responses/" + name}}
}

func success(op *operation) object {
	names := []string{"X-Request-Id", "Cache-Control"}
	if op.endpoint.Conditional() {
		names = append(names, "ETag")
	}
	described := headers(names...)
	for _, name := range sortedKeys(op.Headers) {
		described = append(described, member{name, object{
			{"description", op.Headers[name]}, {"required", true}, {"schema", object{{"type", "string"}}}}})
	}
	o := object{{"description", http.StatusText(op.Success) + "."}, {"headers", described}}
	switch mediaType := op.mediaType(); {
	case op.answer != nil:
		o = append(o, member{"content", object{{mediaType, object{{"schema", op.answer}, {"example", op.example}}}}})
	case mediaType != "":
		o = append(o, member{"content", object{{mediaType, object{{"schema", object{{"type", "string"}}}}}}})
	}
	return o
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// refusal describes one status: the problem with the codes that this operation gives with it.
func refusal(op *operation, s status) object {
	var lines, codes []string
	examples := object{}
	for _, r := range s.Refusals {
		lines = append(lines, "`"+r.Code+"`: "+r.When+".")
		if slices.Contains(codes, r.Code) {
			continue
		}
		codes = append(codes, r.Code)
		examples = append(examples, member{r.Code, object{{"value", problemExample(r)}}})
	}
	names := []string{"X-Request-Id", "Cache-Control"}
	switch {
	case s.Status == http.StatusUnauthorized && op.Auth != web.None:
		names = append(names, "WWW-Authenticate")
	case s.Status == http.StatusTooManyRequests, s.Status == http.StatusServiceUnavailable:
		names = append(names, "Retry-After")
	}
	return object{
		{"description", strings.Join(lines, "\n\n")},
		{"headers", headers(names...)},
		{"content", object{{"application/problem+json", object{
			{"schema", problemSchema(s.Status, codes)}, {"examples", examples}}}}},
	}
}

// problemSchema is a problem of this status with one of these codes.
func problemSchema(status int, codes []string) object {
	return object{{"allOf", []any{
		object{{"$ref", schemaRef + "Problem"}},
		object{{"properties", object{
			{"status", object{{"const", status}}},
			{"code", object{{"enum", codes}}},
		}}},
	}}}
}

func problemExample(r web.Refusal) object {
	code, _ := web.LookupCode(r.Code)
	problem := object{{"type", "/docs#error-" + r.Code}, {"title", code.Title}, {"status", r.Status},
		{"detail", code.Meaning}, {"code", r.Code}}
	if r.Code == web.CodeValidationFailed {
		problem = append(problem, member{"errors", []any{object{
			{"field", "username"}, {"rules", []string{"required"}}, {"message", "This field is required."}}}})
	}
	return append(problem, member{"request_id", "req_0123456789abcdefghjkmnpqrs"})
}

func headers(names ...string) object {
	var all object
	for _, name := range names {
		all = append(all, member{name, object{{"$ref", "#/components/headers/" + name}}})
	}
	return all
}

var headerTexts = object{
	{"X-Request-Id", "Names this request in the server's log."},
	{"Cache-Control", "Who may keep the answer; no-store unless the operation says otherwise."},
	{"ETag", "Names this version of the content, for If-None-Match."},
	{"WWW-Authenticate", "The challenge of RFC 6750 §3: error and error_description when a token was sent, the realm " +
		"alone otherwise."},
	{"Retry-After", "Seconds after which trying again may help."},
	{"Allow", "The methods that the path takes."},
}

func (m *model) components() object {
	var described object
	for _, h := range headerTexts {
		described = append(described, member{h.name, object{
			{"description", h.value}, {"required", true}, {"schema", object{{"type", "string"}}}}})
	}
	everywhere := func(status int, code, text string, names ...string) object {
		return object{{"description", text}, {"headers", headers(names...)},
			{"content", object{{"application/problem+json", object{{"schema", problemSchema(status, []string{code})}}}}}}
	}
	responses := append(object{
		{"UnknownPath", everywhere(http.StatusNotFound, web.CodeNotFound, "The path is not here.",
			"X-Request-Id", "Cache-Control")},
		{"UnknownMethod", everywhere(http.StatusMethodNotAllowed, web.CodeMethodNotAllowed,
			"The path does not take this method.", "X-Request-Id", "Cache-Control", "Allow")},
	}, m.shared.all...)
	return object{
		{"schemas", m.schemas.document()},
		{"responses", responses},
		{"headers", described},
		{"securitySchemes", object{{"bearer", object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
			{"description", "The access token that signing in or refreshing gave, in the Authorization header and nowhere " +
				"else."},
		}}}},
	}
}
