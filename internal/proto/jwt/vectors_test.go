package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"
)

// The examples of the RFCs. Their headers have no kid and no typ, so it is the primitives that they test.
const (
	// RFC 7515 appendix A.2.
	rs256Modulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4" +
		"d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e" +
		"-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia" +
		"GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
	rs256Token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN" +
		"vbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF" +
		"5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb" +
		"1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6" +
		"LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

	// RFC 7515 appendix A.3.
	es256X     = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	es256Y     = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	es256Token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN" +
		"vbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K" +
		"g6NU1Q"

	// RFC 8037 appendix A.1 and A.4.
	eddsaD     = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	eddsaX     = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	eddsaToken = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvM" +
		"g3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

func vectorKeys(t *testing.T) map[Algorithm]crypto.PublicKey {
	point := append([]byte{4}, append(unbase64(t, es256X), unbase64(t, es256Y)...)...)
	es256, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	return map[Algorithm]crypto.PublicKey{
		RS256: &rsa.PublicKey{N: new(big.Int).SetBytes(unbase64(t, rs256Modulus)), E: 65537},
		ES256: es256,
		EdDSA: ed25519.PublicKey(unbase64(t, eddsaX)),
	}
}

func TestVerifySignature_TakesTheExamplesOfTheRFCs(t *testing.T) {
	for alg, token := range map[Algorithm]string{RS256: rs256Token, ES256: es256Token, EdDSA: eddsaToken} {
		key := vectorKeys(t)[alg]
		dot := strings.LastIndexByte(token, '.')
		input, signature := []byte(token[:dot]), unbase64(t, token[dot+1:])
		if err := verifySignature(alg, key, input, signature); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		for i := range signature {
			signature[i] ^= 1
			wantReason(t, verifySignature(alg, key, input, signature), ErrSignature)
			signature[i] ^= 1
		}
		input[len(input)-1] ^= 1
		wantReason(t, verifySignature(alg, key, input, signature), ErrSignature)
	}
}

func TestSignature_IsThatOfRFC8037(t *testing.T) {
	s, err := NewSigner(EdDSA, kid, ed25519.NewKeyFromSeed(unbase64(t, eddsaD)))
	if err != nil {
		t.Fatal(err)
	}
	dot := strings.LastIndexByte(eddsaToken, '.')
	signature, err := s.signature([]byte(eddsaToken[:dot]))
	if err != nil {
		t.Fatal(err)
	}
	if got := base64url(signature); got != eddsaToken[dot+1:] {
		t.Errorf("got %s", got)
	}
}

func TestPublicJWK_IsThatOfTheRFCs(t *testing.T) {
	keys := vectorKeys(t)
	for alg, want := range map[Algorithm]JWK{
		RS256: {KeyType: "RSA", Modulus: rs256Modulus, Exponent: "AQAB"},
		ES256: {KeyType: "EC", Curve: "P-256", X: es256X, Y: es256Y},
		EdDSA: {KeyType: "OKP", Curve: "Ed25519", X: eddsaX},
	} {
		want.Use, want.Algorithm, want.KeyID = "sig", alg, kid
		if got, err := PublicJWK(alg, kid, keys[alg]); err != nil || got != want {
			t.Errorf("%s: %+v, %v", alg, got, err)
		}
	}
}
