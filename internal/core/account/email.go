package account

import (
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/durwardhq/durward/internal/platform/errs"
)

const (
	// EmailLimit is the greatest length of an email address, in code points of its NFC.
	EmailLimit = 120

	maxLocalPart = 64  // octets (RFC 5321 §4.5.3.1.1)
	maxDomain    = 253 // octets as A-labels (RFC 1035 §2.3.4, written with dots)
	maxLabel     = 63  // octets
	maxMailbox   = 254 // octets: a path of 256 less its angle brackets (RFC 5321 §4.5.3.1.3)

	// atext is the ASCII punctuation of a dot-atom (RFC 5322 §3.2.3).
	atext = "!#$%&'*+-/=?^_`{|}~"
)

var (
	emailRequired = rule{"required", "An email address is required."}
	emailTooLong  = rule{"too_long", "An email address has at most " + strconv.Itoa(EmailLimit) + " characters."}
	octetsTooMany = rule{"too_long", "An email address has at most " + strconv.Itoa(maxMailbox) + " octets in mail."}
	displayName   = rule{"display_name", "Only the address itself is wanted: no name and no angle brackets."}
	comment       = rule{"comment", "Comments in round brackets are not allowed."}
	missingAt     = rule{"missing_at", "An @ is missing between the name and the domain."}
	severalAts    = rule{"several_ats", "Only one @ is allowed."}
	emptyLocal    = rule{"empty_local_part", "Something must stand before the @."}
	quotedLocal   = rule{"quoted_local_part", "A name in quotation marks before the @ is not supported."}
	localTooLong  = rule{
		"local_part_too_long",
		"At most " + strconv.Itoa(maxLocalPart) + " octets may stand before the @.",
	}
	localAllowed = rule{
		"character_not_allowed",
		"Only letters, marks, digits, dots and " + atext + " may stand before the @.",
	}
	misplacedDot = rule{
		"misplaced_dot",
		"A dot must not begin or end either side of the @, nor follow another dot.",
	}
	emptyDomain   = rule{"empty_domain", "A domain must stand after the @."}
	domainLiteral = rule{"domain_literal", "An IP address after the @ is not supported; a domain name is needed."}
	invalidDomain = rule{"invalid_domain", "What stands after the @ is not a valid domain name."}
	domainTooLong = rule{"domain_too_long", "A domain name has at most " + strconv.Itoa(maxDomain) + " octets."}
	labelTooLong  = rule{
		"domain_label_too_long",
		"Each part of a domain name has at most " + strconv.Itoa(maxLabel) + " octets.",
	}
	domainWithoutDot = rule{
		"domain_without_dot",
		"A domain name needs a dot, such as example.org; local host names cannot be reached.",
	}
)

// domains turns what is typed into A-labels: UTS #46, nontransitional, with the rules for host names, joiners and
// direction. Lengths and empty labels are checked apart, to tell them from the rest.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule())

// Email is an email address that keeps the rules. Only ParseEmail makes one.
type Email struct{ text, key string }

// Text is the NFC of what was typed: what is stored, shown and written to.
func (e Email) Text() string { return e.text }

// Key is the canonical form: the folded local part, "@", and the domain as A-labels. Two addresses are the same when
// their keys are. It is for comparing, not for sending: a mail server may tell the cases of a local part apart.
func (e Email) Key() string { return e.key }

// ParseEmail reads an email address, or names every rule that the text breaks.
//
// An address has at most 120 code points in NFC. Its local part is a dot-atom (RFC 5322 §3.2.3) of at most 64 octets,
// internationalised or not (RFC 6531): beyond ASCII letters, marks and digits, without compatibility forms such as
// full-width letters. Its domain is one that UTS #46 can turn into A-labels, with at least one dot, none at its end,
// and a last label that is no number. Nothing is trimmed.
//
// Refused though RFC 5322 allows them: quoted local parts, comments, display names and address literals, which nearly
// nobody has and on which parsers disagree. Invisible characters are refused in domains too; a domain that needs one
// can be written with A-labels.
func ParseEmail(raw string) (Email, *errs.Field) {
	text, b := compose(raw, EmailLimit, emailRequired, emailTooLong)
	if text == "" || b.notBare(text) {
		return Email{}, b.field("email")
	}
	local, domain, found := cutLast(text, '@')
	if !found {
		b.add(missingAt)
		return Email{}, b.field("email")
	}
	b.localPart(local)
	ascii := b.domain(domain)
	b.unless(len(local)+1+len(ascii) <= maxMailbox, octetsTooMany)
	if len(b) > 0 {
		return Email{}, b.field("email")
	}
	return Email{text: text, key: canonical(local) + "@" + ascii}, nil
}

// notBare tells whether a text is more than an address or holds what no address has, after which its parts would only
// be guessed at.
func (b *broken) notBare(text string) bool {
	before := len(*b)
	for _, r := range text {
		b.unseen(r)
	}
	named := strings.ContainsAny(text, "<>")
	b.unless(!named, displayName)
	b.unless(named || !strings.HasPrefix(text, `"`), quotedLocal)
	b.unless(!strings.ContainsAny(text, "()"), comment)
	return len(*b) > before
}

// localPart judges what stands before the @.
func (b *broken) localPart(local string) {
	if local == "" {
		b.add(emptyLocal)
		return
	}
	b.unless(!strings.ContainsRune(local, '@'), severalAts)
	b.unless(len(local) <= maxLocalPart, localTooLong)
	b.unless(!hasMisplacedDot(local), misplacedDot)
	onWord := false
	for _, r := range local {
		word := isWord(r)
		if word {
			b.word(r, onWord)
		} else {
			b.unless(strings.ContainsRune(atext+".@", r), localAllowed)
		}
		onWord = word
	}
}

// domain judges what stands after the @ and gives its A-labels.
func (b *broken) domain(domain string) string {
	switch {
	case domain == "":
		b.add(emptyDomain)
		return ""
	case strings.HasPrefix(domain, "["):
		b.add(domainLiteral)
		return ""
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil {
		b.add(invalidDomain)
		return ""
	}
	b.labels(ascii)
	b.unless(len(ascii) <= maxDomain, domainTooLong)
	return ascii
}

func (b *broken) labels(ascii string) {
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		b.unless(label != "", misplacedDot)
		b.unless(len(label) <= maxLabel, labelTooLong)
	}
	b.unless(len(labels) > 1, domainWithoutDot)
	// A name that ends in a number would be read as an IPv4 address (RFC 3696 §2).
	last := labels[len(labels)-1]
	b.unless(last == "" || strings.Trim(last, "0123456789") != "", domainLiteral)
}

func hasMisplacedDot(s string) bool {
	return strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..")
}

// cutLast cuts s around its last sep.
func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
