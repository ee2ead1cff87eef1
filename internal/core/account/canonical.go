package account

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// canonical gives the form under which names and local parts are compared: NFC of the full case folding of NFD, the
// canonical caseless match of Unicode §3.13 (D145), composed at the end. NFD comes first because folding turns one
// mark, U+0345, into a letter, and the marks beside it must have found their order by then. The folding is the default
// one, the same for everybody: the Turkish dotless ı stays itself and is no i.
//
// It is idempotent: one pass reaches the fixed point.
func canonical(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(fold(norm.NFD.String(s)))
}

// fold is full case folding (CaseFolding.txt, C and F). x/text exchanges the two cases of Cherokee instead of folding
// them; sending its small letters to the capital ones, as Unicode does, is right after either behaviour.
func fold(s string) string {
	return strings.Map(foldCherokee, cases.Fold().String(s))
}

func foldCherokee(r rune) rune {
	switch {
	case 0xAB70 <= r && r <= 0xABBF:
		return r - 0xAB70 + 0x13A0
	case 0x13F8 <= r && r <= 0x13FD:
		return r - 0x13F8 + 0x13F0
	}
	return r
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
