package account

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

func eachRune(yield func(r rune)) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Cs, r) {
			yield(r)
		}
	}
}

func TestCanonical_IsIdempotentForEveryCharacter(t *testing.T) {
	eachRune(func(r rune) {
		once := canonical(string(r))
		if twice := canonical(once); twice != once {
			t.Errorf("%U: once %+q, twice %+q", r, once, twice)
		}
		if !norm.NFC.IsNormalString(once) {
			t.Errorf("%U: %+q is not NFC", r, once)
		}
	})
}

func TestCanonical_IsTheSameForAllCasesOfEveryCharacter(t *testing.T) {
	eachRune(func(r rune) {
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if canonical(string(r)) != canonical(string(other)) {
				t.Errorf("%U and %U: %+q and %+q", r, other, canonical(string(r)), canonical(string(other)))
			}
		}
	})
}

// The full upper-case forms (ß to SS, ﬁ to FI) test the foldings that change the length. Only the dotless ı has an
// upper case that is another letter's.
func TestCanonical_IsTheSameForTheFullUpperCase(t *testing.T) {
	upper := cases.Upper(language.Und)
	eachRune(func(r rune) {
		s := string(r)
		if u := upper.String(s); canonical(s) != canonical(u) && r != 'ı' {
			t.Errorf("%U: %+q, of its upper case %+q", r, canonical(s), canonical(u))
		}
	})
}

func TestCanonical_OfKnownTexts(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"ASCII", "Alice", "alice"},
		{"sharp s", "Straße", "strasse"},
		{"capital sharp s", "STRAẞE", "strasse"},
		{"final sigma", "ΣΊΣΥΦΟΣ", "σίσυφοσ"},
		{"composed after folding", "E\u0301va", "\u00e9va"},
		{"Turkish dotless i is no i", "ısı", "ısı"},
		{"Turkish dotted I is i and a dot", "İ", "i\u0307"},
		{"iota subscript typed before an accent", "α\u0345\u0301", "άι"},
		{"iota subscript typed after an accent", "α\u0301\u0345", "άι"},
		{"Armenian ligature", "Սևակ", "սեւակ"},
		{"Cherokee capital", "Ꮳ", "Ꮳ"},
		{"Cherokee small", "\uabb3", "Ꮳ"},
		{"Cherokee small of the second block", "ᏸ", "Ᏸ"},
		{"Kelvin sign", "\u212a", "k"},
	} {
		if got := canonical(c.text); got != c.want {
			t.Errorf("%s: %+q, want %+q", c.name, got, c.want)
		}
	}
}

// caseVariant gives s with every letter in another of its cases, taken in turn.
func caseVariant(s string) string {
	return strings.Map(unicode.SimpleFold, norm.NFD.String(s))
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		"", "Alice", "Straße", "α\u0345\u0301", "ΐ", "ﬃ", "İı", "가각", "ᏸ\uab70", "a\u0323\u0307",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if marksInARow(s) > maxMarks || !utf8.ValidString(s) {
			return // never canonicalised
		}
		once := canonical(s)
		for what, other := range map[string]string{
			"itself":            once,
			"its composition":   norm.NFC.String(s),
			"its other case":    caseVariant(s),
			"its decomposition": norm.NFD.String(s),
		} {
			if got := canonical(other); got != once {
				t.Errorf("%+q: %+q, of %s %+q: %+q", s, once, what, other, got)
			}
		}
	})
}
