// Package floors does the bare work that the server's figures are set beside, in a process of its own: the hash, the
// signature, the row read and written, and the same behind net/http, with nothing else around them. It owns that work
// and how it is timed from inside; loading it from outside, and what the ratios mean, is the bench's.
package floors

// The floors, by the names that the report has for them.
const (
	Argon2Other = "argon2id, x/crypto"
	Argon2      = "argon2id, bare"
	Sign        = "ES256 sign"
	Token       = "access token"
	Verify      = "ES256 verify"
	Select      = "one SELECT"
	Update      = "one UPDATE"
	Check       = "verify + SELECT"

	Hello     = "hello"
	HelloSign = "hello + ES256 sign"
	HTTPCheck = "hello + verify + SELECT"
	HTTPRenew = "hello + SELECT + UPDATE + sign"
)

// The URLs of the floors that include net/http.
const (
	pathHello = "/hello"
	pathSign  = "/sign"
	pathCheck = "/check"
	pathRenew = "/renew"
)

// Paths are the URLs of the floors that have one.
var Paths = map[string]string{Hello: pathHello, HelloSign: pathSign, HTTPCheck: pathCheck,
	HTTPRenew: pathRenew}
