package reference

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/durwardhq/durward/internal/surface/web"
)

//go:embed page.html style.css mark.svg
var files embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"prose": prose, "lower": strings.ToLower, "conventions": func() string { return description },
}).ParseFS(files, "page.html"))

// asset is a file beside the page. Its name holds a digest of its content, so that it may be kept for ever.
type asset struct {
	name    string
	content web.Content
}

// loadAssets gives the files by the name that they are served under.
func loadAssets() map[string]asset {
	all := map[string]asset{}
	for file, mediaType := range map[string]string{"style.css": "text/css; charset=utf-8", "mark.svg": "image/svg+xml"} {
		body, err := files.ReadFile(file)
		if err != nil {
			panic(err) // it is embedded: the build would have failed
		}
		base, extension, _ := strings.Cut(file, ".")
		tag := web.ETag(body)
		name := base + "." + strings.Trim(tag, `"`)[:10] + "." + extension
		all[name] = asset{name: name, content: web.Content{Body: body, ETag: tag, MediaType: mediaType}}
	}
	return all
}

// pageView is what the template is given.
type pageView struct {
	Title, Version, Server string
	Style, Mark            string
	Groups                 []groupView
	Errors                 []errorView
	Rules                  []web.Rule
}

type groupView struct {
	Tag        string
	Operations []operationView
}

type operationView struct {
	*operation
	Needs    string // what the caller must prove
	Curl     string
	Fields   []fieldView
	Answers  []fieldView
	Example  string // of the answer
	Success  string
	Media    string
	Bodiless bool
	Refusals []refusalView // what is particular to the operation
	Common   []refusalView // what the server itself gives for many
}

type fieldView struct {
	Name, Type, Doc string
	Optional        bool
}

type refusalView struct {
	Status     int
	Code, When string
}

type errorView struct {
	web.Code
	Operations []*operation
}

// page writes the page for people.
func (m *model) page(assets map[string]asset) ([]byte, error) {
	view := pageView{Title: m.info.Title, Version: m.info.Version, Server: m.server(), Rules: web.Rules(),
		Errors: m.errors()}
	for name := range assets {
		if strings.HasSuffix(name, ".css") {
			view.Style = name
		} else {
			view.Mark = name
		}
	}
	for _, tag := range m.tags {
		group := groupView{Tag: tag}
		for _, op := range m.operations {
			if op.Tag != tag {
				continue
			}
			shown, err := m.view(op)
			if err != nil {
				return nil, err
			}
			group.Operations = append(group.Operations, shown)
		}
		view.Groups = append(view.Groups, group)
	}
	var out bytes.Buffer
	err := pageTemplate.Execute(&out, view)
	return out.Bytes(), err
}

// server is what examples are sent to.
func (m *model) server() string {
	if m.info.PublicURL == "" {
		return "http://localhost:8080"
	}
	return m.info.PublicURL
}

func (m *model) view(op *operation) (operationView, error) {
	curl, err := m.curl(op)
	if err != nil {
		return operationView{}, err
	}
	v := operationView{operation: op, Curl: curl, Fields: fieldViews("", op.endpoint.Input()),
		Answers: fieldViews("", op.endpoint.Output()), Media: op.mediaType(),
		Success: strconv.Itoa(op.Operation.Success) + " " + http.StatusText(op.Operation.Success)}
	v.Bodiless = v.Media == ""
	switch op.Auth {
	case web.Bearer:
		v.Needs = "Needs an access token"
	case web.BearerOptional:
		v.Needs = "Takes an access token"
	}
	if len(v.Answers) > 0 {
		text, err := indented(op.example)
		if err != nil {
			return operationView{}, err
		}
		v.Example = text
	}
	v.Refusals, v.Common = op.refusalViews()
	return v, nil
}

// refusalViews puts first what a caller of this operation has to think of.
func (op *operation) refusalViews() (own, common []refusalView) {
	for _, s := range op.refusals {
		for _, r := range s.Refusals {
			view := refusalView{Status: s.Status, Code: r.Code, When: r.When}
			expected := s.Status == http.StatusUnauthorized || s.Status == http.StatusUnprocessableEntity
			if expected || slices.Contains(op.Operation.Refusals, r) {
				own = append(own, view)
			} else {
				common = append(common, view)
			}
		}
	}
	return own, common
}

// errors gives the catalogue with the operations that give each code.
func (m *model) errors() []errorView {
	var all []errorView
	for _, code := range web.Catalogue() {
		v := errorView{Code: code}
		for _, op := range m.operations {
			gives := func(r web.Refusal) bool { return r.Code == code.Code }
			if slices.ContainsFunc(op.endpoint.Refusals(), gives) {
				v.Operations = append(v.Operations, op)
			}
		}
		if len(v.Operations) == len(m.operations) {
			v.Operations = nil // all of them: no list
		}
		all = append(all, v)
	}
	return all
}

// fieldViews lists the fields of a body or an answer; those of nested objects follow under names with dots.
func fieldViews(prefix string, t reflect.Type) []fieldView {
	if t == nil || t.Kind() != reflect.Struct || isText(t) {
		return nil
	}
	var all []fieldView
	for _, f := range web.FieldsOf(t) {
		v := fieldView{Name: prefix + f.Name, Type: typeWords(f), Doc: f.Tag.Get("doc"), Optional: !f.Required}
		all = append(all, v)
		inner, path := f.Type, v.Name+"."
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				path = v.Name + "[]."
			}
			inner = inner.Elem()
		}
		all = append(all, fieldViews(path, inner)...)
	}
	return all
}

// typeWords names a field's type for people.
func typeWords(f web.Field) string {
	if enum := f.Tag.Get("enum"); enum != "" {
		return `"` + strings.ReplaceAll(enum, ",", `" or "`) + `"`
	}
	if f.Tag.Get("format") == "date-time" {
		return "date and time"
	}
	return wordsOf(f.Type)
}

func wordsOf(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return wordsOf(t.Elem())
	case t == timeType:
		return "date and time"
	case isText(t):
		return "string"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "list of " + wordsOf(t.Elem()) + "s"
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Float32, reflect.Float64:
		return "number"
	}
	return "integer"
}

// span is a stretch of text, as code or not.
type span struct {
	Text string
	Code bool
}

// prose cuts a description into paragraphs, and those into text and what stands between backquotes.
func prose(text string) [][]span {
	var paragraphs [][]span
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var spans []span
		for i, part := range strings.Split(paragraph, "`") {
			if part != "" {
				spans = append(spans, span{Text: part, Code: i%2 == 1})
			}
		}
		paragraphs = append(paragraphs, spans)
	}
	return paragraphs
}
