package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// forger makes tokens that look like a server's, with whatever key and header it is told.
type forger struct {
	t      *testing.T
	real   tokens
	header fields
	claims fields
	public jose.JSONWebKey // the server's
	own    *ecdsa.PrivateKey
}

func newForger(t *testing.T, s *server) *forger {
	t.Helper()
	_, held := s.signedIn()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(s.get("/.well-known/jwks.json", "").body, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%d keys, %v", len(set.Keys), err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{t, held, headerOf(t, held.access), claimsOf(t, held.access), set.Keys[0], own}
}

// with is a copy of an object with other members; nil takes one away.
func with(object fields, changes fields) fields {
	changed := maps.Clone(object)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(_ string, v any) bool { return v == nil })
	return changed
}

// signed makes a token by go-jose with another key.
func (f *forger) signed(alg jose.SignatureAlgorithm, key any, header, claims fields) string {
	f.t.Helper()
	o := &jose.SignerOptions{}
	for name, value := range header {
		if name != "alg" {
			o.WithHeader(jose.HeaderKey(name), value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		f.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		f.t.Fatal(err)
	}
	made, err := signer.Sign(payload)
	if err != nil {
		f.t.Fatal(err)
	}
	token, err := made.CompactSerialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// es256 signs with the forger's own key under a header.
func (f *forger) es256(header, claims fields) string {
	return f.signed(jose.ES256, f.own, header, claims)
}

// plain puts a header and claims together with a signature that was made for nothing.
func (f *forger) plain(header, claims fields, signature string) string {
	return encodedJSON(f.t, header) + "." + encodedJSON(f.t, claims) + "." + signature
}

// publicTexts are forms of the server's public key that a careless verifier may take for the secret of a MAC.
func (f *forger) publicTexts() map[string][]byte {
	f.t.Helper()
	asJSON, err := f.public.MarshalJSON()
	if err != nil {
		f.t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(f.public.Key)
	if err != nil {
		f.t.Fatal(err)
	}
	return map[string][]byte{"its JWK": asJSON, "its DER": der,
		"its PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
}

func (f *forger) forgeries() map[string]string {
	h, c := f.header, f.claims
	signature := f.real.access[strings.LastIndexByte(f.real.access, '.')+1:]
	own := jose.JSONWebKey{Key: f.own.Public(), KeyID: "own", Algorithm: "ES256", Use: "sig"}
	all := map[string]string{
		"own key under the real kid":       f.es256(h, c),
		"own key under an unknown kid":     f.es256(with(h, fields{"kid": "own"}), c),
		"own key without a kid":            f.es256(with(h, fields{"kid": nil}), c),
		"own key in the header":            f.es256(with(h, fields{"jwk": own}), c),
		"own key in the header, real kid":  f.es256(with(h, fields{"jwk": own, "kid": h["kid"]}), c),
		"jku":                              f.es256(with(h, fields{"jku": "http://127.0.0.1:1/keys"}), c),
		"x5u":                              f.es256(with(h, fields{"x5u": "http://127.0.0.1:1/keys"}), c),
		"typ JWT":                          f.es256(with(h, fields{"typ": "JWT"}), c),
		"no typ":                           f.es256(with(h, fields{"typ": nil}), c),
		"alg none":                         f.plain(with(h, fields{"alg": "none"}), c, ""),
		"alg None with the signature":      f.plain(with(h, fields{"alg": "None"}), c, signature),
		"alg none without kid":             f.plain(fields{"alg": "none", "typ": "at+jwt"}, c, ""),
		"real signature, alg RS256":        f.plain(with(h, fields{"alg": "RS256"}), c, signature),
		"real signature, alg HS256":        f.plain(with(h, fields{"alg": "HS256"}), c, signature),
		"real signature, no alg":           f.plain(with(h, fields{"alg": nil}), c, signature),
		"real signature, typ JWT":          f.plain(with(h, fields{"typ": "JWT"}), c, signature),
		"real signature, crit":             f.plain(with(h, fields{"crit": []string{"exp"}}), c, signature),
		"real signature, empty crit":       f.plain(with(h, fields{"crit": []string{}}), c, signature),
		"real signature, b64 false":        f.plain(with(h, fields{"b64": false, "crit": []string{"b64"}}), c, signature),
		"real signature, later exp":        f.plain(h, with(c, fields{"exp": time.Now().Add(time.Hour).Unix()}), signature),
		"real signature, another user":     f.plain(h, with(c, fields{"sub": "2"}), signature),
		"real signature, role admin":       f.plain(h, with(c, fields{"roles": []string{"admin"}}), signature),
		"real signature, another audience": f.plain(h, with(c, fields{"aud": "https://other.example/api"}), signature),
		"real signature, another issuer":   f.plain(h, with(c, fields{"iss": "https://other.example"}), signature),
		"real signature, another client":   f.plain(h, with(c, fields{"client_id": "other"}), signature),
		"real signature twice":             f.real.access + "." + signature,
		"real signature with padding":      f.real.access + "==",
		"a signature of zeros":             f.plain(h, c, base64.RawURLEncoding.EncodeToString(make([]byte, 64))),
		"the claims alone":                 strings.Split(f.real.access, ".")[1],
		"header and claims, nothing else":  f.real.access[:strings.LastIndexByte(f.real.access, '.')],
		"the refresh token":                f.real.refresh,
		"a JWS in JSON form":               base64.RawURLEncoding.EncodeToString([]byte(`{"payload":"","signatures":[]}`)),
		"real signature in DER":            f.plain(h, c, f.der()),
	}
	for form, text := range f.publicTexts() {
		all["HS256 with "+form] = f.signed(jose.HS256, text, h, c)
	}
	return all
}

// der is the real signature as X.509 writes them, which is another text for the same numbers.
func (f *forger) der() string {
	f.t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(f.real.access[strings.LastIndexByte(f.real.access, '.')+1:])
	if err != nil || len(raw) != 64 {
		f.t.Fatalf("a signature of %d bytes, %v", len(raw), err)
	}
	der, err := asn1.Marshal([]*big.Int{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	if err != nil {
		f.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(der)
}

func TestForgedTokens_AreRefusedWhateverTheirForm(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		f := newForger(t, s)
		for name, token := range f.forgeries() {
			for _, path := range []string{"/protected", "/me"} {
				if got := s.get(path, token); !got.is(http.StatusUnauthorized, "invalid_token") {
					t.Errorf("%s with %s: %d %s", path, name, got.status, got.body)
				}
			}
			got := s.call(call{method: "POST", path: "/logout/all", bearer: token})
			if !got.is(http.StatusUnauthorized, "invalid_token") {
				t.Errorf("/logout/all with %s: %d %s", name, got.status, got.body)
			}
		}
		s.get("/protected", f.real.access).want(http.StatusOK, "")
		s.refresh(f.real.refresh).want(http.StatusOK, "")
	})
}

func TestTokens_OfAnotherInstallationAreRefused(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, own := s.signedIn()
		stranger := newInstallation(t, s.in.engine, "PUBLIC_URL="+s.in.publicURL()).start()
		_, foreign := stranger.signedIn() // the same number, issuer and audience
		s.get("/protected", foreign.access).want(http.StatusUnauthorized, "invalid_token")
		s.refresh(foreign.refresh).want(http.StatusUnauthorized, "invalid_refresh_token")
		s.post("/logout", fields{"refresh_token": foreign.refresh}, "").want(http.StatusUnauthorized, "invalid_refresh_token")
		stranger.get("/protected", own.access).want(http.StatusUnauthorized, "invalid_token")
		s.get("/protected", own.access).want(http.StatusOK, "")
	})
}

// The keys, the database and the session are the right ones here: issuer and audience alone are others.
func TestTokens_MadeUnderAnotherPublicURLAreRefused(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, held := s.signedIn()
		elsewhere := s.in.start("PUBLIC_URL=http://localhost:1")
		fresh := elsewhere.refresh(held.refresh).tokens()
		claims := claimsOf(t, fresh.access)
		if claims["iss"] != "http://localhost:1" || claims["aud"] != "http://localhost:1/api" {
			t.Errorf("claims %v", claims)
		}
		elsewhere.get("/protected", fresh.access).want(http.StatusOK, "")
		s.get("/protected", fresh.access).want(http.StatusUnauthorized, "invalid_token")
		elsewhere.get("/protected", held.access).want(http.StatusUnauthorized, "invalid_token")
	})
}

func TestAccessToken_IsVerifiedByAnotherLibraryThroughThePublishedKeys(t *testing.T) {
	for _, algorithm := range []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			s := newInstallation(t, sqliteEngine, "SIGNING_ALGORITHM="+string(algorithm)).start()
			who, held := s.signedIn()
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(s.get("/.well-known/jwks.json", "").body, &set); err != nil {
				t.Fatal(err)
			}
			parsed, err := jose.ParseSignedCompact(held.access, []jose.SignatureAlgorithm{algorithm})
			if err != nil {
				t.Fatal(err)
			}
			payload, err := parsed.Verify(set)
			if err != nil {
				t.Fatal(err)
			}
			var claims fields
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]any{
				"iss": s.in.publicURL(), "aud": s.in.publicURL() + "/api", "client_id": "durward", "sub": "1", "username": who.name,
				"sid": held.session,
			} {
				if claims[name] != want {
					t.Errorf("%s is %v, want %v", name, claims[name], want)
				}
			}
			if header := headerOf(t, held.access); header["typ"] != "at+jwt" || header["kid"] == nil || len(header) != 3 {
				t.Errorf("header %v", header)
			}
			s.get("/protected", held.access).want(http.StatusOK, "")
		})
	}
}
