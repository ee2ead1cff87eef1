package password

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

const (
	// MinLength is the least number of code points that any policy may ask for (NIST SP 800-63B-4 §3.1.1.2).
	MinLength = 8
	// MaxBytes is the greatest length of a password after normalisation, in bytes of UTF-8. Nothing is ever cut off.
	MaxBytes = 1024
)

// The rules that a password can break, as errs.Field.Rules names them.
const (
	RuleTooShort    = "too_short"
	RuleTooLong     = "too_long"
	RuleNoUpper     = "no_upper"
	RuleNoLower     = "no_lower"
	RuleNoDigit     = "no_digit"
	RuleNoSpecial   = "no_special"
	RuleInvalidUTF8 = "invalid_utf8"
	RuleNUL         = "nul"
)

// field is the name of a password in requests.
const field = "password"

// Normalize gives the NFC of a typed password (Unicode Standard Annex #15), the form that is judged and hashed, so
// that two keyboards that compose a letter differently type the same password. What can be no password at all is
// refused: invalid UTF-8, a NUL, more than MaxBytes. How good a password is, Policy says. A run of more than 30
// combining marks gets the joiners of the Stream-Safe Text Format (§13 there).
func Normalize(pw secret.String) (secret.String, *errs.Field) {
	text, broken := normalize(pw.Reveal())
	if len(broken) > 0 {
		return secret.String{}, refuse(broken, MinLength)
	}
	return secret.New(text), nil
}

// normalize gives the NFC and the rules that no policy can waive. Invalid UTF-8 has no NFC and is given back as it is.
func normalize(typed string) (text string, broken []string) {
	if utf8.ValidString(typed) {
		text = norm.NFC.String(typed)
	} else {
		text, broken = typed, append(broken, RuleInvalidUTF8)
	}
	if len(text) > MaxBytes {
		broken = append(broken, RuleTooLong)
	}
	if strings.ContainsRune(text, 0) {
		broken = append(broken, RuleNUL)
	}
	return text, broken
}
