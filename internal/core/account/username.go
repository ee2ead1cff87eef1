package account

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/durwardhq/durward/internal/platform/errs"
)

// UsernameLimit is the greatest length of a username, in code points of its NFC.
const UsernameLimit = 80

// usernamePunctuation is what a username may contain besides letters, marks and digits.
const usernamePunctuation = "._-'"

var (
	usernameRequired = rule{"required", "A username is required."}
	usernameTooLong  = rule{"too_long", "A username has at most " + strconv.Itoa(UsernameLimit) + " characters."}
	usernameAt       = rule{"at_sign", "A username has no @, by which an email address is told from it."}
	usernameAllowed  = rule{
		"character_not_allowed",
		"Only letters, marks, digits and the characters . _ - ' are allowed.",
	}
	usernameEmpty = rule{"no_letter_or_digit", "A username needs a letter or a digit."}
	mixedScripts  = rule{"mixed_scripts", "All letters must be of one script: Latin and Cyrillic do not mix."}
)

// Username is a username that keeps the rules. Only ParseUsername makes one.
type Username struct{ text, key string }

// Text is the NFC of what was typed: what is stored and shown.
func (u Username) Text() string { return u.text }

// Key is the canonical form: two usernames are the same when their keys are.
func (u Username) Key() string { return u.key }

// ParseUsername reads a username, or names every rule that the text breaks.
//
// A username has 1 to 80 code points in NFC: letters, marks and digits of one script, and . _ - ' in any place, with at
// least one letter or digit. Nothing is trimmed. Japanese (kanji with both kana), Korean (Hangul with hanja) and
// Chinese with Bopomofo count as one script each; Latin goes with none of them (UTS #39 §5.1, single script).
// Characters without a script, such as ASCII digits and most marks, go with any.
//
// Refused are white space, controls, everything invisible or turning the direction of text (the zero-width joiners
// too), marks with nothing to stand on or in towers, and compatibility forms such as full-width letters: they look like
// the plain ones, and would make a second account of the same look. Letters that resemble each other inside one script
// (l and I) are not judged.
func ParseUsername(raw string) (Username, *errs.Field) {
	text, b := compose(raw, UsernameLimit, usernameRequired, usernameTooLong)
	if text == "" {
		return Username{}, b.field("username")
	}
	u := Username{text: text, key: canonical(text)}
	b.usernameCharacters(text)
	// Folding makes a letter with a script of a few characters that had none (µ), so the key is what is judged.
	b.unless(isSingleScript(u.key), mixedScripts)
	if len(b) > 0 {
		return Username{}, b.field("username")
	}
	return u, nil
}

func (b *broken) usernameCharacters(text string) {
	spelled := false
	onWord := false // whether a mark may come next
	for _, r := range text {
		if !b.unseen(r) {
			onWord = false
			continue
		}
		word := isWord(r)
		switch {
		case r == '@':
			b.add(usernameAt)
		case !word:
			b.unless(strings.ContainsRune(usernamePunctuation, r), usernameAllowed)
		default:
			b.word(r, onWord)
			spelled = spelled || !unicode.Is(unicode.M, r)
		}
		onWord = word
	}
	b.unless(spelled, usernameEmpty)
}

// word judges a letter, mark or digit; onWord says whether another of these comes right before it.
func (b *broken) word(r rune, onWord bool) {
	b.unless(!isCompatibility(r), compatibility)
	b.unless(onWord || !unicode.Is(unicode.M, r), markFirst)
}
