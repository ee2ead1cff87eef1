package password

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// maxMinLength is the longest minimum that a policy may set, in code points: within MaxBytes whatever the script.
const maxMinLength = 128

// Rules is the configuration of a Policy.
type Rules struct {
	// MinLength is the least number of code points, MinLength to 128; 0 means MinLength.
	MinLength int
	// RequireUpper and RequireLower ask for a letter of that case, RequireDigit for a decimal digit, of any script.
	RequireUpper, RequireLower, RequireDigit bool
	// RequireSpecial asks for a character that is neither letter, mark nor digit; a space is one.
	RequireSpecial bool
}

// DefaultRules is the founding rule: at least 8 characters with an upper-case letter, a lower-case letter, a digit and
// a special character.
func DefaultRules() Rules {
	return Rules{
		MinLength:    MinLength,
		RequireUpper: true, RequireLower: true, RequireDigit: true, RequireSpecial: true,
	}
}

// Policy judges new passwords, wherever they are set: at registration, change, reset, or by an administrator.
type Policy struct{ rules Rules }

// NewPolicy makes a policy, or tells which rule cannot be.
func NewPolicy(r Rules) (*Policy, error) {
	if r.MinLength == 0 {
		r.MinLength = MinLength
	}
	if r.MinLength < MinLength || r.MinLength > maxMinLength {
		return nil, fmt.Errorf("password policy: minimum length: expected %d to %d, got %d",
			MinLength, maxMinLength, r.MinLength)
	}
	return &Policy{rules: r}, nil
}

// Check tells every rule that a password breaks, judged in its normalised form; nil when it breaks none.
func (p *Policy) Check(pw secret.String) *errs.Field {
	text, broken := normalize(pw.Reveal())
	if !slices.Contains(broken, RuleInvalidUTF8) {
		broken = append(broken, p.judge(text)...)
	}
	if len(broken) == 0 {
		return nil
	}
	return refuse(broken, p.rules.MinLength)
}

// judge gives the rules broken by a text that is valid and normalised.
func (p *Policy) judge(text string) (broken []string) {
	var upper, lower, digit, special bool
	for _, c := range text {
		upper = upper || unicode.IsUpper(c)
		lower = lower || unicode.IsLower(c)
		digit = digit || unicode.IsDigit(c)
		special = special || isSpecial(c)
	}
	for _, rule := range []struct {
		name   string
		broken bool
	}{
		{RuleTooShort, utf8.RuneCountInString(text) < p.rules.MinLength},
		{RuleNoUpper, p.rules.RequireUpper && !upper},
		{RuleNoLower, p.rules.RequireLower && !lower},
		{RuleNoDigit, p.rules.RequireDigit && !digit},
		{RuleNoSpecial, p.rules.RequireSpecial && !special},
	} {
		if rule.broken {
			broken = append(broken, rule.name)
		}
	}
	return broken
}

// isSpecial leaves NUL out: it is refused anyway, and must not make a password look better than it is.
func isSpecial(c rune) bool {
	return c != 0 && !unicode.IsLetter(c) && !unicode.IsMark(c) && !unicode.IsDigit(c)
}

// wording is what each rule asks for, in the order in which rules are told: needs go in one list, the others are
// sentences of their own.
var wording = []struct{ rule, need, sentence string }{
	{rule: RuleTooShort, need: "at least %d characters"},
	{rule: RuleTooLong, sentence: fmt.Sprintf("It must not be longer than %d bytes in UTF-8.", MaxBytes)},
	{rule: RuleNoUpper, need: "an upper-case letter"},
	{rule: RuleNoLower, need: "a lower-case letter"},
	{rule: RuleNoDigit, need: "a digit"},
	{rule: RuleNoSpecial, need: "a special character (neither letter nor digit)"},
	{rule: RuleInvalidUTF8, sentence: "It must be valid UTF-8."},
	{rule: RuleNUL, sentence: "It must not contain a NUL character."},
}

// refuse tells the broken rules in a fixed order, with a message that names them all.
func refuse(broken []string, minLength int) *errs.Field {
	out := &errs.Field{Field: field}
	var needs, sentences []string
	for _, w := range wording {
		if !slices.Contains(broken, w.rule) {
			continue
		}
		out.Rules = append(out.Rules, w.rule)
		switch {
		case w.rule == RuleTooShort:
			needs = append(needs, fmt.Sprintf(w.need, minLength))
		case w.need != "":
			needs = append(needs, w.need)
		default:
			sentences = append(sentences, w.sentence)
		}
	}
	if len(needs) > 0 {
		sentences = slices.Insert(sentences, 0, "The password needs "+enumerate(needs)+".")
	} else {
		sentences[0] = "The password" + strings.TrimPrefix(sentences[0], "It")
	}
	out.Message = strings.Join(sentences, " ")
	return out
}

// enumerate writes "a", "a and b", "a, b and c".
func enumerate(items []string) string {
	last := len(items) - 1
	if last == 0 {
		return items[0]
	}
	return strings.Join(items[:last], ", ") + " and " + items[last]
}
