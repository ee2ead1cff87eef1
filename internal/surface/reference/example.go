package reference

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/durwardhq/durward/internal/surface/web"
)

// exampleFrom reads an example tag as a value of the field's type; elements of lists are separated by commas.
func exampleFrom(text string, t reflect.Type) (any, error) {
	switch {
	case t.Kind() == reflect.Pointer:
		return exampleFrom(text, t.Elem())
	case isText(t):
		return text, nil
	}
	var value any
	var err error
	switch t.Kind() {
	case reflect.Bool:
		value, err = strconv.ParseBool(text)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		value, err = strconv.ParseInt(text, 10, 64)
	case reflect.Float32, reflect.Float64:
		value, err = strconv.ParseFloat(text, 64)
	case reflect.Slice:
		return exampleList(text, t.Elem())
	default:
		return nil, fmt.Errorf("example: a %s takes none", t)
	}
	if err != nil {
		return nil, fmt.Errorf("example: %w", err)
	}
	return value, nil
}

func exampleList(text string, of reflect.Type) (any, error) {
	list := []any{}
	for part := range strings.SplitSeq(text, ",") {
		value, err := exampleFrom(part, of)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func isText(t reflect.Type) bool {
	return t == timeType || reflect.PointerTo(t).Implements(textType) || t.Kind() == reflect.String
}

// example makes a value of a type from the examples of its fields, in their order. Fields that need not be there are
// shown where they have an example.
func example(t reflect.Type) (any, error) {
	switch {
	case t == nil || t.Kind() == reflect.Interface:
		return object{}, nil
	case t.Kind() == reflect.Pointer:
		return example(t.Elem())
	case t == timeType:
		return "2026-01-31T12:00:00.000000Z", nil
	case isText(t):
		return "…", nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return true, nil
	case reflect.Slice:
		one, err := example(t.Elem())
		return []any{one}, err
	case reflect.Map:
		return object{}, nil
	case reflect.Struct:
		return exampleObject(t)
	}
	return 1, nil
}

func exampleObject(t reflect.Type) (any, error) {
	all := object{}
	for _, f := range web.FieldsOf(t) {
		value, given, err := exampleField(f)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		if f.Required || given {
			all = append(all, member{f.Name, value})
		}
	}
	return all, nil
}

// exampleField takes the example tag, else the first word of the enum tag, else something of the right type.
func exampleField(f web.Field) (value any, given bool, err error) {
	if text, ok := f.Tag.Lookup("example"); ok {
		value, err = exampleFrom(text, f.Type)
		return value, true, err
	}
	if enum := f.Tag.Get("enum"); enum != "" {
		first, _, _ := strings.Cut(enum, ",")
		return first, false, nil
	}
	value, err = example(f.Type)
	return value, false, err
}
