package web

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// shape is what JSON must look like to fit a Go type, worked out once when an endpoint is made.
type shape struct {
	kind    shapeKind
	pointer bool // the Go value is a pointer to what the rest describes
	elem    *shape
	fields  []member
	byName  map[string]int
	folded  map[string]int // names as fold writes them, for "did you mean"
}

// member is a field of an object.
type member struct {
	name     string
	index    int
	required bool
	shape    *shape
}

type shapeKind uint8

const (
	shapeObject shapeKind = iota
	shapeList
	shapeText // a string, or a type that takes itself from text
	shapeFlag
	shapeInteger
	shapeNumber
)

// wants completes "must be …".
var wants = map[shapeKind]string{
	shapeObject: "an object", shapeList: "an array", shapeText: "a string",
	shapeFlag: "true or false", shapeInteger: "a whole number", shapeNumber: "a number",
}

// maxMembers is how many fields an object may have: they are kept in the bits of one word.
const maxMembers = 64

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// planFor works out the shape of a body. It panics on types that cannot be one: the types are code, so this is seen at
// the first start.
func planFor(t reflect.Type) *shape {
	s := shapeOf(t, t.String())
	if s.kind != shapeObject || s.pointer {
		panic("web: " + t.String() + " cannot be a body: expected a struct")
	}
	return s
}

func shapeOf(t reflect.Type, at string) *shape {
	if t.Kind() == reflect.Pointer {
		s := *shapeOf(t.Elem(), at)
		if s.pointer {
			panic("web: " + at + ": a pointer to a pointer cannot be decoded")
		}
		s.pointer = true
		return &s
	}
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		return &shape{kind: shapeText}
	}
	switch t.Kind() {
	case reflect.String:
		return &shape{kind: shapeText}
	case reflect.Bool:
		return &shape{kind: shapeFlag}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &shape{kind: shapeInteger}
	case reflect.Float32, reflect.Float64:
		return &shape{kind: shapeNumber}
	case reflect.Slice:
		return &shape{kind: shapeList, elem: shapeOf(t.Elem(), at+"[]")}
	case reflect.Struct:
		return objectShape(t, at)
	}
	panic(fmt.Sprintf("web: %s: a %s cannot be decoded", at, t))
}

func objectShape(t reflect.Type, at string) *shape {
	s := &shape{kind: shapeObject, byName: map[string]int{}, folded: map[string]int{}}
	for i, f := range FieldsOf(t) {
		m := member{name: f.Name, index: i, required: f.Required, shape: shapeOf(f.Type, at+"."+f.Name)}
		if m.shape.pointer && f.Required {
			panic(fmt.Sprintf("web: %s.%s: a pointer is an optional field; its json tag must say omitempty", at, f.Name))
		}
		s.byName[f.Name], s.folded[fold(f.Name)] = i, i
		s.fields = append(s.fields, m)
	}
	if len(s.fields) > maxMembers || len(s.byName) != len(s.fields) {
		panic(fmt.Sprintf("web: %s: at most %d fields, each with a name of its own", at, maxMembers))
	}
	return s
}

// Field is a member of a JSON body or answer, as decoding, encoding and the document all see it.
type Field struct {
	Name string
	Type reflect.Type
	Tag  reflect.StructTag
	// Required means that a request must have the field, and that an answer always has it.
	Required bool
}

// FieldsOf gives the members of a struct that is a body or an answer, in its order. It panics when a field is embedded,
// hidden or without a name in its json tag: what goes over the wire is spelled out.
func FieldsOf(t reflect.Type) []Field {
	fields := make([]Field, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || f.Anonymous || !f.IsExported() {
			panic(fmt.Sprintf("web: %s.%s: every field is exported and named by a json tag", t, f.Name))
		}
		optional := f.Tag.Get("required") == "false" || strings.Contains(options, "omit")
		fields = append(fields, Field{Name: name, Type: f.Type, Tag: f.Tag, Required: !optional})
	}
	return fields
}

// fold makes names alike that people take for each other: without case, '_' and '-'.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '-' || c == ' ' {
			return -1
		}
		return unicode.ToLower(c)
	}, name)
}
