// Package jwt makes and checks the signed tokens of this product: JSON Web Tokens (RFC 7519) in JWS compact form
// (RFC 7515), held to RFC 8725, with the claims of RFC 9068 for access tokens. It also makes the keys and renders
// their public parts as a JWK Set (RFC 7517).
//
// It is pure: no clock, no storage, no network. Which keys exist and which of them signs is core/signingkey's matter,
// what a token says is flow/issue's, and whether it still counts is read from the database.
package jwt

import "fmt"

// Algorithm is a signature algorithm by its JWS name (RFC 7518 §3.1, RFC 8037 §3.1). The three constants are the whole
// allow-list; "none" and the HMAC family have no place here.
type Algorithm string

// The algorithms.
const (
	// ES256 is ECDSA on P-256 with SHA-256. It is the default: small keys and signatures, cheap to sign.
	ES256 Algorithm = "ES256"
	// EdDSA is Ed25519.
	EdDSA Algorithm = "EdDSA"
	// RS256 is RSASSA-PKCS1-v1_5 with SHA-256. It signs some thirty times slower than ES256.
	RS256 Algorithm = "RS256"
)

// Algorithms lists the allow-list, the default first.
func Algorithms() []Algorithm { return []Algorithm{ES256, EdDSA, RS256} }

// ParseAlgorithm reads the JWS name of an algorithm. Names are case-sensitive.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch a := Algorithm(name); a {
	case ES256, EdDSA, RS256:
		return a, nil
	}
	return "", fmt.Errorf("signature algorithm %q: expected ES256, EdDSA or RS256", clip(name))
}

// TypeAccessToken is the `typ` of access tokens (RFC 9068 §2.1).
const TypeAccessToken = "at+jwt"

// types are those that a Signer has headers for.
func types() []string { return []string{TypeAccessToken} }

// MaxTokenLen is the length in bytes of the longest token that is made or looked at.
const MaxTokenLen = 8 << 10

// maxKeyIDLen bounds a `kid`.
const maxKeyIDLen = 64

// checkKeyID accepts what is safe as part of a JSON text, a log line and a URL: letters, digits and "-._~".
func checkKeyID(kid string) error {
	if kid == "" || len(kid) > maxKeyIDLen {
		return fmt.Errorf("kid of %d bytes: expected 1 to %d", len(kid), maxKeyIDLen)
	}
	for i := range len(kid) {
		if !unreserved(kid[i]) {
			return fmt.Errorf("kid with the byte %#x: expected letters, digits and -._~ alone", kid[i])
		}
	}
	return nil
}

// unreserved tells the characters of RFC 3986 §2.3.
func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

// clip keeps what a stranger sent short enough for an error.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
