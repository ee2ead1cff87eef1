package account

import "unicode"

// arabicIndic are the digits ٠ to ٩. Unicode counts them as common, but only these scripts use them
// (ScriptExtensions.txt).
var arabicIndic = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x0660, Hi: 0x0669, Stride: 1}}}

// writingSystems are the scripts that are written together: Japanese, Korean, and Chinese with Bopomofo, which UTS #39
// §5.1 counts as single-script, and those that share the Arabic-Indic digits. Latin is in none of them.
var writingSystems = [][]*unicode.RangeTable{
	{unicode.Han, unicode.Hiragana, unicode.Katakana},
	{unicode.Han, unicode.Hangul},
	{unicode.Han, unicode.Bopomofo},
	{unicode.Arabic, arabicIndic},
	{unicode.Thaana, arabicIndic},
	{unicode.Yezidi, arabicIndic},
}

// isSingleScript tells whether all of a text can be of one script or writing system. Common and inherited characters
// (ASCII digits, most marks) go with any, and what spells no word is not judged here.
func isSingleScript(text string) bool {
	var own []rune
	for _, r := range text {
		if hasScript(r) {
			own = append(own, r)
		}
	}
	if len(own) == 0 {
		return true
	}
	for _, system := range writingSystems {
		if allIn(own, system) {
			return true
		}
	}
	return allIn(own, []*unicode.RangeTable{scriptOf(own[0])})
}

func hasScript(r rune) bool {
	return isWord(r) && (!unicode.In(r, unicode.Common, unicode.Inherited) || unicode.Is(arabicIndic, r))
}

func allIn(text []rune, tables []*unicode.RangeTable) bool {
	for _, r := range text {
		if !unicode.In(r, tables...) {
			return false
		}
	}
	return true
}

// scriptOf gives the table of the one script that a letter, mark or digit has.
func scriptOf(r rune) *unicode.RangeTable {
	if unicode.Is(unicode.Latin, r) { // by far the most frequent, before the search through all
		return unicode.Latin
	}
	for _, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return table
		}
	}
	return &unicode.RangeTable{}
}
