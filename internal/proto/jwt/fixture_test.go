package jwt

import (
	"crypto"
	"encoding/base64"
	"errors"
	"sync"
	"testing"
)

const kid = "key_0123456789abcdefghjkmnpqrs"

// generated makes each key once: RSA takes its time.
var generated = map[Algorithm]func() (crypto.Signer, error){
	ES256: sync.OnceValues(func() (crypto.Signer, error) { return Generate(ES256) }),
	EdDSA: sync.OnceValues(func() (crypto.Signer, error) { return Generate(EdDSA) }),
	RS256: sync.OnceValues(func() (crypto.Signer, error) { return Generate(RS256) }),
}

func keyFor(t testing.TB, alg Algorithm) crypto.Signer {
	t.Helper()
	key, err := generated[alg]()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signerFor(t testing.TB, alg Algorithm) *Signer {
	t.Helper()
	s, err := NewSigner(alg, kid, keyFor(t, alg))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// published answers as a ring that holds one key.
func published(alg Algorithm, key crypto.PublicKey) func(string, Algorithm) (crypto.PublicKey, bool) {
	return func(k string, a Algorithm) (crypto.PublicKey, bool) { return key, k == kid && a == alg }
}

// forge makes a token with any header over any payload, signed properly with the key of alg.
func forge(t testing.TB, alg Algorithm, header, payload string) string {
	t.Helper()
	input := base64url([]byte(header)) + "." + base64url([]byte(payload))
	signature, err := signerFor(t, alg).signature([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64url(signature)
}

func wantReason(t testing.TB, err error, want Reason) {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) || !errors.Is(err, want) {
		t.Fatalf("got error %v, want reason %q", err, want)
	}
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func someClaims() AccessClaims {
	return AccessClaims{
		Issuer: "https://id.example.org", Subject: "42", Audience: "https://id.example.org/api", ClientID: "durward",
		Scope: "account", Expires: 1_800_000_900, IssuedAt: 1_800_000_000, NotBefore: 1_800_000_000,
		ID: "n8Rj0UmkT3yDq9V4S1zZkQ", SessionID: "ses_0123456789abcdefghjkmnpqrs", AuthTime: 1_799_999_000,
		AMR: []string{"pwd"}, ACR: "urn:durward:acr:1fa", Username: "ada", Roles: []string{"admin", "viewer"},
	}
}
