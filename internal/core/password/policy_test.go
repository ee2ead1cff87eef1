package password

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func policyOf(t *testing.T, r Rules) *Policy {
	t.Helper()
	p, err := NewPolicy(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rulesOf(f *errs.Field) []string {
	if f == nil {
		return nil
	}
	return f.Rules
}

func TestPolicy_TellsEveryRuleThatIsBroken(t *testing.T) {
	p := policyOf(t, DefaultRules())
	for name, c := range map[string]struct {
		pw   string
		want []string
	}{
		"all kinds of characters":         {"Aa1!aaaa", nil},
		"a space is special":              {"Aa1 aaaa", nil},
		"an emoji is special":             {"Aa1👍aaaa", nil},
		"a superscript is special":        {"Aa1²aaaa", nil},
		"letters of any script":           {"Жж1!жжжж", nil},
		"digits of any script":            {"Aa٣!aaaa", nil},
		"composed and decomposed letters": {"A\u030aa1!aaaa", nil},
		"nothing": {"", []string{
			RuleTooShort, RuleNoUpper, RuleNoLower, RuleNoDigit, RuleNoSpecial,
		}},
		"seven characters":            {"Aa1!aaa", []string{RuleTooShort}},
		"code points, not bytes":      {"Ää1!ää", []string{RuleTooShort}},
		"counted after composition":   {"Aa1!aaa\u0308", []string{RuleTooShort}},
		"no upper":                    {"aa1!aaaa", []string{RuleNoUpper}},
		"no lower":                    {"AA1!AAAA", []string{RuleNoLower}},
		"no digit":                    {"Aaa!aaaa", []string{RuleNoDigit}},
		"no special":                  {"Aa1aaaaa", []string{RuleNoSpecial}},
		"a mark is not special":       {"Aa1aaaa\u0323\u20d0", []string{RuleNoSpecial}},
		"title case is neither":       {"ǅǅ1!ǅǅǅǅ", []string{RuleNoUpper, RuleNoLower}},
		"letters without case":        {"密码密码密码1!", []string{RuleNoUpper, RuleNoLower}},
		"a NUL is no special one":     {"Aa1aaaa\x00", []string{RuleNoSpecial, RuleNUL}},
		"as long as can be":           {"Aa1!" + strings.Repeat("x", MaxBytes-4), nil},
		"a byte too long":             {"Aa1!" + strings.Repeat("x", MaxBytes-3), []string{RuleTooLong}},
		"too long by composing later": {"Aa1!" + strings.Repeat("e\u0301", 511), []string{RuleTooLong}},
		"short enough when composed":  {"Aa1!" + strings.Repeat("e\u0301", 510), nil},
		"invalid UTF-8":               {"Aa1!aaaa\xff", []string{RuleInvalidUTF8}},
		"a surrogate":                 {"Aa1!aaaa\xed\xa0\x80", []string{RuleInvalidUTF8}},
		"invalid, too long and NUL": {
			strings.Repeat("x", MaxBytes) + "\x00\xff", []string{RuleTooLong, RuleInvalidUTF8, RuleNUL},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.Check(secret.New(c.pw))
			if diff := cmp.Diff(c.want, rulesOf(got)); diff != "" {
				t.Error(diff)
			}
			if got != nil && got.Field != "password" {
				t.Errorf("field %q", got.Field)
			}
		})
	}
}

func TestPolicy_WritesOneMessageForAllRules(t *testing.T) {
	p := policyOf(t, DefaultRules())
	for pw, want := range map[string]string{
		"": "The password needs at least 8 characters, an upper-case letter, a lower-case letter, a digit and " +
			"a special character (neither letter nor digit).",
		"Aaaaaaaa": "The password needs a digit and " +
			"a special character (neither letter nor digit).",
		"Aa1!aaa":                              "The password needs at least 8 characters.",
		"Aa1!" + strings.Repeat("x", MaxBytes): "The password must not be longer than 1024 bytes in UTF-8.",
		"Aa1!aaaa\x00":                         "The password must not contain a NUL character.",
		"\xff\x00":                             "The password must be valid UTF-8. It must not contain a NUL character.",
		"Aaa!aaaa\x00":                         "The password needs a digit. It must not contain a NUL character.",
	} {
		if got := p.Check(secret.New(pw)); got == nil || got.Message != want {
			t.Errorf("got %+v, want %q", got, want)
		}
	}
}

func TestPolicy_EachRuleCanBeSwitched(t *testing.T) {
	for name, c := range map[string]struct {
		rules Rules
		pw    string
		want  []string
	}{
		"none":    {Rules{}, "        ", nil},
		"upper":   {Rules{RequireUpper: true}, "        ", []string{RuleNoUpper}},
		"lower":   {Rules{RequireLower: true}, "        ", []string{RuleNoLower}},
		"digit":   {Rules{RequireDigit: true}, "        ", []string{RuleNoDigit}},
		"special": {Rules{RequireSpecial: true}, "aaaaaaaa", []string{RuleNoSpecial}},
		"longer":  {Rules{MinLength: 15}, "              ", []string{RuleTooShort}},
		"enough":  {Rules{MinLength: 15}, "               ", nil},
	} {
		if diff := cmp.Diff(c.want, rulesOf(policyOf(t, c.rules).Check(secret.New(c.pw)))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := policyOf(t, Rules{MinLength: 15}).Check(secret.New("short")); !strings.Contains(got.Message, "15") {
		t.Errorf("the message does not tell the configured length: %q", got.Message)
	}
}

func TestNewPolicy_RefusesLengthsThatCannotBe(t *testing.T) {
	for _, n := range []int{-1, 1, MinLength - 1, maxMinLength + 1} {
		if _, err := NewPolicy(Rules{MinLength: n}); err == nil {
			t.Errorf("a minimum of %d was taken", n)
		}
	}
}

func TestNormalize_ComposesAndKeepsTheRest(t *testing.T) {
	for typed, want := range map[string]string{
		"":                      "",
		"pa\u0308ss":            "päss",
		"\u212bngstrom":         "\u00c5ngstrom",
		" Ⅷ ﬁ  ":                " Ⅷ ﬁ  ", // compatibility forms and spaces are the person's own
		strings.Repeat("x", 99): strings.Repeat("x", 99),
	} {
		got, broken := Normalize(secret.New(typed))
		if broken != nil || got.Reveal() != want {
			t.Errorf("%q: got %q, %v", typed, got.Reveal(), broken)
		}
	}
}

func TestNormalize_RefusesWhatCanBeNoPassword(t *testing.T) {
	for typed, want := range map[string]string{
		"\xc0\x80":                       RuleInvalidUTF8,
		"a\x00b":                         RuleNUL,
		strings.Repeat("x", MaxBytes+1):  RuleTooLong,
		strings.Repeat("\u0958", 171):    RuleTooLong, // 3 bytes become 6 by NFC: a composition exclusion
		strings.Repeat("\u1100a", 1<<16): RuleTooLong,
	} {
		got, broken := Normalize(secret.New(typed))
		if diff := cmp.Diff([]string{want}, rulesOf(broken)); diff != "" || !got.Empty() {
			t.Error(diff)
		}
	}
}

func TestNormalize_KeepsItsFormWhenMarksAreMany(t *testing.T) {
	for n := range 100 {
		once, _ := Normalize(secret.New("a" + strings.Repeat("\u0323\u0301", n)))
		if twice, _ := Normalize(once); twice.Reveal() != once.Reveal() {
			t.Errorf("%d pairs of marks: %+q, again %+q", n, once.Reveal(), twice.Reveal())
		}
	}
}

func TestNormalize_IsIdempotentAndBlindToComposition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.StringOfN(rapid.OneOf(rapid.Rune(), rapid.RuneFrom(nil, unicode.Mn)), 0, 60, -1).Draw(t, "typed")
		once, broken := Normalize(secret.New(typed))
		if broken != nil {
			return
		}
		twice, _ := Normalize(once)
		apart, _ := Normalize(secret.New(norm.NFD.String(typed)))
		if a, b, c := once.Reveal(), twice.Reveal(), apart.Reveal(); a != b || a != c {
			t.Fatalf("%+q: %+q, again %+q, decomposed first %+q", typed, a, b, c)
		}
	})
}
