package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/platform/secret"
)

const plain = "correct horse battery staple"

func TestString_HidesFromEveryVerb(t *testing.T) {
	s := secret.New(plain)
	holder := struct {
		Name  string
		Value secret.String
		Ref   *secret.String
		inner secret.String
	}{"n", s, &s, s}
	for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %e %T %10s %.3s %t %p") {
		for _, value := range []any{s, &s, holder, &holder, []secret.String{s}, map[string]secret.String{"k": s}} {
			isHidden(t, verb, fmt.Sprintf(verb, value))
		}
	}
	isHidden(t, "Sprint", fmt.Sprint(s, &s, holder))
}

func TestString_HidesFromLogs(t *testing.T) {
	s := secret.New(plain)
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("event", "value", s, "ref", &s, slog.Group("g", "inner", s), "list", []secret.String{s})
	}
	isHidden(t, "slog", out.String())
	if !strings.Contains(out.String(), "[secret]") {
		t.Errorf("the log shows no placeholder: %s", out.String())
	}
}

func TestString_HidesFromEncoders(t *testing.T) {
	s := secret.New(plain)
	got, err := json.Marshal(map[string]any{"value": s, "ref": &s})
	if err != nil {
		t.Fatal(err)
	}
	isHidden(t, "json", string(got))
	key, err := json.Marshal(map[secret.String]int{s: 1})
	if err != nil {
		t.Fatal(err)
	}
	isHidden(t, "json key", string(key))
}

func TestString_IsReadFromJSONAndRevealed(t *testing.T) {
	var request struct{ Password secret.String }
	if err := json.Unmarshal([]byte(`{"Password":"`+plain+`"}`), &request); err != nil {
		t.Fatal(err)
	}
	if got := request.Password.Reveal(); got != plain {
		t.Errorf("got %q, want %q", got, plain)
	}
}

func TestEmpty_IsTrueOfNothingAlone(t *testing.T) {
	var decoded secret.String
	if err := decoded.UnmarshalText(nil); err != nil {
		t.Fatal(err)
	}
	for _, nothing := range []secret.String{{}, secret.New(""), decoded} {
		if !nothing.Empty() || nothing.Reveal() != "" {
			t.Errorf("an empty secret reveals %q", nothing.Reveal())
		}
	}
	if secret.New(" ").Empty() {
		t.Error("a space counts as nothing")
	}
}

func TestToken_Has256BitsInBase64URL(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token := secret.Token()
		raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
		if err != nil || len(raw) != 32 || len(token) != 43 {
			t.Fatalf("%q is not 32 bytes in base64url: %v", token, err)
		}
		if seen[token] {
			t.Fatalf("%q came twice", token)
		}
		seen[token] = true
	}
}

func TestBytes_AreAsManyAsAskedFor(t *testing.T) {
	for _, n := range []int{0, 1, 16, 32, 1000} {
		if got := len(secret.Bytes(n)); got != n {
			t.Errorf("Bytes(%d) gave %d bytes", n, got)
		}
	}
	if bytes.Equal(secret.Bytes(32), secret.Bytes(32)) {
		t.Error("the same bytes came twice")
	}
}

func isHidden(t *testing.T, how, text string) {
	t.Helper()
	hexed := fmt.Sprintf("%x", plain)
	if strings.Contains(text, plain[:3]) || strings.Contains(strings.ToLower(text), hexed[:12]) {
		t.Errorf("%s shows the secret: %s", how, text)
	}
}
