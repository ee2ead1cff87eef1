package account

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxMarks bounds a run of combining marks. No writing system needs as many; towers of marks paint over their
	// neighbours, and normalisation breaks runs of more than 30 apart.
	maxMarks = 8
	// maxExpansion bounds the bytes that one code point of NFC can come from: four code points of four bytes.
	maxExpansion = 16
)

// compose gives the NFC of what was typed. A text that cannot be looked at further gives the rule it breaks instead.
func compose(raw string, limit int, required, tooLong rule) (text string, b broken) {
	switch {
	case raw == "":
		b.add(required)
	case len(raw) > limit*maxExpansion:
		b.add(tooLong)
	case !utf8.ValidString(raw):
		b.add(invalidUTF8)
	case marksInARow(raw) > maxMarks:
		b.add(tooManyMarks)
	default:
		text = norm.NFC.String(raw)
		b.unless(utf8.RuneCountInString(text) <= limit, tooLong)
	}
	return text, b
}

// marksInARow gives the length of the longest run of combining marks, however they were typed.
func marksInARow(s string) int {
	run, longest := 0, 0
	for _, r := range norm.NFD.String(s) {
		run++
		if !unicode.Is(unicode.M, r) {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// unseen adds the rules that a character breaks by not being seen: white space, controls, and what is invisible. A line
// break is both white space and a control character. It tells whether the character can be seen.
func (b *broken) unseen(r rune) (seen bool) {
	space, control, hidden := unicode.IsSpace(r), unicode.IsControl(r), isIgnorable(r)
	b.unless(!space, whiteSpace)
	b.unless(!control, controlCharacter)
	b.unless(!hidden, invisible)
	return !space && !control && !hidden
}

// isIgnorable tells whether a character is a default-ignorable code point (Unicode §5.21) or another format character:
// zero-width spaces and joiners, direction marks, soft hyphens, variation selectors, fillers, tags.
func isIgnorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isWord tells whether a character can spell a name: a visible letter, a mark that does not enclose, or a decimal
// digit, with the exceptions of RFC 5892 §2.6. Code points that Unicode has not given out yet are none of these, and
// must not be: nobody knows yet how they fold.
func isWord(r rune) bool {
	switch r {
	case 0x3007: // the ideographic zero, a digit among the letter numbers
		return true
	case 0x0640, 0x07FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B:
		return false // fillers that stretch a word, vertical repeat marks, tone marks of old Hangul
	}
	return unicode.In(r, unicode.L, unicode.Mn, unicode.Mc, unicode.Nd) && !isIgnorable(r)
}

// isCompatibility tells whether a character is another form of plain ones that its canonical form does not undo, so
// that one look would have two keys: full-width letters, digraphs, letters of mathematics, superscripts. Those that
// folding undoes are fine (the Armenian և, ﬁ, ſ), and so are four letters of Thai and Lao that everybody writes and
// that only for history's sake decompose.
func isCompatibility(r rune) bool {
	switch r {
	case 0x0E33, 0x0EB3, 0x0EDC, 0x0EDD:
		return false
	}
	return !norm.NFKC.IsNormalString(canonical(string(r)))
}
