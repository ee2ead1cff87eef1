package reference

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose members keep their order, so that documents read as they were written.
type object []member

type member struct {
	name  string
	value any
}

// with adds a member unless its value is empty.
func (o object) with(name string, value any) object {
	switch v := value.(type) {
	case string:
		if v == "" {
			return o
		}
	case object:
		if len(v) == 0 {
			return o
		}
	case []any:
		if len(v) == 0 {
			return o
		}
	case []string:
		if len(v) == 0 {
			return o
		}
	case nil:
		return o
	}
	return append(o, member{name, value})
}

// encode writes a value as JSON, without escaping letters that only HTML minds. Objects and lists are written here
// rather than by json.Marshaler, which would read the text of every level once more.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	err := write(&b, value)
	return b.Bytes(), err
}

func write(b *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case object:
		return list(b, '{', '}', v, func(m member) error {
			if err := leaf(b, m.name); err != nil {
				return err
			}
			b.WriteByte(':')
			return write(b, m.value)
		})
	case []any:
		return list(b, '[', ']', v, func(item any) error { return write(b, item) })
	}
	return leaf(b, value)
}

func list[T any](b *bytes.Buffer, open, end byte, items []T, each func(T) error) error {
	b.WriteByte(open)
	for i, item := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := each(item); err != nil {
			return err
		}
	}
	b.WriteByte(end)
	return nil
}

func leaf(b *bytes.Buffer, value any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line end that Encode adds
	return nil
}
