package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

func TestVerify_GivesBackWhatWasSigned(t *testing.T) {
	for _, alg := range Algorithms() {
		s, keys := signerFor(t, alg), published(alg, keyFor(t, alg).Public())
		rapid.Check(t, func(t *rapid.T) {
			want := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "payload")
			token, err := s.Sign(TypeAccessToken, want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Verify(token, TypeAccessToken, keys)
			if err != nil || string(got) != string(want) {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestVerify_RefusesEveryOneBitChange(t *testing.T) {
	for _, alg := range Algorithms() {
		keys := published(alg, keyFor(t, alg).Public())
		token, err := signerFor(t, alg).Sign(TypeAccessToken, []byte(`{"sub":"1"}`))
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(token) {
			for bit := range 8 {
				changed := []byte(token)
				changed[i] ^= 1 << bit
				if _, err := Verify(string(changed), TypeAccessToken, keys); err == nil {
					t.Fatalf("%s: bit %d of byte %d changed and still good: %s", alg, bit, i, changed)
				}
			}
		}
	}
}

func TestVerify_RefusesEveryTokenThatIsCutOrLengthened(t *testing.T) {
	keys := published(ES256, keyFor(t, ES256).Public())
	token, err := signerFor(t, ES256).Sign(TypeAccessToken, []byte(`{"sub":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(token) {
		if _, err := Verify(token[:n], TypeAccessToken, keys); err == nil {
			t.Errorf("the first %d bytes are taken", n)
		}
	}
	for _, more := range []string{".", "A", "AAAA", "=", "==", "\n", "\r\n", " ", "\x00", ".AAAA"} {
		wantRefused(t, token+more, keys)
		wantRefused(t, more+token, keys)
	}
}

func wantRefused(t *testing.T, token string, keys func(string, Algorithm) (crypto.PublicKey, bool)) {
	t.Helper()
	if _, err := Verify(token, TypeAccessToken, keys); err == nil {
		t.Errorf("taken: %q", token)
	}
}

// TestVerify_RefusesHeaders signs each with the right key: it is the header alone that is wrong.
func TestVerify_RefusesHeaders(t *testing.T) {
	jwk := `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	with := func(member string) string { return `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt",` + member + `}` }
	cases := map[string]struct {
		header string
		want   Reason
	}{
		"empty":               {``, ErrMalformed},
		"no object":           {`"ES256"`, ErrMalformed},
		"array":               {`[]`, ErrMalformed},
		"null":                {`null`, ErrMalformed},
		"cut":                 {`{"alg":"ES256"`, ErrMalformed},
		"trailing":            {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"} {}`, ErrMalformed},
		"invalid UTF-8":       {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt` + "\xff" + `"}`, ErrMalformed},
		"no members":          {`{}`, ErrAlgorithm},
		"no alg":              {`{"kid":"` + kid + `","typ":"at+jwt"}`, ErrAlgorithm},
		"none":                {`{"alg":"none","kid":"` + kid + `","typ":"at+jwt"}`, ErrAlgorithm},
		"None":                {`{"alg":"None","kid":"` + kid + `","typ":"at+jwt"}`, ErrAlgorithm},
		"HS256":               {`{"alg":"HS256","kid":"` + kid + `","typ":"at+jwt"}`, ErrAlgorithm},
		"ES384":               {`{"alg":"ES384","kid":"` + kid + `","typ":"at+jwt"}`, ErrAlgorithm},
		"es256":               {`{"alg":"es256","kid":"` + kid + `","typ":"at+jwt"}`, ErrAlgorithm},
		"ALG":                 {`{"ALG":"ES256","kid":"` + kid + `","typ":"at+jwt"}`, ErrMalformed},
		"alg a number":        {`{"alg":1,"kid":"` + kid + `","typ":"at+jwt"}`, ErrMalformed},
		"alg null":            {`{"alg":null,"kid":"` + kid + `","typ":"at+jwt"}`, ErrMalformed},
		"alg twice":           {with(`"alg":"none"`), ErrMalformed},
		"alg twice, the same": {with(`"alg":"ES256"`), ErrMalformed},
		"alg twice, escaped":  {with(`"\u0061lg":"none"`), ErrMalformed},
		"kid twice":           {with(`"kid":"x"`), ErrMalformed},
		"no kid":              {`{"alg":"ES256","typ":"at+jwt"}`, ErrMalformed},
		"empty kid":           {`{"alg":"ES256","kid":"","typ":"at+jwt"}`, ErrMalformed},
		"kid a path":          {`{"alg":"ES256","kid":"../../etc/passwd","typ":"at+jwt"}`, ErrMalformed},
		"kid with SQL":        {`{"alg":"ES256","kid":"x' OR 1=1--","typ":"at+jwt"}`, ErrMalformed},
		"kid too long":        {`{"alg":"ES256","kid":"` + strings.Repeat("k", 65) + `","typ":"at+jwt"}`, ErrMalformed},
		"kid an array":        {`{"alg":"ES256","kid":["` + kid + `"],"typ":"at+jwt"}`, ErrMalformed},
		"other kid":           {`{"alg":"ES256","kid":"other","typ":"at+jwt"}`, ErrUnknownKey},
		"no typ":              {`{"alg":"ES256","kid":"` + kid + `"}`, ErrType},
		"empty typ":           {`{"alg":"ES256","kid":"` + kid + `","typ":""}`, ErrType},
		"JWT":                 {`{"alg":"ES256","kid":"` + kid + `","typ":"JWT"}`, ErrType},
		"logout token":        {`{"alg":"ES256","kid":"` + kid + `","typ":"logout+jwt"}`, ErrType},
		"text/at+jwt":         {`{"alg":"ES256","kid":"` + kid + `","typ":"text/at+jwt"}`, ErrType},
		"typ with parameter":  {`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt;v=1"}`, ErrType},
		"crit":                {with(`"crit":["exp"],"exp":1`), ErrMalformed},
		"empty crit":          {with(`"crit":[]`), ErrMalformed},
		"b64":                 {with(`"crit":["b64"],"b64":false`), ErrMalformed},
		"jwk":                 {with(`"jwk":` + jwk), ErrMalformed},
		"jku":                 {with(`"jku":"https://evil.example/jwks.json"`), ErrMalformed},
		"x5u":                 {with(`"x5u":"https://evil.example/cert.pem"`), ErrMalformed},
		"x5c":                 {with(`"x5c":["MIIB"]`), ErrMalformed},
		"x5t":                 {with(`"x5t":"AAAA"`), ErrMalformed},
		"cty":                 {with(`"cty":"JWT"`), ErrMalformed},
		"zip":                 {with(`"zip":"DEF"`), ErrMalformed},
		"something else":      {with(`"x":[[[{}]],{"y":{}}]`), ErrMalformed},
		"over 512 bytes":      {strings.Repeat(" ", 400) + `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}`, ErrMalformed},
	}
	keys := published(ES256, keyFor(t, ES256).Public())
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Verify(forge(t, ES256, c.header, `{}`), TypeAccessToken, keys)
			wantReason(t, err, c.want)
		})
	}
}

func TestVerify_ComparesTypesAsMediaTypes(t *testing.T) {
	keys := published(ES256, keyFor(t, ES256).Public())
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"} {
		token := forge(t, ES256, `{"typ":"`+typ+`","kid":"`+kid+`","alg":"ES256"}`, `{}`)
		if _, err := Verify(token, "at+jwt", keys); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		if _, err := Verify(token, "application/at+jwt", keys); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		_, err := Verify(token, "dpop+jwt", keys)
		wantReason(t, err, ErrType)
		_, err = Verify(token, "", keys)
		wantReason(t, err, ErrType)
	}
	if sameMediaType("\u212aey+jwt", "key+jwt") {
		t.Error("the Kelvin sign passes for a k")
	}
	if sameMediaType("application/a/b", "a/b") {
		t.Error("application/ was left out before a type that has a slash")
	}
}

func TestVerify_RefusesShapes(t *testing.T) {
	keys := published(ES256, keyFor(t, ES256).Public())
	good, err := signerFor(t, ES256).Sign(TypeAccessToken, []byte(`{"sub":"12"}`))
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(good, ".")
	join := func(h, p, s string) string { return h + "." + p + "." + s }
	for name, token := range map[string]string{
		"nothing":    "",
		"no dots":    "token",
		"only dots":  "..",
		"one dot":    part[0] + "." + part[1],
		"three dots": good + ".",
		"five parts": good + ".a.b",
		"many dots":  strings.Repeat(".", MaxTokenLen),
		"too long":   good + strings.Repeat("A", MaxTokenLen),
		"JSON form": `{"payload":"` + part[1] + `","protected":"` + part[0] + `",` +
			`"signature":"` + part[2] + `"}`,
		"padded header":         join(part[0]+"=", part[1], part[2]),
		"padded signature":      join(part[0], part[1], part[2]+"=="),
		"other alphabet":        join(part[0], part[1], "+"+part[2][1:]),
		"line break in header":  join(part[0][:4]+"\n"+part[0][4:], part[1], part[2]),
		"line break in the end": good + "\n",
		"trailing bits":         join(part[0], part[1], part[2][:85]+string(next64(part[2][85]))),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Verify(token, TypeAccessToken, keys)
			wantReason(t, err, ErrMalformed)
		})
	}
}

// next64 gives the character of base64url whose lowest bit alone differs.
func next64(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

// TestVerify_RefusesAPayloadThatIsNotStrictBase64 has signatures that are good over the text as it stands.
func TestVerify_RefusesAPayloadThatIsNotStrictBase64(t *testing.T) {
	keys := published(ES256, keyFor(t, ES256).Public())
	for _, payload := range []string{"e30=", "e31", "e3\n0", "e", "e3+/", "{}"} {
		input := encodeHeader(ES256, kid, TypeAccessToken) + "." + payload
		signature, err := signerFor(t, ES256).signature([]byte(input))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Verify(input+"."+base64url(signature), TypeAccessToken, keys)
		wantReason(t, err, ErrMalformed)
	}
}

func TestVerify_RefusesSignatures(t *testing.T) {
	keys := published(ES256, keyFor(t, ES256).Public())
	input := encodeHeader(ES256, kid, TypeAccessToken) + ".e30"
	signature, err := signerFor(t, ES256).signature([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(input))
	der, err := keyFor(t, ES256).Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string][]byte{
		"none":       {},
		"zeros":      make([]byte, 64), // CVE-2022-21449
		"ones":       []byte(strings.Repeat("\xff", 64)),
		"DER":        der,
		"cut":        signature[:63],
		"lengthened": append(signature[:64:64], 0),
		"wider s":    append(append(signature[:32:32], 0), signature[32:]...),
		"r alone":    signature[:32],
		"swapped":    append(signature[32:64:64], signature[:32]...),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Verify(input+"."+base64url(s), TypeAccessToken, keys)
			wantReason(t, err, ErrSignature)
		})
	}
}

func TestVerify_RefusesTheSignatureOfAnotherKey(t *testing.T) {
	for _, alg := range Algorithms() {
		other, err := Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signerFor(t, alg).Sign(TypeAccessToken, []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Verify(token, TypeAccessToken, published(alg, other.Public()))
		wantReason(t, err, ErrSignature)
	}
}

func TestVerify_AKeyIsUsedForItsOwnAlgorithmAlone(t *testing.T) {
	for _, alg := range Algorithms() {
		for _, other := range Algorithms() {
			if other == alg {
				continue
			}
			token, err := signerFor(t, alg).Sign(TypeAccessToken, []byte(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			// The ring is so careless as to give a key for any algorithm.
			careless := func(string, Algorithm) (crypto.PublicKey, bool) { return keyFor(t, other).Public(), true }
			_, err = Verify(token, TypeAccessToken, careless)
			wantReason(t, err, ErrAlgorithm)
		}
	}
}

func TestVerify_RefusesWeakAndForeignKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.PublicKey{small.Public(), p384.Public(), []byte("shared secret"), nil} {
		for _, alg := range Algorithms() {
			if err := checkPublic(alg, key); err == nil {
				t.Errorf("%T is taken for %s", key, alg)
			}
		}
	}
}

// TestVerify_RefusesTheConfusionOfPublicKeyAndSecret makes the token that an attacker makes who hopes that the public
// key will be taken for the secret of an HMAC.
func TestVerify_RefusesTheConfusionOfPublicKeyAndSecret(t *testing.T) {
	public := keyFor(t, RS256).Public().(*rsa.PublicKey)
	input := base64url([]byte(`{"alg":"HS256","kid":"`+kid+`","typ":"at+jwt"}`)) + ".e30"
	mac := hmac.New(sha256.New, public.N.Bytes())
	mac.Write([]byte(input))
	token := input + "." + base64url(mac.Sum(nil))
	_, err := Verify(token, TypeAccessToken, func(string, Algorithm) (crypto.PublicKey, bool) { return public, true })
	wantReason(t, err, ErrAlgorithm)
}

func TestVerify_TakesWhatGoJoseSigns(t *testing.T) {
	for _, alg := range Algorithms() {
		signer, err := jose.NewSigner(
			jose.SigningKey{
				Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: keyFor(t, alg), KeyID: kid},
			}, (&jose.SignerOptions{}).WithType("at+jwt"))
		if err != nil {
			t.Fatal(err)
		}
		object, err := signer.Sign([]byte(`{"sub":"1"}`))
		if err != nil {
			t.Fatal(err)
		}
		token, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		payload, err := Verify(token, TypeAccessToken, published(alg, keyFor(t, alg).Public()))
		if err != nil || string(payload) != `{"sub":"1"}` {
			t.Errorf("%s: %s, %v", alg, payload, err)
		}
	}
}

func TestVerify_ErrorsDoNotRepeatTheToken(t *testing.T) {
	token := forge(t, ES256, `{"alg":"`+strings.Repeat("X", 200)+`","kid":"`+kid+`","typ":"at+jwt"}`, `{}`)
	_, err := Verify(token, TypeAccessToken, published(ES256, keyFor(t, ES256).Public()))
	wantReason(t, err, ErrAlgorithm)
	if text := err.Error(); len(text) > 200 || strings.Contains(text, token[len(token)-40:]) {
		t.Errorf("error of %d bytes: %s", len(text), text)
	}
}

func FuzzVerify(f *testing.F) {
	keys := map[Algorithm]crypto.PublicKey{}
	for _, alg := range Algorithms() {
		keys[alg] = keyFor(f, alg).Public()
		token, err := signerFor(f, alg).Sign(TypeAccessToken, []byte(`{"sub":"1"}`))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(token)
	}
	f.Add(forge(f, ES256, `{"alg":"none","kid":"x","typ":"at+jwt"}`, `{}`))
	f.Add(forge(f, ES256, `{"alg":"ES256","kid":"`+kid+`","typ":"at+jwt","crit":["x"]}`, `{}`))
	f.Add("..")
	f.Add("eyJ9.e30.\n")
	f.Fuzz(func(t *testing.T, token string) {
		payload, err := Verify(token, TypeAccessToken, func(_ string, a Algorithm) (crypto.PublicKey, bool) {
			return keys[a], true
		})
		if err != nil {
			return
		}
		// What is taken is a token that go-jose takes too, in its one spelling.
		object, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
		if err != nil {
			t.Fatalf("go-jose refuses %q: %v", token, err)
		}
		theirs, err := object.Verify(keys[Algorithm(object.Signatures[0].Header.Algorithm)])
		if err != nil || string(theirs) != string(payload) {
			t.Fatalf("go-jose reads %q from %q (%v), here it is %q", theirs, token, err, payload)
		}
		if again, err := object.CompactSerialize(); err != nil || again != token {
			t.Fatalf("%q has a second spelling %q (%v)", token, again, err)
		}
	})
}

func ExampleVerify() {
	key, _ := Generate(ES256)
	signer, _ := NewSigner(ES256, "k1", key)
	token, _ := signer.Sign(TypeAccessToken, []byte(`{"sub":"1"}`))
	payload, err := Verify(token, TypeAccessToken, func(kid string, alg Algorithm) (crypto.PublicKey, bool) {
		return key.Public(), kid == "k1" && alg == ES256
	})
	fmt.Println(string(payload), err)
	// Output: {"sub":"1"} <nil>
}
