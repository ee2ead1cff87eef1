package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
)

const (
	// rsaBits is the size of the RSA keys made here: 128 bits of security (NIST SP 800-57, OWASP ASVS 11.2.3).
	rsaBits = 3072
	// minRSABits is the smallest RSA key that is accepted from elsewhere (RFC 7518 §3.3).
	minRSABits = 2048
)

// Generate makes a private key: P-256 for ES256, Ed25519 for EdDSA, RSA of 3072 bits for RS256. The last takes a good
// part of a second.
func Generate(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	_, err := ParseAlgorithm(string(alg))
	return nil, err
}

// MarshalPrivate gives a private key as PKCS #8 DER (RFC 5958), in the clear: it is for sealing.
func MarshalPrivate(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("marshal a private key: %w", err)
	}
	return der, nil
}

// ParsePrivate reads what MarshalPrivate wrote and checks that the key is one for the algorithm.
func ParsePrivate(alg Algorithm, der []byte) (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parse a private key: %w", err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private key of type %T cannot sign", parsed)
	}
	return key, checkPublic(alg, key.Public())
}

// checkPublic tells whether a key is one that the algorithm may be used with (RFC 8725 §3.1: one key, one algorithm).
func checkPublic(alg Algorithm, key crypto.PublicKey) error {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if alg == ES256 && k.Curve == elliptic.P256() {
			return nil
		}
	case ed25519.PublicKey:
		if alg == EdDSA && len(k) == ed25519.PublicKeySize {
			return nil
		}
	case *rsa.PublicKey:
		if alg == RS256 && k.N.BitLen() >= minRSABits {
			return nil
		}
	}
	return fmt.Errorf("key of type %T is not one for %q", key, clip(string(alg)))
}
