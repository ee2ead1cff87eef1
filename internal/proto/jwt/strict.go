package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxMembers bounds the members of an object, and with it the search for one that stands there twice.
const maxMembers = 64

const whitespace = " \t\r\n"

// object walks a JSON text that has to be one object and nothing after it, in valid UTF-8, no member of it twice. It
// hands over each value as it stands in the text. Names are compared as they are: encoding/json would take "EXP" for
// "exp" and the last of two, which is how two readers of one token come to disagree.
//
// The whole text is known to be valid JSON before it is taken apart, so the taking apart can be simple and quick.
func object(text []byte, member func(name string, value []byte) error) error {
	if !utf8.Valid(text) {
		return errors.New("not valid UTF-8")
	}
	if !json.Valid(text) { // also finds what follows the object
		return errors.New("not valid JSON")
	}
	rest := bytes.TrimLeft(text, whitespace)
	if rest[0] != '{' {
		return fmt.Errorf("expected an object, got %s", kind(rest))
	}
	names := make([]string, 0, 20)
	for rest = bytes.TrimLeft(rest[1:], whitespace); rest[0] != '}'; rest = comma(rest) {
		var raw, value []byte
		raw, rest = cut(rest)
		value, rest = cut(bytes.TrimLeft(bytes.TrimLeft(rest, whitespace)[1:], whitespace)) // after the colon
		name := unquote(raw)
		if slices.Contains(names, name) {
			return fmt.Errorf("member %q stands there twice", clip(name))
		}
		if len(names) == maxMembers {
			return fmt.Errorf("more than %d members", maxMembers)
		}
		names = append(names, name)
		if err := member(name, value); err != nil {
			return fmt.Errorf("member %q: %w", clip(name), err)
		}
	}
	return nil
}

// comma goes to the next member or entry, or to the closing bracket.
func comma(rest []byte) []byte {
	rest = bytes.TrimLeft(rest, whitespace)
	if rest[0] == ',' {
		rest = bytes.TrimLeft(rest[1:], whitespace)
	}
	return rest
}

// cut takes the value at the front of valid JSON.
func cut(text []byte) (value, rest []byte) {
	end := 0
	switch text[0] {
	case '"':
		end = stringEnd(text)
	case '{', '[':
		end = nestedEnd(text)
	default:
		end = bytes.IndexAny(text, ",]}"+whitespace)
	}
	return text[:end], text[end:]
}

// stringEnd gives the index after the string at the front.
func stringEnd(text []byte) int {
	i := 1
	for ; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// nestedEnd gives the index after the object or array at the front.
func nestedEnd(text []byte) int {
	i, depth := 1, 1
	for depth > 0 {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
	}
	return i
}

// unquote reads a JSON string as it stands in the text.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // never fails: raw is a valid JSON string
	return s
}

// text takes a value that has to be a string.
func text(value []byte, into *string) error {
	if value[0] != '"' {
		return fmt.Errorf("expected a string, got %s", kind(value))
	}
	*into = unquote(value)
	return nil
}

// texts takes a value that has to be an array of strings.
func texts(value []byte, into *[]string) error {
	if value[0] != '[' {
		return fmt.Errorf("expected an array of strings, got %s", kind(value))
	}
	list := []string{}
	for rest := bytes.TrimLeft(value[1:], whitespace); rest[0] != ']'; rest = comma(rest) {
		var raw []byte
		var entry string
		raw, rest = cut(rest)
		if err := text(raw, &entry); err != nil {
			return fmt.Errorf("entry %d: %w", len(list), err)
		}
		list = append(list, entry)
	}
	*into = list
	return nil
}

// maxNumericDate is the last second of the year 9999, beyond which RFC 3339 has no name for it.
const maxNumericDate = 253402300799

// date takes a value that has to be a NumericDate (RFC 7519 §2): seconds since 1970, here always whole and written
// without exponent or sign.
func date(value []byte, into *int64) error {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 1 || n > maxNumericDate {
		return fmt.Errorf("expected whole seconds from 1 to %d as a number, got %s", int64(maxNumericDate), kind(value))
	}
	*into = n
	return nil
}

// kind names a value's JSON type.
func kind(value []byte) string {
	switch c := value[0]; {
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == 'n':
		return "null"
	case strings.IndexByte("tf", c) >= 0:
		return "a boolean"
	}
	return "a number"
}
