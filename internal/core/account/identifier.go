package account

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Identifier is what somebody types to say who they are: a username or an email address, in canonical form.
// The zero value has no key and matches no account.
type Identifier struct {
	key   string
	email bool
}

// Key is the canonical form that an account is looked up by, "" when the text can be no account's. A username never
// contains "@" and an address always does, so that the keys of the two cannot clash.
func (i Identifier) Key() string { return i.key }

// ParseIdentifier reads what was typed at sign-in. It never fails: a text that can be no account's (far too long, not
// UTF-8, with NUL, with a domain that is none) gives an identifier without a key, which is looked up like any other, at
// the same cost as an unknown account.
//
// It canonicalises and does not judge. Rules that become stricter must not lock out whoever registered before.
func ParseIdentifier(raw string) Identifier {
	if len(raw) > EmailLimit*maxExpansion || !utf8.ValidString(raw) || strings.ContainsRune(raw, 0) {
		return Identifier{}
	}
	local, domain, email := cutLast(raw, '@')
	if !email {
		return Identifier{key: canonical(raw)}
	}
	ascii, err := domains.ToASCII(norm.NFC.String(domain))
	if err != nil {
		return Identifier{}
	}
	return Identifier{key: canonical(local) + "@" + ascii, email: true}
}
