package account

import (
	"net/mail"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/durwardhq/durward/internal/platform/errs"
)

func TestParseEmail_AcceptsAddressesAsPeopleWriteThem(t *testing.T) {
	long := strings.Repeat("a", 64) + "@" + strings.Repeat("b", 51) + ".org"
	for _, c := range []struct{ text, key string }{
		{"alice@example.org", "alice@example.org"},
		{"Alice.Smith@Example.ORG", "alice.smith@example.org"},
		{"alice+news@mail.example.co.uk", "alice+news@mail.example.co.uk"},
		{"o'brien@example.ie", "o'brien@example.ie"},
		{"!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~@example.org"},
		{"1@2.org", "1@2.org"},
		{"a@b.c", "a@b.c"},
		{"a@1.2.3.org", "a@1.2.3.org"},
		{long, long},
		{"josé@example.org", "josé@example.org"},
		{"JOSE\u0301@example.org", "jos\u00e9@example.org"},
		{"straße@example.org", "strasse@example.org"},
		{"用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"},
		{"用户@例子。广告", "用户@xn--fsqu00a.xn--4rr70v"},
		{"квіточка@пошта.укр", "квіточка@xn--80a1acn3a.xn--j1amh"},
		{"χρήστης@παράδειγμα.ελ", "χρήστησ@xn--hxajbheg2az3al.xn--qxam"},
		{"Dörte@Sörensen.example.com", "dörte@xn--srensen-90a.example.com"},
		{"संपर्क@डाटामेल.भारत", "संपर्क@xn--c2bd4bq1db8d.xn--h2brj9c"},
		{"a@xn--srensen-90a.example.com", "a@xn--srensen-90a.example.com"},
		{"a@XN--SRENSEN-90A.example.com", "a@xn--srensen-90a.example.com"},
		{"a@faß.de", "a@xn--fa-hia.de"},
		{"a@ＥＸＡＭＰＬＥ．org", "a@example.org"},
		{"a@☕.us", "a@xn--53h.us"},
		{"a@xn--mgba3gch31f060k.com", "a@xn--mgba3gch31f060k.com"},
	} {
		e, field := ParseEmail(c.text)
		if field != nil {
			t.Errorf("%q is refused: %v", c.text, field.Rules)
			continue
		}
		if e.Text() != norm.NFC.String(c.text) || e.Key() != c.key {
			t.Errorf("%q: text %q, key %q, want %q", c.text, e.Text(), e.Key(), c.key)
		}
		checkEmail(t, e)
	}
}

func TestParseEmail_NamesEveryRuleBroken(t *testing.T) {
	for _, c := range []struct{ name, text, rules string }{
		{"nothing", "", "required"},
		{"121 characters", strings.Repeat("a", 60) + "@" + strings.Repeat("b", 56) + ".org", "too_long"},
		{"a body's worth", strings.Repeat("a", 64<<10), "too_long"},
		{"too long for mail", strings.Repeat("a", 31) + "@" + strings.Repeat("一二.", 22) + "org", "too_long"},
		{"no UTF-8", "a\xff@example.org", "invalid_utf8"},
		{"no at sign", "alice.example.org", "missing_at"},
		{"a full-width at sign", "alice＠example.org", "missing_at"},
		{"two at signs", "a@b@example.org", "several_ats"},
		{"no local part", "@example.org", "empty_local_part"},
		{"no domain", "alice@", "empty_domain"},
		{"neither", "@", "empty_local_part empty_domain"},
		{"65 octets before the at sign", strings.Repeat("a", 65) + "@example.org", "local_part_too_long"},
		{"66 octets in 33 characters", strings.Repeat("ü", 33) + "@example.org", "local_part_too_long"},
		{"a dot first", ".a@example.org", "misplaced_dot"},
		{"a dot last", "a.@example.org", "misplaced_dot"},
		{"two dots", "a..b@example.org", "misplaced_dot"},
		{"a quoted local part", `"alice"@example.org`, "quoted_local_part"},
		{"a quoted space", `"al ice"@example.org`, "white_space quoted_local_part"},
		{"a quoted at sign", `"a@b"@example.org`, "quoted_local_part"},
		{"a quotation mark inside", `a"b@example.org`, "character_not_allowed"},
		{"a display name", "Alice <alice@example.org>", "white_space display_name"},
		{"a quoted display name", `"Alice" <alice@example.org>`, "white_space display_name"},
		{"angle brackets", "<alice@example.org>", "display_name"},
		{"a comment", "alice(home)@example.org", "comment"},
		{"a comment in the domain", "alice@(home)example.org", "comment"},
		{"a scheme", "mailto:alice@example.org", "character_not_allowed"},
		{"two addresses", "a@example.org,b@example.org", "several_ats character_not_allowed"},
		{"a backslash", `a\b@example.org`, "character_not_allowed"},
		{"a space first", " a@example.org", "white_space"},
		{"a space last", "a@example.org ", "white_space"},
		{"a header's line break", "a@example.org\r\nBcc: b@example.org", "white_space control_character"},
		{"NUL", "a\x00@example.org", "control_character"},
		{"NUL in the domain", "a@exam\x00ple.org", "control_character"},
		{"a zero-width space", "a\u200b@example.org", "invisible_character"},
		{"a soft hyphen in the domain", "a@exam\u00adple.org", "invisible_character"},
		{"a joiner that a domain may have", "a@نامه\u200cای.com", "invisible_character"},
		{"a direction override", "a@\u202eexample.org", "invisible_character"},
		{"an emoji", "😀@example.org", "character_not_allowed"},
		{"a typographic apostrophe", "o\u2019brien@example.org", "character_not_allowed"},
		{"full-width letters", "ａｌｉｃｅ@example.org", "compatibility_form"},
		{"an unassigned code point", "a\u0378@example.org", "character_not_allowed"},
		{"a mark first", "\u0301a@example.org", "mark_first"},
		{"a mark on a dot", "a.\u0301b@example.org", "mark_first"},
		{"a tower of marks", "a" + strings.Repeat("\u0301", 40) + "@example.org", "too_many_marks"},
		{"an address literal", "a@[192.0.2.1]", "domain_literal"},
		{"an IPv6 literal", "a@[IPv6:2001:db8::1]", "domain_literal"},
		{"an address for a domain", "a@192.0.2.1", "domain_literal"},
		{"a host name", "a@localhost", "domain_without_dot"},
		{"a dot at the end", "a@example.org.", "misplaced_dot"},
		{"an ideographic dot at the end", "a@example.org。", "misplaced_dot"},
		{"a dot at the beginning of the domain", "a@.example.org", "misplaced_dot"},
		{"two dots in the domain", "a@example..org", "misplaced_dot"},
		{"an A-label of nothing", "a@xn--.org", "misplaced_dot"},
		{"an underscore in the domain", "a@ex_ample.org", "invalid_domain"},
		{"a port", "a@example.org:25", "invalid_domain"},
		{"a slash in disguise", "a@example.org℀.com", "invalid_domain"},
		{"a hyphen first", "a@-example.org", "invalid_domain"},
		{"a hyphen last", "a@example-.org", "invalid_domain"},
		{"a broken A-label", "a@xn--a.org", "invalid_domain"},
		{"an A-label of a disallowed character", "a@xn--1ch.com", "invalid_domain"},
		{"directions mixed", "a@1א.com", "invalid_domain"},
		{"a private-use character in the domain", "a@\ue000.com", "invalid_domain"},
		{"an unassigned code point in the domain", "a@\u0378.com", "invalid_domain"},
		{"a mark first in the domain", "a@\u0301b.com", "invalid_domain"},
		{"a label of 64", "a@" + strings.Repeat("b", 64) + ".org", "domain_label_too_long"},
		{"a domain of 254", "a@" + strings.Repeat("\u4e00\u9fff.", 33) + "org", "domain_too_long too_long"},
		{
			"all at once", ".a..:\u0301" + strings.Repeat("ａ", 64) + "@" + strings.Repeat("b", 64),
			"too_long local_part_too_long misplaced_dot character_not_allowed mark_first compatibility_form" +
				" domain_label_too_long domain_without_dot",
		},
	} {
		e, field := ParseEmail(c.text)
		if field == nil {
			t.Errorf("%s: accepted as %+q", c.name, e.Text())
			continue
		}
		if field.Field != "email" || !slices.Equal(field.Rules, strings.Fields(c.rules)) {
			t.Errorf("%s: %s %q, want %q", c.name, field.Field, field.Rules, strings.Fields(c.rules))
		}
		checkField(t, field, e == Email{})
	}
}

func TestParseEmail_OneMailboxHasOneKeyHoweverItIsTyped(t *testing.T) {
	first, _ := ParseEmail("dörte@sörensen.example.com")
	for _, text := range []string{
		"DÖRTE@SÖRENSEN.EXAMPLE.COM", "do\u0308rte@so\u0308rensen.example.com", "dörte@xn--srensen-90a.example.com",
		"dörte@sörensen。example.com", "dörte@ｓörensen.example.com",
	} {
		e, field := ParseEmail(text)
		if field != nil || e.Key() != first.Key() {
			t.Errorf("%q: key %q, %v", text, e.Key(), field)
		}
	}
}

// checkField checks what is said of a refused text; empty says whether the parser gave nothing beside it.
func checkField(t *testing.T, field *errs.Field, empty bool) {
	t.Helper()
	if (field != nil) != empty {
		t.Errorf("value and field do not exclude each other: %+v", field)
	}
	if field == nil {
		return
	}
	sorted := slices.Sorted(slices.Values(field.Rules))
	if len(sorted) == 0 || len(slices.Compact(sorted)) != len(field.Rules) || field.Message == "" {
		t.Errorf("%+v", field)
	}
}

// checkEmail checks what must hold of every accepted address, also as other programs would read it.
func checkEmail(t *testing.T, e Email) {
	t.Helper()
	text := e.Text()
	if n := utf8.RuneCountInString(text); n > EmailLimit || strings.Count(text, "@") != 1 {
		t.Errorf("%+q has %d code points", text, n)
	}
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.In(r, unicode.C, unicode.Bidi_Control, unicode.Join_Control) {
			t.Errorf("%+q contains %U", text, r)
		}
	}
	if again, field := ParseEmail(text); field != nil || again != e {
		t.Errorf("%+q becomes %+q, %v", e, again, field)
	}
	checkAsHeader(t, text)
	checkKey(t, e)
}

func checkAsHeader(t *testing.T, text string) {
	t.Helper()
	for _, header := range []string{text, (&mail.Address{Address: text}).String(), "Alice <" + text + ">"} {
		list, err := mail.ParseAddressList(header)
		if err != nil || len(list) != 1 || list[0].Address != text {
			t.Errorf("%+q in the header %+q reads as %v, %v", text, header, list, err)
		}
	}
}

func checkKey(t *testing.T, e Email) {
	t.Helper()
	local, _, _ := cutLast(e.Text(), '@')
	folded, ascii, _ := cutLast(e.Key(), '@')
	if !isASCII(ascii) || strings.ToLower(ascii) != ascii || len(ascii) > maxDomain || !strings.Contains(ascii, ".") {
		t.Errorf("%+q has the domain %+q", e.Text(), ascii)
	}
	if again, err := domains.ToASCII(ascii); err != nil || again != ascii {
		t.Errorf("the domain %q becomes %q, %v", ascii, again, err)
	}
	if name, err := idna.Registration.ToUnicode(ascii); err != nil || strings.ContainsRune(name, utf8.RuneError) {
		t.Errorf("%q cannot be registered: %q, %v", ascii, name, err)
	}
	if canonical(folded) != folded || canonical(caseVariant(local)) != folded {
		t.Errorf("%+q has the key %+q", e.Text(), e.Key())
	}
	other := caseVariant(local) + "@" + strings.ToUpper(ascii)
	for _, typed := range []string{e.Text(), norm.NFD.String(e.Text()), local + "@" + ascii, other} {
		if i := ParseIdentifier(typed); !i.email || i.Key() != e.Key() {
			t.Errorf("%+q is looked up as %+q, not %+q", typed, i.Key(), e.Key())
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{
		"alice@example.org", "Dörte@Sörensen.example.com", "用户@例子。广告", "a@xn--srensen-90a.com", `"a b"@example.org`,
		"a@b@c.de", "Alice <a@b.de>", "a@[192.0.2.1]", "a@1.2", "a@b", "a@b.", ".a@b.de",
		"a@XN--FA-HIA.de", "a@xn--.de", "a@\u200db.de",
		"\xff@\xfe",
		"a@نامه.com", "a@1א.com", "straße@faß.de", "a=\u0338@b.de", "a@ᏸ.de", "a@xn--1ch.de", "a@☕.us", "@", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		e, field := ParseEmail(raw)
		checkField(t, field, e == Email{})
		if field == nil {
			checkEmail(t, e)
		}
	})
}
