package reference

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/surface/web"
)

const schemaRef = "#/components/schemas/"

// schemas makes JSON Schemas (2020-12, the dialect of OpenAPI 3.1) from Go types, by the rules that decoding and
// encoding follow: web.FieldsOf tells both what a field is called and whether it must be there.
//
// Bodies are closed, because unknown fields are refused. Answers are open: fields may be added to them later.
type schemas struct {
	named map[string]named
	order []string
}

type named struct {
	of     reflect.Type
	schema object
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	secretType    = reflect.TypeFor[secret.String]()
	textType      = reflect.TypeFor[encoding.TextUnmarshaler]()
	numberFormats = map[reflect.Kind]string{reflect.Int: "int64", reflect.Int64: "int64", reflect.Int32: "int32",
		reflect.Float64: "double", reflect.Float32: "float"}
)

// of gives the schema of a type, or a reference to it where it is a struct with a name. closed is whether it is a body.
func (s *schemas) of(t reflect.Type, closed bool) (object, error) {
	switch {
	case t == nil:
		return object{}, nil
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem(), closed)
	case t == timeType:
		return object{{"type", "string"}, {"format", "date-time"}}, nil
	case t == secretType:
		return object{{"type", "string"}, {"format", "password"}}, nil
	case reflect.PointerTo(t).Implements(textType):
		return object{{"type", "string"}}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return object{{"type", "string"}}, nil
	case reflect.Bool:
		return object{{"type", "boolean"}}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{{"type", "integer"}}.with("format", numberFormats[t.Kind()]), nil
	case reflect.Float32, reflect.Float64:
		return object{{"type", "number"}, {"format", numberFormats[t.Kind()]}}, nil
	case reflect.Interface:
		return object{}, nil
	case reflect.Slice:
		items, err := s.of(t.Elem(), closed)
		return object{{"type", "array"}, {"items", items}}, err
	case reflect.Map:
		values, err := s.of(t.Elem(), closed)
		return object{{"type", "object"}, {"additionalProperties", values}}, err
	case reflect.Struct:
		return s.structure(t, closed)
	}
	return nil, fmt.Errorf("%s has no schema", t)
}

// structure puts a named struct among the components and refers to it.
func (s *schemas) structure(t reflect.Type, closed bool) (object, error) {
	name := typeName(t)
	if name == "" {
		return s.members(t, closed)
	}
	if closed && !strings.HasSuffix(name, "Request") {
		name += "Request" // a struct within a body: the same type may be open in an answer
	}
	ref := object{{"$ref", schemaRef + name}}
	if known, ok := s.named[name]; ok {
		if known.of != t {
			return nil, fmt.Errorf("%s and %s have the same name in the document, %s", known.of, t, name)
		}
		return ref, nil
	}
	s.named[name] = named{of: t}
	s.order = append(s.order, name)
	schema, err := s.members(t, closed)
	s.named[name] = named{of: t, schema: schema}
	return ref, err
}

func typeName(t reflect.Type) string {
	first, size := utf8.DecodeRuneInString(t.Name())
	if size == 0 || strings.Contains(t.Name(), "[") {
		return ""
	}
	return string(unicode.ToUpper(first)) + t.Name()[size:]
}

func (s *schemas) members(t reflect.Type, closed bool) (object, error) {
	var properties object
	var required []string
	for _, f := range web.FieldsOf(t) {
		schema, err := s.field(f, closed)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		properties = append(properties, member{f.Name, schema})
		if f.Required {
			required = append(required, f.Name)
		}
	}
	all := object{{"type", "object"}}.with("properties", properties).with("required", required)
	if closed {
		all = append(all, member{"additionalProperties", false})
	}
	return all, nil
}

// field gives a field's schema: that of its type with what its tags say.
func (s *schemas) field(f web.Field, closed bool) (object, error) {
	schema, err := s.of(f.Type, closed)
	if err != nil {
		return nil, err
	}
	if f.Type.Kind() == reflect.Pointer && f.Required && len(schema) > 0 && schema[0].name == "type" {
		schema[0].value = []any{schema[0].value, "null"} // an answer's pointer that is always there
	}
	schema = schema.with("format", f.Tag.Get("format")).with("pattern", f.Tag.Get("pattern"))
	if enum := f.Tag.Get("enum"); enum != "" {
		schema = append(schema, member{"enum", strings.Split(enum, ",")})
	}
	for _, bound := range []string{"minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"} {
		text := f.Tag.Get(bound)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", bound, err)
		}
		schema = append(schema, member{bound, n})
	}
	if text, ok := f.Tag.Lookup("example"); ok {
		example, err := exampleFrom(text, f.Type)
		if err != nil {
			return nil, err
		}
		schema = append(schema, member{"examples", []any{example}})
	}
	return schema.with("description", f.Tag.Get("doc")), nil
}

// document gives the components in the order in which operations first use them.
func (s *schemas) document() object {
	var all object
	for _, name := range s.order {
		all = append(all, member{name, s.named[name].schema})
	}
	return all
}
