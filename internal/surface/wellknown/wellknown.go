// Package wellknown serves the documents that others fetch to trust us: the public signing keys. They are prebuilt by
// whoever owns them; this package only puts them on the wire.
package wellknown

import (
	"net/http"
	"strconv"

	"github.com/durwardhq/durward/internal/core/signingkey"
	"github.com/durwardhq/durward/internal/surface/web"
)

// Documents answers from memory.
type Documents struct{ Keys *signingkey.Ring }

// jwk documents the members that a key may have (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
type jwk struct {
	KeyType   string `json:"kty" enum:"EC,OKP,RSA"`
	Use       string `json:"use" enum:"sig"`
	Algorithm string `json:"alg" enum:"ES256,EdDSA,RS256"`
	KeyID     string `json:"kid"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	Modulus   string `json:"n,omitempty"`
	Exponent  string `json:"e,omitempty"`
}

type jwks struct {
	Keys []jwk `json:"keys"`
}

// JWKS is GET /.well-known/jwks.json (RFC 7517 §5).
func (d *Documents) JWKS() web.Endpoint {
	op := web.Operation{
		OperationID: "getKeys", Tag: "Discovery", Summary: "The public signing keys", Success: http.StatusOK,
		Description: "The keys that access tokens are verified with, by kid. A key is published before it signs, so a " +
			"copy may be kept for as long as Cache-Control says.",
		CacheControl: "public, max-age=" + strconv.Itoa(int(signingkey.JWKSMaxAge.Seconds())),
		Produces:     "application/json", Answer: jwks{},
	}
	return web.Bytes(op, func(*web.Request) (web.Content, error) {
		document := d.Keys.JWKS()
		return web.Content{Body: document.Body, ETag: document.ETag}, nil
	})
}
