package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// JWK is a public signature key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). It has no member that could hold a private
// part.
type JWK struct {
	KeyType   string    `json:"kty"`
	Use       string    `json:"use"`
	Algorithm Algorithm `json:"alg"`
	KeyID     string    `json:"kid"`
	Curve     string    `json:"crv,omitempty"`
	X         string    `json:"x,omitempty"`
	Y         string    `json:"y,omitempty"`
	Modulus   string    `json:"n,omitempty"`
	Exponent  string    `json:"e,omitempty"`
}

// PublicJWK describes a public key. The key must be one for the algorithm.
func PublicJWK(alg Algorithm, kid string, key crypto.PublicKey) (JWK, error) {
	if err := checkKeyID(kid); err != nil {
		return JWK{}, err
	}
	if err := checkPublic(alg, key); err != nil {
		return JWK{}, err
	}
	j := JWK{Use: "sig", Algorithm: alg, KeyID: kid}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return j.withEC(k)
	case ed25519.PublicKey:
		j.KeyType, j.Curve, j.X = "OKP", "Ed25519", base64url(k)
	case *rsa.PublicKey:
		j.KeyType, j.Modulus, j.Exponent = "RSA", base64url(k.N.Bytes()), base64url(big.NewInt(int64(k.E)).Bytes())
	}
	return j, nil
}

func (j JWK) withEC(k *ecdsa.PublicKey) (JWK, error) {
	point, err := k.Bytes() // 4, x, y: uncompressed (SEC 1 §2.3.3), of fixed width as RFC 7518 §6.2.1.2 wants it
	if err != nil {
		return JWK{}, fmt.Errorf("public key %s: %w", j.KeyID, err)
	}
	j.KeyType, j.Curve = "EC", "P-256"
	j.X, j.Y = base64url(point[1:33]), base64url(point[33:])
	return j, nil
}

// JWKS renders a JWK Set (RFC 7517 §5). No keys give an empty set.
func JWKS(keys []JWK) ([]byte, error) {
	if keys == nil {
		keys = []JWK{}
	}
	return json.Marshal(struct {
		Keys []JWK `json:"keys"`
	}{keys})
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
