package jwt

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// Signer makes tokens with one key. Everything that does not change from token to token is done when it is made. It is
// safe for concurrent use if the key is, which those of the standard library are.
type Signer struct {
	alg     Algorithm
	kid     string
	key     crypto.Signer
	headers map[string]string // by typ: the header as it stands in the token, with the dot after it
}

// NewSigner prepares a signer. The key may lie elsewhere: it is asked for signatures as crypto.Signer says, ECDSA in
// ASN.1 DER. It must be one for the algorithm.
func NewSigner(alg Algorithm, kid string, key crypto.Signer) (*Signer, error) {
	if err := checkKeyID(kid); err != nil {
		return nil, err
	}
	if err := checkPublic(alg, key.Public()); err != nil {
		return nil, err
	}
	s := &Signer{alg: alg, kid: kid, key: key, headers: map[string]string{}}
	for _, typ := range types() {
		s.headers[typ] = encodeHeader(alg, kid, typ) + "."
	}
	return s, nil
}

// encodeHeader writes the JOSE header. Nothing in it needs escaping: kid and typ are of known characters.
func encodeHeader(alg Algorithm, kid, typ string) string {
	return base64url([]byte(`{"alg":"` + string(alg) + `","kid":"` + kid + `","typ":"` + typ + `"}`))
}

// KeyID is the `kid` of the tokens.
func (s *Signer) KeyID() string { return s.kid }

// Algorithm is the `alg` of the tokens.
func (s *Signer) Algorithm() Algorithm { return s.alg }

// maxSignatureLen leaves room in the buffer for the longest common signature, RSA of 4096 bits.
const maxSignatureLen = 512

// Sign makes a token in compact form (RFC 7515 §7.1) of a type with the claims, which are a JSON object as AppendJSON
// writes it. It fails for a type that no token here has, for a token over MaxTokenLen, and where the key fails.
func (s *Signer) Sign(typ string, claims []byte) (string, error) {
	header, ok := s.headers[typ]
	if !ok {
		return "", fmt.Errorf("sign a token: typ %q is not one of ours", clip(typ))
	}
	enc := base64.RawURLEncoding
	buf := make([]byte, 0, len(header)+enc.EncodedLen(len(claims))+1+enc.EncodedLen(maxSignatureLen))
	buf = append(buf, header...)
	buf = enc.AppendEncode(buf, claims)
	signature, err := s.signature(buf)
	if err != nil {
		return "", fmt.Errorf("sign a token with key %s: %w", s.kid, err)
	}
	buf = append(buf, '.')
	buf = enc.AppendEncode(buf, signature)
	if len(buf) > MaxTokenLen {
		return "", fmt.Errorf("sign a token: it would be %d bytes long, the most is %d", len(buf), MaxTokenLen)
	}
	return string(buf), nil
}

// signature signs the signing input in the form that JWS has for the algorithm.
func (s *Signer) signature(input []byte) ([]byte, error) {
	if s.alg == EdDSA {
		return s.key.Sign(rand.Reader, input, crypto.Hash(0))
	}
	digest := sha256.Sum256(input)
	signature, err := s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil || s.alg == RS256 {
		return signature, err
	}
	return rawFromDER(signature)
}

// es256Len is the length of an ES256 signature: r and s of 32 bytes each (RFC 7518 §3.4).
const es256Len = 64

var errDER = errors.New("the key gave a signature that is not ECDSA of P-256 in DER")

// rawFromDER turns SEQUENCE { INTEGER r, INTEGER s } into r and s side by side, each of fixed width.
func rawFromDER(der []byte) ([]byte, error) {
	// A signature of P-256 is at most 72 bytes, so that every length is one byte.
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return nil, errDER
	}
	raw := make([]byte, es256Len)
	rest, ok := takeInteger(der[2:], raw[:es256Len/2])
	if ok {
		rest, ok = takeInteger(rest, raw[es256Len/2:])
	}
	if !ok || len(rest) != 0 {
		return nil, errDER
	}
	return raw, nil
}

// takeInteger reads a positive INTEGER off the front of der into dst, right-aligned.
func takeInteger(der, dst []byte) (rest []byte, ok bool) {
	if len(der) < 3 || der[0] != 0x02 || der[1] == 0 || int(der[1]) > len(der)-2 {
		return nil, false
	}
	value, rest := der[2:2+int(der[1])], der[2+int(der[1]):]
	if value[0]&0x80 != 0 { // negative
		return nil, false
	}
	if value[0] == 0 && len(value) > 1 {
		value = value[1:]
	}
	if len(value) > len(dst) {
		return nil, false
	}
	copy(dst[len(dst)-len(value):], value)
	return rest, true
}
