package ident_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/durwardhq/durward/internal/ident"
)

func TestParseUserID_ReadsWhatStringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := ident.UserID(rapid.Int64Min(1).Draw(t, "id"))
		got, err := ident.ParseUserID(id.String())
		if err != nil || got != id {
			t.Fatalf("ParseUserID(%q) = %d, %v; want %d", id.String(), got, err, id)
		}
	})
}

func TestParseUserID_RefusesEverythingElse(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          "",
		"zero":             "0",
		"negative":         "-1",
		"a plus sign":      "+1",
		"a leading zero":   "01",
		"a space before":   " 1",
		"a newline after":  "1\n",
		"a fraction":       "1.0",
		"an exponent":      "1e3",
		"hexadecimal":      "0x1",
		"an underscore":    "1_000",
		"other digits":     "١",
		"full-width digit": "１",
		"too large":        "9223372036854775808",
		"a word":           "admin",
		"NUL":              "1\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if id, err := ident.ParseUserID(text); id != 0 || !errors.Is(err, ident.ErrMalformed) {
				t.Fatalf("ParseUserID(%q) = %d, %v; want 0 and ErrMalformed", text, id, err)
			}
		})
	}
}

func TestNewIDs_HaveTheirPrefixAndAFixedForm(t *testing.T) {
	for prefix, id := range map[string]string{
		"ses": string(ident.NewSessionID()),
		"key": string(ident.NewKeyID()),
		"evt": string(ident.NewEventID()),
		"req": string(ident.NewRequestID()),
	} {
		if form := regexp.MustCompile(`^` + prefix + `_[0-9a-hjkmnp-tv-z]{26}$`); !form.MatchString(id) {
			t.Errorf("got the id %q, want the form %s", id, form)
		}
	}
}

func TestNewSessionID_NeverRepeats(t *testing.T) {
	seen := map[ident.SessionID]bool{}
	for range 10_000 {
		id := ident.NewSessionID()
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
	}
}

func TestSessionID_CarriesItsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var raw [ident.RawLen]byte
		copy(raw[:], rapid.SliceOfN(rapid.Byte(), ident.RawLen, ident.RawLen).Draw(t, "raw"))
		id := ident.SessionIDFrom(raw)
		if got, err := id.Raw(); err != nil || got != raw {
			t.Fatalf("%s.Raw() = %x, %v; want %x", id, got, err, raw)
		}
		if got, err := ident.ParseSessionID(string(id)); err != nil || got != id {
			t.Fatalf("ParseSessionID(%q) = %q, %v", id, got, err)
		}
	})
}

func TestSessionID_RawOfAForeignTextIsRefused(t *testing.T) {
	if _, err := ident.SessionID("ses_short").Raw(); !errors.Is(err, ident.ErrMalformed) {
		t.Fatalf("got %v, want ErrMalformed", err)
	}
}

func TestParseSessionID_RefusesEverythingElse(t *testing.T) {
	good := string(ident.SessionIDFrom([ident.RawLen]byte(bytes.Repeat([]byte{0xff}, ident.RawLen))))
	body := strings.TrimPrefix(good, "ses_")
	for name, text := range map[string]string{
		"nothing":                     "",
		"the prefix alone":            "ses_",
		"another kind of id":          "key_" + body,
		"an upper-case prefix":        "SES_" + body,
		"upper-case characters":       "ses_" + strings.ToUpper(body),
		"a character too few":         good[:len(good)-1],
		"a character too many":        good + "0",
		"padding":                     good + "=",
		"a letter that is never used": good[:len(good)-1] + "u",
		"bits to spare that are set":  good[:len(good)-1] + "z",
		"a newline inside":            good[:10] + "\n" + good[11:],
		"a newline after":             good + "\n",
		"NUL":                         good[:len(good)-1] + "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if id, err := ident.ParseSessionID(text); id != "" || !errors.Is(err, ident.ErrMalformed) {
				t.Fatalf("ParseSessionID(%q) = %q, %v; want nothing and ErrMalformed", text, id, err)
			}
		})
	}
}

func TestParseErrors_DoNotRepeatTheInput(t *testing.T) {
	const input = "s3cret-looking-text"
	_, user := ident.ParseUserID(input)
	_, session := ident.ParseSessionID(input)
	for _, err := range []error{user, session} {
		if err == nil || strings.Contains(err.Error(), input) {
			t.Errorf("got the error %v, want one that leaves the input out", err)
		}
	}
}

// A text that parses is the only text of its id: what is stored, logged and compared is always the same.
func FuzzParseSessionID(f *testing.F) {
	f.Add(string(ident.NewSessionID()))
	f.Add("ses_")
	f.Add("key_00000000000000000000000000")
	f.Add("ses_0000000000000000000000000z")
	f.Add("ses_0000000000000\n000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ident.ParseSessionID(text)
		if err != nil {
			if id != "" {
				t.Fatalf("ParseSessionID(%q) gave %q with an error", text, id)
			}
			return
		}
		if string(id) != text {
			t.Fatalf("ParseSessionID(%q) = %q, another text", text, id)
		}
		raw, err := id.Raw()
		if err != nil || ident.SessionIDFrom(raw) != id {
			t.Fatalf("%q does not come back from its bytes: %v", id, err)
		}
	})
}

func FuzzParseUserID(f *testing.F) {
	for _, seed := range []string{"1", "0", "-1", "007", "9223372036854775807", "9223372036854775808", "1e3", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ident.ParseUserID(text)
		if err == nil && (id < 1 || id.String() != text) {
			t.Fatalf("ParseUserID(%q) = %d, which writes itself %q", text, id, id)
		}
	})
}
