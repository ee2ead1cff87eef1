package account

import (
	"slices"
	"strconv"
	"strings"

	"github.com/durwardhq/durward/internal/platform/errs"
)

// rule is one thing that a text can break: the stable word that programs read and the sentence that people read.
type rule struct{ word, sentence string }

// Rules of both kinds of identifier.
var (
	invalidUTF8      = rule{"invalid_utf8", "The text is not valid UTF-8."}
	whiteSpace       = rule{"white_space", "White space is not allowed, not even at the ends."}
	controlCharacter = rule{"control_character", "Control characters are not allowed."}
	invisible        = rule{"invisible_character", "Invisible characters and direction marks are not allowed."}
	compatibility    = rule{
		"compatibility_form",
		"Full-width letters and other compatibility forms are not allowed; write the plain letters.",
	}
	markFirst = rule{
		"mark_first",
		"A combining mark must follow a letter, a digit or another mark.",
	}
	tooManyMarks = rule{
		"too_many_marks",
		"At most " + strconv.Itoa(maxMarks) + " combining marks may follow one another.",
	}
)

// broken is the list of the rules that a text breaks, each word once, in the order in which they were found.
type broken []rule

func (b *broken) add(r rule) {
	if !slices.ContainsFunc(*b, func(known rule) bool { return known.word == r.word }) {
		*b = append(*b, r)
	}
}

// unless adds the rule when the text does not keep it.
func (b *broken) unless(kept bool, r rule) {
	if !kept {
		b.add(r)
	}
}

// field gives the answer for the named field, nil when nothing is broken.
func (b broken) field(name string) *errs.Field {
	if len(b) == 0 {
		return nil
	}
	f := &errs.Field{Field: name}
	sentences := make([]string, len(b))
	for i, r := range b {
		f.Rules = append(f.Rules, r.word)
		sentences[i] = r.sentence
	}
	f.Message = strings.Join(sentences, " ")
	return f
}
