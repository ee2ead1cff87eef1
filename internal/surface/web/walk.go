package web

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// walker reads a body token by token beside the shape that it should have. The tokenizer is asked to let duplicates and
// broken UTF-8 pass, because it would stop at the first: the walker finds them itself and goes on.
type walker struct {
	dec      *jsontext.Decoder
	body     []byte
	path     []step
	text     []byte // what the last string said
	problems problems
}

// step is one level of the path to a value: a member's name, or an index when the name is empty.
type step struct {
	name  string
	index int
}

var lenient = jsontext.AllowDuplicateNames(true)
var anyText = jsontext.AllowInvalidUTF8(true)

// document reads the whole body, which must be one object.
func (w *walker) document(plan *shape, into reflect.Value) error {
	defer func() { clear(w.text[:cap(w.text)]) }()
	w.dec = jsontext.NewDecoder(bytes.NewBuffer(w.body), lenient, anyText)
	switch w.dec.PeekKind() {
	case jsontext.KindInvalid:
	case jsontext.KindBeginObject:
	default:
		return malformed("The body must be a JSON object.")
	}
	if err := w.value(plan, into); err != nil {
		return w.syntax(err)
	}
	end := int(w.dec.InputOffset())
	if _, err := w.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return malformed("There is more after the JSON object, which ends before " + position(w.body, end) + ".")
	}
	return nil
}

// errDeep stops at a body that nests too deep.
var errDeep = malformed(fmt.Sprintf("The body nests deeper than %d levels.", maxDepth))

// syntax says where JSON breaks off, without any of its content.
func (w *walker) syntax(err error) error {
	var own *refusal
	if errors.As(err, &own) {
		return own
	}
	at := int(w.dec.InputOffset())
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at = int(syntactic.ByteOffset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return malformed("The body is not JSON: it ends too early, at " + position(w.body, len(w.body)) + ".")
	}
	return malformed("The body is not JSON: see " + position(w.body, at) + ".")
}

// position names a place in the body: lines and columns from 1, columns in bytes.
func position(body []byte, at int) string {
	before := body[:min(max(at, 0), len(body))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return "line " + strconv.Itoa(line) + ", column " + strconv.Itoa(column)
}

// value reads one value of any kind.
func (w *walker) value(s *shape, into reflect.Value) error {
	if len(w.path) > maxDepth {
		return errDeep
	}
	kind := w.dec.PeekKind()
	if kind == jsontext.KindInvalid {
		_, err := w.dec.ReadToken() // says what is wrong
		return orEOF(err)
	}
	if !fits(s.kind, kind) {
		w.problem(ruleWrongType, "must be "+wants[s.kind]+".")
		return w.skip()
	}
	if s.pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch s.kind {
	case shapeObject:
		return w.object(s, into)
	case shapeList:
		return w.list(s, into)
	}
	return w.scalar(s, into)
}

func fits(s shapeKind, kind jsontext.Kind) bool {
	switch s {
	case shapeObject:
		return kind == jsontext.KindBeginObject
	case shapeList:
		return kind == jsontext.KindBeginArray
	case shapeText:
		return kind == jsontext.KindString
	case shapeFlag:
		return kind == jsontext.KindTrue || kind == jsontext.KindFalse
	}
	return kind == jsontext.KindNumber
}

func (w *walker) object(s *shape, into reflect.Value) error {
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	var seen uint64
	for w.dec.PeekKind() != jsontext.KindEndObject {
		if err := w.member(s, into, &seen); err != nil {
			return err
		}
	}
	for i := range s.fields {
		if f := &s.fields[i]; f.required && seen&(1<<i) == 0 {
			w.push(step{name: f.name})
			w.problem(ruleRequired, "is required.")
			w.pop()
		}
	}
	_, err := w.dec.ReadToken()
	return err
}

// member reads a name and what stands under it.
func (w *walker) member(s *shape, into reflect.Value, seen *uint64) error {
	raw, err := w.dec.ReadValue()
	if err != nil {
		return orEOF(err)
	}
	if w.text, err = jsontext.AppendUnquote(w.text[:0], raw); err != nil {
		return malformed("The body has a field name that is not valid Unicode: " +
			position(w.body, int(w.dec.InputOffset())) + ".")
	}
	i, known := s.byName[string(w.text)]
	if !known {
		return w.stranger(s)
	}
	f := &s.fields[i]
	w.push(step{name: f.name})
	defer w.pop()
	if *seen&(1<<i) != 0 {
		w.problems.ambiguous = true
		w.problem(ruleDuplicate, "is given more than once.")
		return w.skip()
	}
	*seen |= 1 << i
	if w.dec.PeekKind() == jsontext.KindNull {
		return w.null(f)
	}
	return w.value(f.shape, into.Field(f.index))
}

// stranger refuses a field that there is not, with the one that may be meant.
func (w *walker) stranger(s *shape) error {
	w.push(step{name: shown(string(w.text))})
	defer w.pop()
	message := "is not a field of this request."
	if i, ok := s.folded[fold(string(w.text))]; ok {
		message = "is not a field of this request; did you mean " + s.fields[i].name + "?"
	}
	w.problem(ruleUnknown, message)
	return w.skip()
}

func (w *walker) null(f *member) error {
	if f.required {
		w.problem(ruleRequired, "is required and must not be null.")
	} else {
		w.problem(ruleWrongType, "must be "+wants[f.shape.kind]+" or be left out, not null.")
	}
	return w.skip()
}

func (w *walker) list(s *shape, into reflect.Value) error {
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	for n := 0; w.dec.PeekKind() != jsontext.KindEndArray; n++ {
		into.Set(reflect.Append(into, reflect.Zero(into.Type().Elem())))
		w.push(step{index: n})
		err := w.value(s.elem, into.Index(n))
		w.pop()
		if err != nil {
			return err
		}
	}
	_, err := w.dec.ReadToken()
	return err
}

// scalar reads a string, a number or a truth value, whose kind fits already.
func (w *walker) scalar(s *shape, into reflect.Value) error {
	raw, err := w.dec.ReadValue()
	if err != nil {
		return orEOF(err)
	}
	switch s.kind {
	case shapeText:
		w.setText(raw, into)
	case shapeFlag:
		into.SetBool(raw[0] == 't')
	case shapeInteger:
		w.setInteger(string(raw), into)
	default:
		n, err := strconv.ParseFloat(string(raw), into.Type().Bits())
		if err != nil {
			w.problem(ruleOutOfRange, "is too large or too small.")
			return nil
		}
		into.SetFloat(n)
	}
	return nil
}

func (w *walker) setText(raw []byte, into reflect.Value) {
	var err error
	if w.text, err = jsontext.AppendUnquote(w.text[:0], raw); err != nil {
		w.problems.ambiguous = true
		w.problem(ruleInvalidUTF8, "is not valid Unicode text.")
		return
	}
	if bytes.IndexByte(w.text, 0) >= 0 {
		w.problem(ruleNUL, "must not contain the NUL character.")
		return
	}
	switch to := into.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		if err := to.UnmarshalText(w.text); err != nil {
			w.problem(ruleMalformed, "does not have the form that this field needs.")
		}
	default:
		into.SetString(string(w.text))
	}
}

func (w *walker) setInteger(raw string, into reflect.Value) {
	n, err := strconv.ParseInt(raw, 10, into.Type().Bits())
	switch {
	case err == nil:
		into.SetInt(n)
	case errors.Is(err, strconv.ErrRange):
		w.problem(ruleOutOfRange, "is too large or too small.")
	default: // a fraction or an exponent
		w.problem(ruleWrongType, "must be "+wants[shapeInteger]+".")
	}
}

// skip passes over one value, whatever it is, and still holds it to the bound on depth and to being text without NUL.
func (w *walker) skip() error {
	depth := w.dec.StackDepth()
	for {
		token, err := w.dec.ReadToken()
		if err != nil {
			return orEOF(err)
		}
		if w.dec.StackDepth() > maxDepth {
			return errDeep
		}
		if token.Kind() == jsontext.KindString && strings.IndexByte(token.String(), 0) >= 0 {
			w.problem(ruleNUL, "must not contain the NUL character.")
		}
		if w.dec.StackDepth() <= depth {
			return nil
		}
	}
}

// orEOF turns the end between two tokens into an unexpected one: a value was still to come.
func orEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (w *walker) push(s step) { w.path = append(w.path, s) }
func (w *walker) pop()        { w.path = w.path[:len(w.path)-1] }

// problem notes a broken rule of the field that the walker stands at. The message completes "<Field> …".
func (w *walker) problem(rule, message string) {
	var field strings.Builder
	for _, s := range w.path {
		if s.name == "" {
			field.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if field.Len() > 0 {
			field.WriteByte('.')
		}
		field.WriteString(s.name)
	}
	w.problems.add(field.String(), rule, "This field "+message)
}

// maxName is how much of an unknown field's name is shown, in bytes.
const maxName = 64

// shown makes a name that somebody else chose fit for an answer: bounded, and without controls.
func shown(name string) string {
	clean := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, name)
	if clean == "" {
		return `""`
	}
	if len(clean) <= maxName {
		return clean
	}
	return strings.ToValidUTF8(clean[:maxName], "") + "…"
}
