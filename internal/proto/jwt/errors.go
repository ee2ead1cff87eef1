package jwt

import "fmt"

// Reason is why a token is refused: a stable word for logs and metrics, never for the caller, who is told only that
// the token is invalid. It is an error, so errors.Is(err, jwt.ErrSignature) works.
type Reason string

// The reasons.
const (
	// ErrMalformed: not a token of the form that is made here, or claims missing or of the wrong type.
	ErrMalformed Reason = "malformed"
	// ErrAlgorithm: an algorithm that is not allowed, or not the key's own.
	ErrAlgorithm Reason = "algorithm"
	// ErrType: a token of another kind (RFC 8725 §3.11).
	ErrType Reason = "typ"
	// ErrUnknownKey: no such key is published.
	ErrUnknownKey Reason = "unknown_key"
	// ErrSignature: the signature is not the key's over this token.
	ErrSignature Reason = "signature"
	// ErrIssuer: made by somebody else.
	ErrIssuer Reason = "issuer"
	// ErrAudience: made for another API.
	ErrAudience Reason = "audience"
	// ErrClient: made for another client.
	ErrClient Reason = "client"
	// ErrExpired: past its `exp`.
	ErrExpired Reason = "expired"
	// ErrNotYetValid: before its `nbf` or `iat` by more than the leeway.
	ErrNotYetValid Reason = "not_yet_valid"
)

// Error implements error.
func (r Reason) Error() string { return string(r) }

// Error is a refusal of a token: the reason and what exactly was found. It never holds the token.
type Error struct {
	Reason Reason
	Detail string
}

// Error gives reason and detail.
func (e *Error) Error() string { return "token refused: " + string(e.Reason) + ": " + e.Detail }

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Reason }

func refuse(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Detail: fmt.Sprintf(format, args...)}
}
