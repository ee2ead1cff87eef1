package web

import (
	"strings"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// maxToken is the longest access token that is looked at, in bytes.
const maxToken = 8 << 10

var (
	// ErrNoToken refuses a call that came without an access token: 401 with a bare challenge (RFC 6750 §3.1).
	ErrNoToken = errs.New(errs.Unauthenticated, CodeTokenMissing,
		"This needs an access token: send the header Authorization: Bearer and the token.")
	// ErrMalformedToken refuses an Authorization header that says Bearer but carries no well-formed token.
	ErrMalformedToken = errs.New(errs.Unauthenticated, CodeInvalidToken,
		"The Authorization header must be sent once and hold Bearer, one space and the access token.")
)

// BearerToken reads the access token of the Authorization header (RFC 6750 §2.1), and from nowhere else: tokens in a
// query or a form are never read. Without one, or with credentials of another scheme, it gives ErrNoToken;
// ErrMalformedToken when there is more than one header, or what follows the scheme is not one b64token of at most 8
// KiB.
func BearerToken(r *Request) (secret.String, error) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return secret.String{}, ErrNoToken
	}
	if len(values) > 1 {
		return secret.String{}, ErrMalformedToken
	}
	scheme, token, found := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return secret.String{}, ErrNoToken
	}
	if !found || !b64token(token) {
		return secret.String{}, ErrMalformedToken
	}
	return secret.New(token), nil
}

// b64token follows RFC 6750 §2.1: one or more of the token's letters, then any number of '='.
func b64token(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" || len(s) > maxToken {
		return false
	}
	for i := range len(body) {
		if c := body[i]; !tokenByte(c) && c != '~' && c != '+' && c != '/' {
			return false
		}
	}
	return true
}
