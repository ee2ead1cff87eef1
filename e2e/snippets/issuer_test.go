package snippets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// object is a JSON object.
type object = map[string]any

// forge publishes a key of its own where applications look for the server's, and can sign with it whatever the server
// would never sign.
type forge struct {
	key            *ecdsa.PrivateKey
	header, claims object // of a token that the server gave
}

const forgedKey = "key_of_the_forge"

// openForge listens at the server's place; sample is an access token of the server.
func openForge(t *testing.T, address, sample string) *forge {
	t.Helper()
	f := &forge{key: newKey(t)}
	parts := strings.Split(sample, ".")
	f.header, f.claims = decodePart(t, parts[0]), decodePart(t, parts[1])
	f.header["kid"] = forgedKey
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(f.publish), ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }() // ends with an error when it is closed
	t.Cleanup(func() { _ = server.Close() })
	return f
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func decodePart(t *testing.T, part string) (value object) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(raw, &value)
	}
	if err != nil {
		t.Fatalf("a part of the sample token: %v", err)
	}
	return value
}

// point is the uncompressed public key: 4, x, y.
func (f *forge) point() []byte {
	point, err := f.key.PublicKey.Bytes()
	if err != nil {
		panic(err) // only for curves that are not NIST's
	}
	return point
}

func (f *forge) publish(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/.well-known/jwks.json" {
		http.NotFound(w, r)
		return
	}
	point := f.point()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"%s","crv":"P-256","x":"%s","y":"%s"}]}`,
		forgedKey, encode(point[1:33]), encode(point[33:]))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// with gives a copy with one field changed.
func with(o object, name string, value any) object {
	o = maps.Clone(o)
	o[name] = value
	return o
}

func without(o object, name string) object {
	o = maps.Clone(o)
	delete(o, name)
	return o
}

// unsigned gives the part of a token that is signed.
func unsigned(t *testing.T, header, claims object) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return encode(h) + "." + encode(c)
}

// sign makes an ES256 token.
func sign(t *testing.T, key *ecdsa.PrivateKey, header, claims object) string {
	t.Helper()
	text := unsigned(t, header, claims)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature[:])
}

// good is a token like the sample, signed with the published key.
func (f *forge) good(t *testing.T) string { return sign(t, f.key, f.header, f.claims) }

// bad gives tokens with one fault each, by the name of the fault.
func (f *forge) bad(t *testing.T) map[string]string {
	t.Helper()
	header := func(name string, value any) string { return sign(t, f.key, with(f.header, name, value), f.claims) }
	claim := func(name string, value any) string { return sign(t, f.key, f.header, with(f.claims, name, value)) }
	lacks := func(name string) string { return sign(t, f.key, f.header, without(f.claims, name)) }
	now := time.Now()
	good := f.good(t)
	first, last := strings.Index(good, "."), strings.LastIndex(good, ".")
	signature := good[last:]
	return map[string]string{
		"altered signature":           alterSignature(good),
		"altered claims":              unsigned(t, f.header, with(f.claims, "sub", "2")) + signature,
		"no signature":                good[:last+1],
		"another key, same name":      sign(t, newKey(t), f.header, f.claims),
		"unknown key":                 header("kid", "key_of_nobody"),
		"no key named":                sign(t, newKey(t), without(f.header, "kid"), f.claims),
		"unsigned":                    unsigned(t, with(f.header, "alg", "none"), f.claims) + ".",
		"public key as HMAC secret":   f.hmac(t),
		"an ID token's type":          header("typ", "JWT"),
		"no type":                     sign(t, f.key, without(f.header, "typ"), f.claims),
		"another issuer":              claim("iss", "https://id.example.com"),
		"no issuer":                   lacks("iss"),
		"another audience":            claim("aud", "http://localhost:8080/other"),
		"no audience":                 lacks("aud"),
		"expired":                     claim("exp", now.Add(-10*time.Second).Unix()),
		"never expires":               lacks("exp"),
		"not valid before a minute":   claim("nbf", now.Add(time.Minute).Unix()),
		"no subject":                  lacks("sub"),
		"not a token":                 "not-a-token",
		"a token of two parts":        good[:last],
		"nothing":                     "",
		"claims that are no object":   good[:first+1] + encode([]byte("[]")) + signature,
		"an expiry that is no number": claim("exp", "tomorrow"),
	}
}

// hmac takes the public key, which anybody has, for an HMAC secret.
func (f *forge) hmac(t *testing.T) string {
	text := unsigned(t, with(f.header, "alg", "HS256"), f.claims)
	mac := hmac.New(sha256.New, f.point())
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

// alterSignature changes the first character of a signature, all bits of which count.
func alterSignature(token string) string {
	at := strings.LastIndex(token, ".") + 1
	other := "A"
	if token[at:at+1] == other {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}
