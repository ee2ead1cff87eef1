package config

import (
	"fmt"
	"log/slog"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxText  = 4096 // bytes of one value
	maxEmail = 120  // code points of an address
)

// value is a field of the Config as a setting sees it.
type value interface {
	// set understands the text and stores it, or says what was expected.
	set(text string) *mismatch
	// String is the text that set would read back; secrets are hidden.
	String() string
	// expects describes what set takes, as the end of the sentence "expected …".
	expects() string
	// kind is the form of the value in one word.
	kind() Kind
}

// mismatch is why a text is no value of its setting.
type mismatch struct {
	expected string // empty: what the value expects in general
	suggest  string // a value to write instead; empty: the setting's own example
	advice   string // a sentence that comes before the suggestion, or stands alone
	alone    bool   // the advice is enough
	hide     bool   // the text may hold a password
}

// checkText holds for values of every kind: they are one line of readable text.
func checkText(text string) *mismatch {
	if len(text) > maxText {
		return &mismatch{expected: fmt.Sprintf("at most %d bytes", maxText)}
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return &mismatch{expected: "one line of UTF-8 text without control characters"}
	}
	return nil
}

type switchValue struct{ p *bool }

func (v *switchValue) set(text string) *mismatch {
	switch {
	case strings.EqualFold(text, "true"):
		*v.p = true
	case strings.EqualFold(text, "false"):
		*v.p = false
	default:
		return &mismatch{}
	}
	return nil
}

func (v *switchValue) String() string  { return strconv.FormatBool(*v.p) }
func (v *switchValue) expects() string { return "true or false" }
func (v *switchValue) kind() Kind      { return KindBoolean }

type integerValue struct {
	p        *int
	min, max int
}

func (v *integerValue) set(text string) *mismatch {
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text {
		return &mismatch{}
	}
	if n < v.min || n > v.max {
		return &mismatch{suggest: strconv.Itoa(min(max(n, v.min), v.max))}
	}
	*v.p = n
	return nil
}

func (v *integerValue) String() string { return strconv.Itoa(*v.p) }
func (v *integerValue) expects() string {
	return fmt.Sprintf("a whole number from %d to %d", v.min, v.max)
}
func (v *integerValue) kind() Kind { return KindInteger }

type durationValue struct {
	p        *time.Duration
	min, max time.Duration
	zero     bool // 0 is allowed and means never
}

func (v *durationValue) set(text string) *mismatch {
	d, err := time.ParseDuration(text)
	if err != nil {
		return v.misread(text)
	}
	if d == 0 && v.zero {
		*v.p = 0
		return nil
	}
	if d < v.min || d > v.max {
		return &mismatch{suggest: formatDuration(min(max(d, v.min), v.max))}
	}
	*v.p = d
	return nil
}

// misread helps with the two usual slips: a number without a unit, and days.
func (v *durationValue) misread(text string) *mismatch {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(number); err == nil && n > 0 && n <= 10000 {
			return &mismatch{suggest: strconv.Itoa(n*24) + "h", advice: "the largest unit is the hour"}
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return &mismatch{suggest: strconv.Itoa(n) + "s", advice: "a number needs a unit, if seconds are meant"}
	}
	return &mismatch{}
}

func (v *durationValue) String() string { return formatDuration(*v.p) }

func (v *durationValue) expects() string {
	text := fmt.Sprintf("a duration from %s to %s, in h, m, s and ms",
		formatDuration(v.min), formatDuration(v.max))
	if v.zero {
		text += ", or 0 for never"
	}
	return text
}

func (v *durationValue) kind() Kind { return KindDuration }

// formatDuration writes 15m and 24h where time.Duration writes 15m0s and 24h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if d == 0 {
		return "0"
	}
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

type choiceValue struct {
	p  *string
	of []string
}

func (v *choiceValue) set(text string) *mismatch {
	if slices.Contains(v.of, text) {
		*v.p = text
		return nil
	}
	return &mismatch{suggest: nearest(text, v.of)}
}

func (v *choiceValue) String() string  { return *v.p }
func (v *choiceValue) expects() string { return either(v.of) }
func (v *choiceValue) kind() Kind      { return KindChoice }

// either writes "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

type levelValue struct{ p *slog.Level }

var levels = []string{"debug", "info", "warn", "error"}

func (v *levelValue) set(text string) *mismatch {
	if !slices.Contains(levels, text) {
		return &mismatch{suggest: nearest(text, levels)}
	}
	if err := v.p.UnmarshalText([]byte(text)); err != nil {
		return &mismatch{}
	}
	return nil
}

func (v *levelValue) String() string  { return strings.ToLower(v.p.String()) }
func (v *levelValue) expects() string { return either(levels) }
func (v *levelValue) kind() Kind      { return KindChoice }

type emailValue struct{ p *string }

// set checks the form alone; the account's own rules judge the address when it is used.
func (v *emailValue) set(text string) *mismatch {
	if text != "" {
		address, err := mail.ParseAddress(text)
		if err != nil || address.Address != text || utf8.RuneCountInString(text) > maxEmail {
			return &mismatch{}
		}
	}
	*v.p = text
	return nil
}

func (v *emailValue) String() string { return *v.p }

func (v *emailValue) expects() string {
	return fmt.Sprintf("an email address of at most %d characters and nothing around it, or nothing", maxEmail)
}

func (v *emailValue) kind() Kind { return KindText }

type pathValue struct{ p *string }

func (v *pathValue) set(text string) *mismatch {
	*v.p = text
	return nil
}

func (v *pathValue) String() string  { return *v.p }
func (v *pathValue) expects() string { return "the path of a file" }
func (v *pathValue) kind() Kind      { return KindText }
