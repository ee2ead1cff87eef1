package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
)

// maxHeaderLen bounds the header's part of a token in bytes. Ours need about 100.
const maxHeaderLen = 512

// strict refuses padding, characters of the other alphabet and set bits after the last whole byte, so that one byte
// string has one text. Only line breaks get past it; decode looks for them.
var strict = base64.RawURLEncoding.Strict()

// header is the JOSE header of a token of ours.
type header struct{ alg, kid, typ string }

// Verify checks the signature of a token in compact form and gives its payload. typ is the type that the token has to
// have, as TypeAccessToken; keys finds the public key of a kid if it is one for the algorithm.
//
// A key comes from keys alone: a token that brings one along, or says where to fetch one, is refused, and so is any
// other header member that tokens of ours do not have, `crit` among them (RFC 7515 §4.1.11). Errors are *Error.
//
// The payload is bytes; ParseAccessClaims reads them, and AccessClaims.Validate checks what they say.
func Verify(token, typ string, keys func(kid string, alg Algorithm) (crypto.PublicKey, bool)) ([]byte, error) {
	if len(token) > MaxTokenLen {
		return nil, refuse(ErrMalformed, "%d bytes long, the most is %d", len(token), MaxTokenLen)
	}
	if dots := strings.Count(token, "."); dots != 2 {
		return nil, refuse(ErrMalformed, "%d dots, expected 2", dots)
	}
	first, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	alg, kid, err := checkHeader(token[:first], typ)
	if err != nil {
		return nil, err
	}
	signature, err := decode("signature", token[last+1:])
	if err != nil {
		return nil, err
	}
	key, ok := keys(kid, alg)
	if !ok {
		return nil, refuse(ErrUnknownKey, "no key %s for %s", kid, alg)
	}
	if err := verifySignature(alg, key, []byte(token[:last]), signature); err != nil {
		return nil, err
	}
	return decode("payload", token[first+1:last])
}

// decode reads one part of a token.
func decode(part, text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // the decoder would pass over them
		return nil, refuse(ErrMalformed, "%s with a line break", part)
	}
	raw, err := strict.DecodeString(text)
	if err != nil {
		return nil, refuse(ErrMalformed, "%s is not base64url: %v", part, err)
	}
	return raw, nil
}

// checkHeader reads the header and holds it against the allow-list and the expected type.
func checkHeader(encoded, typ string) (Algorithm, string, error) {
	if len(encoded) > maxHeaderLen {
		return "", "", refuse(ErrMalformed, "header of %d bytes, the most is %d", len(encoded), maxHeaderLen)
	}
	raw, err := decode("header", encoded)
	if err != nil {
		return "", "", err
	}
	var h header
	if err := object(raw, h.set); err != nil {
		return "", "", refuse(ErrMalformed, "header: %v", err)
	}
	alg, err := ParseAlgorithm(h.alg)
	if err != nil {
		return "", "", refuse(ErrAlgorithm, "%v", err)
	}
	if !sameMediaType(h.typ, typ) {
		return "", "", refuse(ErrType, "typ %q, expected %q", clip(h.typ), typ)
	}
	if err := checkKeyID(h.kid); err != nil {
		return "", "", refuse(ErrMalformed, "header: %v", err)
	}
	return alg, h.kid, nil
}

func (h *header) set(name string, value []byte) error {
	switch name {
	case "alg":
		return text(value, &h.alg)
	case "kid":
		return text(value, &h.kid)
	case "typ":
		return text(value, &h.typ)
	}
	return fmt.Errorf("expected alg, kid and typ alone")
}

// sameMediaType compares as RFC 7515 §4.1.9 says: without regard to case, "application/" understood where there is no
// other slash. No type equals none.
func sameMediaType(got, want string) bool {
	folded := foldType(want)
	return folded != "" && foldType(got) == folded
}

// foldType lowers ASCII letters alone: the Kelvin sign is no k here.
func foldType(s string) string {
	lower := strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
	if bare, ok := strings.CutPrefix(lower, "application/"); ok && !strings.Contains(bare, "/") {
		return bare
	}
	return lower
}

// verifySignature checks a signature in the form of JWS over the signing input.
func verifySignature(alg Algorithm, key crypto.PublicKey, input, signature []byte) error {
	if err := checkPublic(alg, key); err != nil {
		return refuse(ErrAlgorithm, "%v", err)
	}
	var good bool
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		good = verifyES256(k, input, signature)
	case ed25519.PublicKey:
		good = ed25519.Verify(k, input, signature)
	case *rsa.PublicKey:
		digest := sha256.Sum256(input)
		good = rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature) == nil
	}
	if !good {
		return refuse(ErrSignature, "not a signature of the key over this token")
	}
	return nil
}

func verifyES256(key *ecdsa.PublicKey, input, signature []byte) bool {
	if len(signature) != es256Len {
		return false
	}
	digest := sha256.Sum256(input)
	r := new(big.Int).SetBytes(signature[:es256Len/2])
	s := new(big.Int).SetBytes(signature[es256Len/2:])
	return ecdsa.Verify(key, digest[:], r, s)
}
