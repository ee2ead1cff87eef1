package e2e

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// headerOf reads the header of an access token.
func headerOf(t testing.TB, token string) fields {
	t.Helper()
	return partOf(t, token, 0)
}

// claimsOf reads the claims of an access token.
func claimsOf(t testing.TB, token string) fields {
	t.Helper()
	return partOf(t, token, 1)
}

func partOf(t testing.TB, token string, i int) (part fields) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatal("this is no JWT in compact form")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[i])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &part); err != nil {
		t.Fatal(err)
	}
	return part
}

// withHeader puts another header before the claims and the signature of a token.
func withHeader(t testing.TB, token string, header fields) string {
	t.Helper()
	_, rest, _ := strings.Cut(token, ".")
	return encodedJSON(t, header) + "." + rest
}

func encodedJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
