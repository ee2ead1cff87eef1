package account

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseIdentifier_AnAtSignMakesItAnEmail(t *testing.T) {
	for _, c := range []struct {
		text, key string
		email     bool
	}{
		{"Alice", "alice", false},
		{"STRASSE", "strasse", false},
		{"Straße", "strasse", false},
		{"Alice@Example.ORG", "alice@example.org", true},
		{"a@Sörensen.example.com", "a@xn--srensen-90a.example.com", true},
		{" alice", " alice", false}, // nothing is trimmed, so this is nobody
	} {
		if got := ParseIdentifier(c.text); got.Key() != c.key || got.email != c.email {
			t.Errorf("%q: %+v", c.text, got)
		}
	}
}

func TestParseIdentifier_WhatCanBeNoAccountsHasNoKey(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"NUL":                   "al\x00ice",
		"NUL in an email":       "alice@exam\x00ple.org",
		"no UTF-8":              "al\xffice",
		"a body's worth":        strings.Repeat("a", 64<<10),
		"a body's worth, email": strings.Repeat("@", 64<<10),
		"a broken domain":       "alice@xn--a.org",
		"a host with a space":   "alice@exam ple.org",
	} {
		if got := ParseIdentifier(text); got != (Identifier{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// An address may be typed in a longer form than the one that was registered.
func TestParseIdentifier_FindsTheLongerFormOfAnAddress(t *testing.T) {
	e, field := ParseEmail("a@" + strings.Repeat("一二.", 22) + "org")
	if field != nil {
		t.Fatal(field)
	}
	if utf8.RuneCountInString(e.Key()) <= EmailLimit {
		t.Fatalf("%q is not long enough", e.Key())
	}
	if i := ParseIdentifier(strings.ToUpper(e.Key())); i.Key() != e.Key() {
		t.Errorf("%q", i.Key())
	}
}

func FuzzParseIdentifier(f *testing.F) {
	for _, s := range []string{
		"", "alice", "Alice@Example.ORG", "@", "a@b@c", "\xff", "\x00", "a\x00@b.de", "a@xn--a.de", "ß@ß.de",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		i := ParseIdentifier(raw)
		if strings.ContainsRune(i.Key(), 0) || !utf8.ValidString(i.Key()) || len(i.Key()) > 1<<14 {
			t.Errorf("%+q has the key %+q", raw, i.Key())
		}
		if i.email != (i.Key() != "" && strings.Contains(raw, "@")) {
			t.Errorf("%+q: %+v", raw, i)
		}
		if i != ParseIdentifier(raw) {
			t.Errorf("%+q is looked up in two ways", raw)
		}
	})
}
