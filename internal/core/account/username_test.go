package account

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestParseUsername_AcceptsNamesOfAllScripts(t *testing.T) {
	for _, name := range []string{
		"a", "7", "alice", "Alice.Smith_2-x", "O'Brien", ".alice", "-a-", "__a__", "a..b", "'a'",
		"José", "Ærøskøbing", "Straße", "Đặng", "ısı", "ǰ",
		"Михаил", "Ελένη", "Սևակ", "ქეთევან", "ᏣᎳᎩ",
		"محمد", "محمد٣", "محمد3", "ދިވެހި", "דוד", "ܡܪܝ",
		"नरेन्द्र", "বাংলা", "தமிழ்", "น้ำ", "ນ້ຳ", "ໝາ", "ကြွှုံ", "བསྒྲུབས", "ខ្មែរ",
		"田中さくら", "カタカナ", "ラーメン", "佐々木", "二〇", "김철수", "金철수", "ㄅㄆ注音", "王小明", "ʻOkina", "Знам\u02bcянка",
		strings.Repeat("a", 80), strings.Repeat("𠀀", 80), strings.Repeat("e\u0301", 80),
	} {
		u, field := ParseUsername(name)
		if field != nil {
			t.Errorf("%q is refused: %v", name, field.Rules)
			continue
		}
		if u.Text() != norm.NFC.String(name) || u.Key() != canonical(name) {
			t.Errorf("%q: text %q, key %q", name, u.Text(), u.Key())
		}
	}
}

func TestParseUsername_NamesEveryRuleBroken(t *testing.T) {
	for _, c := range []struct{ name, text, rules string }{
		{"nothing", "", "required"},
		{"81 letters", strings.Repeat("a", 81), "too_long"},
		{"a body's worth", strings.Repeat("a", 64<<10), "too_long"},
		{"no UTF-8", "al\xffice", "invalid_utf8"},
		{"a surrogate in UTF-8", "al\xed\xa0\x80ice", "invalid_utf8"},
		{"a space inside", "al ice", "white_space"},
		{"a space before", " alice", "white_space"},
		{"a space after", "alice ", "white_space"},
		{"a no-break space", "al\u00a0ice", "white_space"},
		{"an ideographic space", "田\u3000中", "white_space"},
		{"a line break", "alice\n", "white_space control_character"},
		{"a next line", "al\u0085ice", "white_space control_character"},
		{"a line separator", "al\u2028ice", "white_space"},
		{"NUL", "al\x00ice", "control_character"},
		{"escape", "al\x1bice", "control_character"},
		{"delete", "al\x7fice", "control_character"},
		{"a soft hyphen", "al\u00adice", "invisible_character"},
		{"a zero-width space", "al\u200bice", "invisible_character"},
		{"a zero-width non-joiner", "نامه\u200cای", "invisible_character"},
		{"a zero-width joiner", "क्\u200dष", "invisible_character"},
		{"a word joiner", "al\u2060ice", "invisible_character"},
		{"a byte order mark", "\ufeffalice", "invisible_character"},
		{"a right-to-left mark", "\u200falice", "invisible_character"},
		{"a right-to-left override", "al\u202eice", "invisible_character"},
		{"an isolate", "\u2066alice\u2069", "invisible_character"},
		{"an Arabic letter mark", "ali\u061cce", "invisible_character"},
		{"a variation selector", "a\ufe0f", "invisible_character"},
		{"a Hangul filler", "\u3164", "invisible_character no_letter_or_digit"},
		{"a jamo filler", "a\u115f", "invisible_character"},
		{"a grapheme joiner", "a\u034f", "invisible_character"},
		{"a tag", "a\U000e0041", "invisible_character"},
		{"a Khmer inherent vowel", "ខ\u17b4", "invisible_character"},
		{"an at sign", "alice@example.org", "at_sign"},
		{"other punctuation", "alice!", "character_not_allowed"},
		{"a slash", "a/b", "character_not_allowed"},
		{"mark-up", "<b>", "character_not_allowed"},
		{"a typographic apostrophe", "O\u2019Brien", "character_not_allowed"},
		{"an emoji", "alice😀", "character_not_allowed"},
		{"a blank Braille pattern", "a\u2800", "character_not_allowed"},
		{"an enclosing mark", "a\u20dd", "character_not_allowed"},
		{"a Roman numeral", "aⅧ", "character_not_allowed"},
		{"a superscript", "a²", "character_not_allowed"},
		{"a stretched Arabic word", "مح\u0640مد", "character_not_allowed"},
		{"a private-use character", "a\ue000", "character_not_allowed"},
		{"an unassigned code point", "a\u0378", "character_not_allowed"},
		{"a noncharacter", "a\uffff", "character_not_allowed"},
		{"the replacement character", "a\ufffd", "character_not_allowed"},
		{"full-width letters", "ａｌｉｃｅ", "compatibility_form"},
		{"a full-width at sign", "a＠b", "character_not_allowed"},
		{"letters of mathematics", "𝐚𝐥𝐢𝐜𝐞", "compatibility_form"},
		{"half-width kana", "ｶﾅ", "compatibility_form"},
		{"a digraph", "ǆ", "compatibility_form"},
		{"a presentation form", "ﻣﺤﻤﺪ", "compatibility_form"},
		{"a modifier letter", "aʰ", "compatibility_form"},
		{"Latin and Cyrillic", "pаypal", "mixed_scripts"},
		{"Greek and Latin", "αlice", "mixed_scripts"},
		{"a micro sign, which folds to Greek", "\u00b5torrent", "mixed_scripts"},
		{"an iota subscript on Latin", "a\u0345", "mixed_scripts"},
		{"Latin and Han", "田中taro", "mixed_scripts"},
		{"Hangul and kana", "김さ", "mixed_scripts"},
		{"Bopomofo and kana", "ㄅさ", "mixed_scripts"},
		{"Arabic digits on Latin", "alice٣", "mixed_scripts"},
		{"Bengali digits on Latin", "alice৪", "mixed_scripts"},
		{"a mark first", "\u0301alice", "mark_first"},
		{"a mark on punctuation", "a.\u0301", "mark_first"},
		{"a mark after white space", "a \u0301", "white_space mark_first"},
		{"a mark alone", "\u0301", "mark_first no_letter_or_digit"},
		{"nine marks", "a" + strings.Repeat("\u0301", 9), "too_many_marks"},
		{"fifty marks", "a" + strings.Repeat("\u0301", 50), "too_many_marks"},
		{"punctuation alone", "...", "no_letter_or_digit"},
		{
			"all at once", "\u0301 \x00\u200b@!ａя" + strings.Repeat("b", 80),
			"too_long mark_first white_space control_character invisible_character at_sign character_not_allowed" +
				" compatibility_form mixed_scripts",
		},
	} {
		u, field := ParseUsername(c.text)
		if field == nil {
			t.Errorf("%s: accepted as %+q", c.name, u.Text())
			continue
		}
		if field.Field != "username" || !slices.Equal(field.Rules, strings.Fields(c.rules)) {
			t.Errorf("%s: %s %q, want %q", c.name, field.Field, field.Rules, strings.Fields(c.rules))
		}
		if field.Message == "" || u != (Username{}) {
			t.Errorf("%s: message %q, username %v", c.name, field.Message, u)
		}
	}
}

func TestParseUsername_MessageHasASentenceForEachRuleAndNotTheValue(t *testing.T) {
	_, field := ParseUsername("se cret@")
	want := "White space is not allowed, not even at the ends." +
		" A username has no @, by which an email address is told from it."
	if field == nil || field.Message != want {
		t.Errorf("got %+v", field)
	}
}

// Whatever Unicode holds: one character after a letter is accepted or refused for the reasons of its own properties.
func TestParseUsername_OfEveryCharacter(t *testing.T) {
	eachRune(func(r rune) {
		u, field := ParseUsername("1" + string(r))
		if field != nil {
			return
		}
		checkUsername(t, u)
		if r > unicode.MaxASCII && !unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Han) {
			t.Errorf("%U is accepted", r)
		}
	})
}

func checkUsername(t *testing.T, u Username) {
	t.Helper()
	if n := utf8.RuneCountInString(u.Text()); n < 1 || n > UsernameLimit {
		t.Errorf("%+q has %d code points", u.Text(), n)
	}
	for _, r := range u.Text() {
		if unicode.IsSpace(r) || unicode.In(r, unicode.C, unicode.Bidi_Control, unicode.Join_Control) || r == '@' {
			t.Errorf("%+q contains %U", u.Text(), r)
		}
	}
	if !isSingleScript(u.Text()) {
		t.Errorf("%+q is of several scripts", u.Text())
	}
	again, field := ParseUsername(u.Text())
	if field != nil || again != u {
		t.Errorf("%+q becomes %+q, %v", u, again, field)
	}
	if canonical(u.Key()) != u.Key() || canonical(caseVariant(u.Text())) != u.Key() {
		t.Errorf("%+q has the key %+q", u.Text(), u.Key())
	}
	for _, typed := range []string{u.Text(), norm.NFD.String(u.Text()), caseVariant(u.Text())} {
		if i := ParseIdentifier(typed); i.email || i.Key() != u.Key() {
			t.Errorf("%+q is looked up as %+q, not %+q", typed, i.Key(), u.Key())
		}
	}
}

func FuzzParseUsername(f *testing.F) {
	for _, s := range []string{
		"alice", "Straße", "O'Brien", "田中さくら", "김철수", "محمد٣", "น้ำ", "pаypal", "\u0301a", "a\u200bb", "ａ", "a@b",
		"\xff", "", "\u00b5", "α\u0345\u0301", "ᏣᎳᎩ", "a\u0323\u0307\u0301", "가", "\u1100\u1161\u11a8", "...",
		strings.Repeat("ΐ", 80),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, field := ParseUsername(raw)
		checkField(t, field, u == Username{})
		if field == nil {
			checkUsername(t, u)
		}
	})
}
