// Package secret keeps secrets from leaking and from lying about in the clear: a string type that never prints itself,
// random tokens, and a Box that seals values at rest under the master key. It owns no table; what is sealed is stored
// by the package whose data it is.
package secret

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
)

const placeholder = "[secret]"

// String is a text that prints as "[secret]" wherever it is formatted, logged or encoded. Reveal is the only way out.
// The text lies behind a pointer, because fmt prints the fields of a struct without asking them wherever it cannot call
// their methods (fields that are not exported, verbs that make no sense). So two Strings are not compared with ==.
type String struct{ value *string }

// New wraps a secret text.
func New(value string) String {
	if value == "" {
		return String{}
	}
	return String{value: &value}
}

// Reveal gives the text itself; whoever calls it answers for where it goes.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty tells whether there is no secret at all.
func (s String) Empty() bool { return s.value == nil }

// String hides the value from fmt.
func (s String) String() string { return placeholder }

// GoString hides the value from %#v.
func (s String) GoString() string { return placeholder }

// LogValue hides the value from slog.
func (s String) LogValue() slog.Value { return slog.StringValue(placeholder) }

// MarshalText hides the value from encoders.
func (s String) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// UnmarshalText takes the value in, so that a secret can be a field of a decoded request.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}

// Bytes gives n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// Token gives 256 random bits as 43 characters of base64url.
func Token() string { return base64.RawURLEncoding.EncodeToString(Bytes(32)) }
