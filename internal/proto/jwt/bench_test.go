package jwt

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"testing"
)

// The benchmarks come in pairs: what is done here, and the bare cryptography that it cannot be quicker than.

func BenchmarkToken(b *testing.B) {
	for _, alg := range Algorithms() {
		signer, claims := signerFor(b, alg), someClaims()
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text, err := claims.AppendJSON(nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := signer.Sign(TypeAccessToken, text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBareSignature(b *testing.B) {
	for _, alg := range Algorithms() {
		key, message := keyFor(b, alg), make([]byte, 600)
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bareSign(alg, key, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func bareSign(alg Algorithm, key crypto.Signer, message []byte) ([]byte, error) {
	if alg == EdDSA {
		return key.Sign(rand.Reader, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	return key.Sign(rand.Reader, digest[:], crypto.SHA256)
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range Algorithms() {
		claims, err := someClaims().AppendJSON(nil)
		if err != nil {
			b.Fatal(err)
		}
		token, err := signerFor(b, alg).Sign(TypeAccessToken, claims)
		if err != nil {
			b.Fatal(err)
		}
		keys := published(alg, keyFor(b, alg).Public())
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				payload, err := Verify(token, TypeAccessToken, keys)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := ParseAccessClaims(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBareVerification(b *testing.B) {
	message := make([]byte, 600)
	for _, alg := range Algorithms() {
		signature, err := signerFor(b, alg).signature(message)
		if err != nil {
			b.Fatal(err)
		}
		key := keyFor(b, alg).Public()
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := verifySignature(alg, key, message, signature); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkClaims(b *testing.B) {
	claims := someClaims()
	b.Run("AppendJSON", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := claims.AppendJSON(nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(claims); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ParseAccessClaims", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseAccessClaims([]byte(claimsText)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
