// Package errs is the one error type that crosses from the domain to the outside: a kind, a stable code, a message that
// is safe to show, the failing fields, and a cause for the log alone. It knows no HTTP status; surface/web maps kinds.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind groups errors by what the caller can do about them.
type Kind uint8

const (
	// Internal is a failure of ours; the caller can only try again or report it.
	Internal Kind = iota
	// Invalid means that the input is understood but breaks a rule.
	Invalid
	// Unauthenticated means that the caller is not, or no longer, known.
	Unauthenticated
	// Forbidden means that the caller is known and may not.
	Forbidden
	// NotFound means that there is no such thing, or none that the caller may know of.
	NotFound
	// Conflict means that the input clashes with what is there.
	Conflict
	// TooMany means that the caller has to slow down.
	TooMany
	// Unavailable means that the server cannot do it now and may soon.
	Unavailable
)

// Field is what is wrong with one field of a request. Rules are stable machine words ("too_short"); Message is one or
// more sentences for people. The refused value is never part of it.
type Field struct {
	Field   string
	Rules   []string
	Message string
}

// Error is a refusal or a failure. Code is stable and documented, Message safe to show. RetryAfter is set where trying
// again later helps.
type Error struct {
	Kind       Kind
	Code       string
	Message    string
	Fields     []Field
	RetryAfter time.Duration
	cause      error
}

// New makes an error with a stable code and a message that is safe to show.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Wrap makes an error that carries a cause, which is logged and never shown.
func Wrap(cause error, kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message, cause: cause}
}

// Error gives code, message and cause: the form for logs, never for answers.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is compare by code, so that a decorated copy still matches its original.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With gives a copy that carries a cause. Errors are shared values; they are copied before they are decorated.
func (e *Error) With(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// WithFields gives a copy that names the failing fields.
func (e *Error) WithFields(fields ...Field) *Error {
	c := *e
	c.Fields = fields
	return &c
}

// WithRetry gives a copy that tells when trying again may help.
func (e *Error) WithRetry(after time.Duration) *Error {
	c := *e
	c.RetryAfter = after
	return &c
}

// As gives the *Error in err's chain, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
