package session

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/ident"
)

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	limits = Limits{Idle: 24 * time.Hour, Absolute: 30 * 24 * time.Hour}
)

func begun() Session {
	return Begin(1, ident.FirstParty, ident.AMRPassword, ident.ACRSingleFactor, start, limits)
}

func TestStateAt_FollowsFromTheTimesAlone(t *testing.T) {
	ended := start.Add(time.Hour)
	tests := []struct {
		name    string
		change  func(*Session)
		elapsed time.Duration
		want    State
	}{
		{"just begun", nil, 0, Live},
		{"a moment before the idle timeout", nil, limits.Idle - time.Microsecond, Live},
		{"at the idle timeout", nil, limits.Idle, Idle},
		{"refreshed in time", func(s *Session) { s.RefreshedAt = start.Add(time.Hour) }, limits.Idle, Live},
		{"at its absolute end though refreshed", func(s *Session) { s.RefreshedAt = s.ExpiresAt }, limits.Absolute, Expired},
		{"a moment before its absolute end", func(s *Session) { s.RefreshedAt = s.ExpiresAt.Add(-time.Hour) },
			limits.Absolute - time.Microsecond, Live},
		{"both idle and past its end", nil, limits.Absolute, Expired},
		{"ended", func(s *Session) { s.EndedAt = &ended }, 2 * time.Hour, Ended},
		{"ended long ago", func(s *Session) { s.EndedAt = &ended }, 2 * limits.Absolute, Ended},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := begun()
			if tt.change != nil {
				tt.change(&s)
			}
			if got := s.StateAt(start.Add(tt.elapsed), limits); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestEnd_IsTheEarlierOfIdleAndAbsolute(t *testing.T) {
	s := begun()
	if got := s.End(limits); !got.Equal(start.Add(limits.Idle)) {
		t.Errorf("fresh: %s", got)
	}
	s.RefreshedAt = s.ExpiresAt.Add(-time.Minute)
	if got := s.End(limits); !got.Equal(s.ExpiresAt) {
		t.Errorf("near its end: %s", got)
	}
}

func TestJudge_EveryRotationBeforeAndAfterTheWindow(t *testing.T) {
	const window = 10 * time.Second
	tests := []struct {
		presented int64
		elapsed   time.Duration
		want      Verdict
	}{
		{5, 0, Rotate},
		{5, time.Hour, Rotate},
		{4, 0, Repeat},
		{4, window - time.Microsecond, Repeat},
		{4, window, Stolen},
		{4, time.Hour, Stolen},
		{3, 0, Stolen},
		{3, time.Hour, Stolen},
		{0, 0, Stolen},
		{6, 0, Foreign},
		{1 << 62, time.Hour, Foreign},
	}
	for _, tt := range tests {
		s := begun()
		s.Rotation = 5
		if got := s.Judge(tt.presented, start.Add(tt.elapsed), window); got != tt.want {
			t.Errorf("token %d of session at 5, %s after the rotation: %s, want %s", tt.presented, tt.elapsed, got, tt.want)
		}
	}
}

func testCodec(t testing.TB, generations ...uint8) *Codec {
	t.Helper()
	keys := map[uint8][]byte{}
	for _, g := range generations {
		keys[g] = []byte(strings.Repeat(string('a'+rune(g)), 32))
	}
	c, err := NewCodec(keys)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCodec_ReadsBackWhatItWroteAndAlwaysWritesTheSame(t *testing.T) {
	c := testCodec(t, 1)
	want := Token{Session: ident.NewSessionID(), Rotation: 1<<63 - 1}
	text, err := c.Mint(want)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Mint(want); again != text {
		t.Errorf("two texts for one rotation: %q and %q", text, again)
	}
	if got, err := c.Parse(text); err != nil || got != want {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	if len(text) != 80 {
		t.Errorf("length %d, documented as 80", len(text))
	}
}

func TestCodec_AnyChangedBitIsRefused(t *testing.T) {
	c := testCodec(t, 1)
	text, err := c.Mint(Token{Session: ident.NewSessionID(), Rotation: 7})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, refreshPrefix))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		changed := append([]byte(nil), raw...)
		changed[i/8] ^= 1 << (i % 8)
		if _, err := c.Parse(refreshPrefix + base64.RawURLEncoding.EncodeToString(changed)); err == nil {
			t.Fatalf("accepted with bit %d changed", i)
		}
	}
}

func TestCodec_RefusesWhatItDidNotWrite(t *testing.T) {
	c := testCodec(t, 1)
	good, err := c.Mint(Token{Session: ident.NewSessionID()})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := testCodec(t, 2).Mint(Token{Session: ident.NewSessionID()})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "prefix alone": refreshPrefix, "no prefix": strings.TrimPrefix(good, refreshPrefix),
		"shorter": good[:len(good)-1], "longer": good + "A", "padding": good + "=", "space": " " + good,
		"line break": good[:20] + "\n" + good[20:], "other alphabet": good[:20] + "+" + good[21:],
		"a key that this codec lacks": foreign, "upper-case prefix": "DWR_" + good[4:],
	} {
		if got, err := c.Parse(text); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func TestCodec_AnOldKeyStillReadsAndTheNewestWrites(t *testing.T) {
	want := Token{Session: ident.NewSessionID(), Rotation: 3}
	old, err := testCodec(t, 1).Mint(want)
	if err != nil {
		t.Fatal(err)
	}
	both := testCodec(t, 1, 2)
	if got, err := both.Parse(old); err != nil || got != want {
		t.Errorf("old token: %+v, %v", got, err)
	}
	fresh, err := both.Mint(want)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testCodec(t, 1).Parse(fresh); err == nil {
		t.Error("the old key still writes")
	}
}

func TestNewCodec_NeedsAKey(t *testing.T) {
	if _, err := NewCodec(nil); err == nil {
		t.Error("a codec without keys was made")
	}
}

func FuzzCodecParse(f *testing.F) {
	c := testCodec(f, 1)
	good, err := c.Mint(Token{Session: ident.NewSessionID(), Rotation: 9})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add("dwr_")
	f.Add(good[:79] + "_")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := c.Parse(text)
		if err != nil {
			return
		}
		if again, err := c.Mint(token); err != nil || again != text {
			t.Errorf("%q was read as %+v, which is written %q (%v)", text, token, again, err)
		}
	})
}
