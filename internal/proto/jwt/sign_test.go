package jwt

import (
	"crypto"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

func TestSign_HeaderBytesAreGolden(t *testing.T) {
	for alg, want := range map[Algorithm]string{
		ES256: `{"alg":"ES256","kid":"key_0123456789abcdefghjkmnpqrs","typ":"at+jwt"}`,
		EdDSA: `{"alg":"EdDSA","kid":"key_0123456789abcdefghjkmnpqrs","typ":"at+jwt"}`,
		RS256: `{"alg":"RS256","kid":"key_0123456789abcdefghjkmnpqrs","typ":"at+jwt"}`,
	} {
		token, err := signerFor(t, alg).Sign(TypeAccessToken, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		header, rest, _ := strings.Cut(token, ".")
		if got := string(unbase64(t, header)); got != want {
			t.Errorf("%s: header %s, want %s", alg, got, want)
		}
		if !strings.HasPrefix(rest, "e30.") {
			t.Errorf("%s: payload in %q, want e30", alg, rest)
		}
	}
}

func TestSign_EveryTokenIsVerifiedByGoJose(t *testing.T) {
	for _, alg := range Algorithms() {
		claims, err := someClaims().AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signerFor(t, alg).Sign(TypeAccessToken, claims)
		if err != nil {
			t.Fatal(err)
		}
		object, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		payload, err := object.Verify(keyFor(t, alg).Public())
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		if string(payload) != string(claims) {
			t.Errorf("%s: payload %s, want %s", alg, payload, claims)
		}
		if h := object.Signatures[0].Header; h.KeyID != kid || h.ExtraHeaders["typ"] != "at+jwt" {
			t.Errorf("%s: header %+v", alg, h)
		}
	}
}

func TestSign_RefusesATypeThatNoTokenHas(t *testing.T) {
	if _, err := signerFor(t, ES256).Sign("secevent+jwt", []byte("{}")); err == nil {
		t.Fatal("signed a token of a type that is not ours")
	}
}

func TestSign_RefusesATokenThatNobodyWouldRead(t *testing.T) {
	s := signerFor(t, ES256)
	if _, err := s.Sign(TypeAccessToken, make([]byte, MaxTokenLen*3/4)); err == nil {
		t.Fatal("signed a token longer than MaxTokenLen")
	}
	token, err := s.Sign(TypeAccessToken, make([]byte, 5900))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(token, TypeAccessToken, published(ES256, keyFor(t, ES256).Public())); err != nil {
		t.Fatalf("a token of %d bytes: %v", len(token), err)
	}
}

func TestNewSigner_RefusesAKeyOfAnotherAlgorithm(t *testing.T) {
	for _, alg := range Algorithms() {
		for _, other := range Algorithms() {
			if _, err := NewSigner(other, kid, keyFor(t, alg)); (err == nil) != (alg == other) {
				t.Errorf("signer for %s with a key of %s: %v", other, alg, err)
			}
		}
	}
	if _, err := NewSigner("none", kid, keyFor(t, ES256)); err == nil {
		t.Error("made a signer for none")
	}
}

func TestNewSigner_RefusesAKidThatNeedsEscaping(t *testing.T) {
	for _, bad := range []string{"", `a"b`, "a b", "ä", "a/b", strings.Repeat("k", 65)} {
		if _, err := NewSigner(ES256, bad, keyFor(t, ES256)); err == nil {
			t.Errorf("kid %q was taken", bad)
		}
	}
}

func TestSigner_TellsItsKeyAndAlgorithm(t *testing.T) {
	if s := signerFor(t, EdDSA); s.KeyID() != kid || s.Algorithm() != EdDSA {
		t.Errorf("got %s, %s", s.KeyID(), s.Algorithm())
	}
}

// remote is a key that lies elsewhere and answers as it likes.
type remote struct {
	crypto.Signer
	signature []byte
	err       error
}

func (r remote) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return r.signature, r.err }

func TestSign_AKeyThatFailsIsNamed(t *testing.T) {
	cause := errors.New("the vault is shut")
	s, err := NewSigner(ES256, kid, remote{Signer: keyFor(t, ES256), err: cause})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Sign(TypeAccessToken, []byte("{}"))
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), kid) {
		t.Fatalf("got %v", err)
	}
}

func TestSign_RefusesASignatureThatIsNotDER(t *testing.T) {
	long := append([]byte{0x02, 33, 1}, make([]byte, 32)...)
	for name, der := range map[string][]byte{
		"nothing":         {},
		"raw":             make([]byte, 64),
		"empty sequence":  {0x30, 0},
		"one integer":     {0x30, 3, 2, 1, 1},
		"three integers":  {0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1},
		"negative":        {0x30, 6, 2, 1, 0x80, 2, 1, 1},
		"empty integer":   {0x30, 5, 2, 0, 2, 1, 1},
		"cut short":       {0x30, 6, 2, 1, 1, 2, 4, 1},
		"wrong length":    {0x30, 7, 2, 1, 1, 2, 1, 1},
		"not an integer":  {0x30, 6, 3, 1, 1, 2, 1, 1},
		"over 256 bits":   append([]byte{0x30, byte(len(long) + 3), 2, 1, 1}, long...),
		"trailing":        {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
		"integer past it": {0x30, 3, 2, 0x7f, 1},
	} {
		s, err := NewSigner(ES256, kid, remote{Signer: keyFor(t, ES256), signature: der})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sign(TypeAccessToken, []byte("{}")); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestRawFromDER_AgreesWithASN1(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		integer := rapid.SliceOfN(rapid.Byte(), 1, 32)
		r := new(big.Int).SetBytes(integer.Draw(t, "r"))
		s := new(big.Int).SetBytes(integer.Draw(t, "s"))
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := rawFromDER(der)
		if err != nil {
			t.Fatalf("%x: %v", der, err)
		}
		if len(raw) != 64 || new(big.Int).SetBytes(raw[:32]).Cmp(r) != 0 ||
			new(big.Int).SetBytes(raw[32:]).Cmp(s) != 0 {
			t.Fatalf("%x became %x", der, raw)
		}
	})
}

func FuzzRawFromDER(f *testing.F) {
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Add([]byte{0x30, 8, 2, 2, 0, 0x80, 2, 2, 0, 0xff})
	f.Fuzz(func(t *testing.T, der []byte) {
		raw, err := rawFromDER(der)
		if err == nil && len(raw) != es256Len {
			t.Fatalf("%x became %x", der, raw)
		}
	})
}

func TestPrivateKeys_ComeBackFromPKCS8(t *testing.T) {
	for _, alg := range Algorithms() {
		key := keyFor(t, alg)
		der, err := MarshalPrivate(key)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParsePrivate(alg, der)
		if err != nil {
			t.Fatal(err)
		}
		if !key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(back) {
			t.Errorf("%s: another key came back", alg)
		}
		for _, other := range Algorithms() {
			if _, err := ParsePrivate(other, der); (err == nil) != (alg == other) {
				t.Errorf("a key of %s read as one of %s: %v", alg, other, err)
			}
		}
	}
}

func TestPrivateKeys_RefuseWhatIsNone(t *testing.T) {
	if _, err := ParsePrivate(ES256, []byte("not a key")); err == nil {
		t.Error("parsed nonsense")
	}
	if _, err := MarshalPrivate(remote{Signer: keyFor(t, ES256)}); err == nil {
		t.Error("marshalled a key that lies elsewhere")
	}
	if _, err := Generate("HS256"); err == nil {
		t.Error("generated a key for HS256")
	}
}

func TestJWKS_HoldsPublicMembersAloneAndIsReadByGoJose(t *testing.T) {
	var keys []JWK
	for _, alg := range Algorithms() {
		j, err := PublicJWK(alg, kid+string(alg), keyFor(t, alg).Public())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, j)
	}
	text, err := JWKS(keys)
	if err != nil {
		t.Fatal(err)
	}
	checkMembers(t, text)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	for _, alg := range Algorithms() {
		found := set.Key(kid + string(alg))
		if len(found) != 1 || !found[0].IsPublic() || !found[0].Valid() || found[0].Use != "sig" ||
			found[0].Algorithm != string(alg) {
			t.Fatalf("%s: %+v", alg, found)
		}
		if !keyFor(t, alg).Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(found[0].Key) {
			t.Errorf("%s: go-jose read another key", alg)
		}
	}
}

// checkMembers holds each key of a set to the members that its kind has in public.
func checkMembers(t *testing.T, text []byte) {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"EC": "alg crv kid kty use x y", "OKP": "alg crv kid kty use x", "RSA": "alg e kid kty n use",
	}
	for _, key := range set.Keys {
		for _, name := range strings.Fields(want[key["kty"]]) {
			if key[name] == "" {
				t.Errorf("%s: no %s", key["kty"], name)
			}
			delete(key, name)
		}
		if len(key) != 0 {
			t.Errorf("members beyond the public ones: %v", key)
		}
	}
}

func TestJWKS_OfNoKeysIsAnEmptyArray(t *testing.T) {
	if text, err := JWKS(nil); err != nil || string(text) != `{"keys":[]}` {
		t.Fatalf("%s, %v", text, err)
	}
}

func TestPublicJWK_RefusesAKeyOfAnotherAlgorithm(t *testing.T) {
	if _, err := PublicJWK(RS256, kid, keyFor(t, ES256).Public()); err == nil {
		t.Error("took a key of P-256 for RS256")
	}
	if _, err := PublicJWK(ES256, "a b", keyFor(t, ES256).Public()); err == nil {
		t.Error("took a kid with a space")
	}
}
