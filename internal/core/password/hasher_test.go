package password

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// cheap is the least that Argon2 allows, so that tests measure logic and not memory.
var (
	cheap       = Config{Argon2: Argon2{MemoryKiB: 8, Time: 1, Threads: 1}, Workers: 2, Weak: true}
	cheapBcrypt = Config{Scheme: Bcrypt, BcryptCost: leastBcryptCost, Workers: 2, Weak: true}
)

func hasher(t testing.TB, c Config) *Hasher {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func hashed(t testing.TB, h *Hasher, pw string) string {
	t.Helper()
	encoded, err := h.Hash(t.Context(), secret.New(pw))
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func verified(t testing.TB, h *Hasher, encoded, pw string) (match, outdated bool) {
	t.Helper()
	match, outdated, err := h.Verify(t.Context(), encoded, secret.New(pw))
	if err != nil {
		t.Fatal(err)
	}
	return match, outdated
}

func TestVerify_ReadsWhatOtherLibrariesWrote(t *testing.T) {
	h := hasher(t, Config{})
	for _, v := range vectors(t) {
		if match, _ := verified(t, h, v.Encoded, v.Password); !match {
			t.Errorf("%s does not verify", v.Encoded)
		}
		if match, _ := verified(t, h, v.Encoded, v.Password+"x"); match {
			t.Errorf("%s verifies another password", v.Encoded)
		}
	}
}

func TestHash_WritesTheFormInForce(t *testing.T) {
	for _, c := range []struct {
		config Config
		length int
		prefix string
	}{
		{Config{}, 8, "$argon2id$v=19$m=19456,t=2,p=1$"},
		{Config{}, 1024, "$argon2id$v=19$m=19456,t=2,p=1$"},
		{cheapBcrypt, 8, "$2b$04$"},
		{cheapBcrypt, 72, "$2b$04$"},
		{cheapBcrypt, 73, "$bcrypt-sha256$v=2,t=2b,r=4$"},
		{cheapBcrypt, 1024, "$bcrypt-sha256$v=2,t=2b,r=4$"},
	} {
		encoded := hashed(t, hasher(t, c.config), strings.Repeat("x", c.length))
		if !strings.HasPrefix(encoded, c.prefix) || len(encoded) > MaxEncodedLen {
			t.Errorf("%d bytes: got %s, want %s…", c.length, encoded, c.prefix)
		}
	}
}

func TestHash_OfBcryptIsReadByAnotherImplementation(t *testing.T) {
	encoded := hashed(t, hasher(t, cheapBcrypt), "Aa1! pässwörd")
	if err := bcrypt.CompareHashAndPassword([]byte(encoded), []byte("Aa1! pässwörd")); err != nil {
		t.Errorf("%s: %v", encoded, err)
	}
}

func TestHash_SaltsEveryHash(t *testing.T) {
	for _, c := range []Config{cheap, cheapBcrypt} {
		h := hasher(t, c)
		if a, b := hashed(t, h, "Aa1! Aa1!"), hashed(t, h, "Aa1! Aa1!"); a == b {
			t.Errorf("twice %s", a)
		}
	}
}

func TestVerify_UsesEveryByteOfThePassword(t *testing.T) {
	for name, c := range map[string]Config{"argon2id": cheap, "bcrypt": cheapBcrypt} {
		h := hasher(t, c)
		for _, n := range []int{1, 8, 55, 56, 71, 72, 73, 74, 127, 128, 129, 1023, 1024} {
			p := strings.Repeat("p", n)
			encoded := hashed(t, h, p)
			for what, other := range map[string]string{
				"one more":       p + "p",
				"one less":       p[1:],
				"the last other": p[1:] + "q",
				"NUL and more":   p + "\x00",
				"a pre-hash":     string(preHash(p, mustParse(t, encoded).salt)),
			} {
				if match, _ := verified(t, h, encoded, other); match {
					t.Errorf("%s, %d bytes, %s: matches", name, n, what)
				}
			}
			if match, outdated := verified(t, h, encoded, p); !match || outdated {
				t.Errorf("%s, %d bytes: match %t, outdated %t", name, n, match, outdated)
			}
		}
	}
}

// A plain bcrypt hash must not be opened by what a long password is reduced to, in either direction.
func TestVerify_PlainBcryptNeverMatchesALongPassword(t *testing.T) {
	h := hasher(t, cheapBcrypt)
	long := strings.Repeat("long ", 20)
	salt := newSalt()
	sum, err := bcryptSum(preHash(long, salt), leastBcryptCost, salt)
	if err != nil {
		t.Fatal(err)
	}
	plain := hash{costs: costs{form: formBcrypt, bcrypt: leastBcryptCost, minor: 'b'}, salt: salt, sum: sum}.String()
	if match, _ := verified(t, h, plain, string(preHash(long, salt))); !match {
		t.Error("the pre-hash as a password of its own does not match")
	}
	if match, _ := verified(t, h, plain, long); match {
		t.Error("the long password matches a hash of its pre-hash")
	}
}

func mustParse(t testing.TB, encoded string) hash {
	t.Helper()
	h, err := parse(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestVerify_TakesComposedAndDecomposedLettersForTheSame(t *testing.T) {
	h := hasher(t, cheap)
	encoded := hashed(t, h, "pa\u0308sswo\u0308rd")
	if match, _ := verified(t, h, encoded, "pässwörd"); !match {
		t.Error("the composed form does not match")
	}
	if match, _ := verified(t, h, encoded, "password"); match {
		t.Error("the letters without marks match")
	}
}

func TestVerify_OutdatedWhenSchemeOrCostsDiffer(t *testing.T) {
	bytesOf := func(c costs, pw string) string {
		h := hash{costs: c, salt: newSalt()}
		h.sum, _ = c.derive(&memory{held: newCounter()}, pw, h.salt)
		return h.String()
	}
	argon := func(m, t, p uint32) costs { return costs{form: formArgon2id, argon2: Argon2{m, t, p}} }
	bcryptAt := func(cost int, minor byte) costs { return costs{form: formBcrypt, bcrypt: cost, minor: minor} }
	preHashed := func(cost int) costs { return costs{form: formBcryptSHA256, bcrypt: cost, minor: 'b'} }
	short, long := "Aa1! Aa1!", strings.Repeat("Aa1! ", 15)
	for name, c := range map[string]struct {
		config   Config
		stored   costs
		pw       string
		outdated bool
	}{
		"argon2id, the same":             {cheap, argon(8, 1, 1), short, false},
		"argon2id, less memory":          {Config{}, argon(8, 2, 1), short, true},
		"argon2id, more memory":          {cheap, argon(16, 1, 1), short, true},
		"argon2id, more passes":          {cheap, argon(8, 2, 1), short, true},
		"argon2id, more lanes":           {cheap, argon(16, 1, 2), short, true},
		"bcrypt where argon2id":          {cheap, bcryptAt(4, 'b'), short, true},
		"bcrypt-sha256 where argon2id":   {cheap, preHashed(4), long, true},
		"argon2id where bcrypt":          {cheapBcrypt, argon(8, 1, 1), short, true},
		"bcrypt, the same":               {cheapBcrypt, bcryptAt(4, 'b'), short, false},
		"bcrypt, another cost":           {cheapBcrypt, bcryptAt(5, 'b'), short, true},
		"bcrypt, variant 2a":             {cheapBcrypt, bcryptAt(4, 'a'), short, true},
		"bcrypt, variant 2y":             {cheapBcrypt, bcryptAt(4, 'y'), short, true},
		"bcrypt-sha256, the same":        {cheapBcrypt, preHashed(4), long, false},
		"bcrypt-sha256, another cost":    {cheapBcrypt, preHashed(5), long, true},
		"bcrypt-sha256 where not needed": {cheapBcrypt, preHashed(4), short, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := hasher(t, c.config)
			encoded := bytesOf(c.stored, c.pw)
			if match, outdated := verified(t, h, encoded, c.pw); !match || outdated != c.outdated {
				t.Errorf("match %t, outdated %t", match, outdated)
			}
			if match, outdated := verified(t, h, encoded, c.pw+"?"); match || outdated {
				t.Errorf("a wrong password: match %t, outdated %t", match, outdated)
			}
		})
	}
}

// watch notes every derivation that a Hasher makes.
func watch(h *Hasher) func() []costs {
	var mu sync.Mutex
	var seen []costs
	derive := h.derive
	h.derive = func(c costs, m *memory, pw string, salt [saltLen]byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, c)
		return derive(c, m, pw, salt)
	}
	return func() []costs {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func TestVerifyAbsent_DoesTheWorkOfAVerification(t *testing.T) {
	for name, c := range map[string]Config{"argon2id": cheap, "bcrypt": cheapBcrypt} {
		for _, pw := range []string{"", "Aa1! Aa1!", strings.Repeat("x", 72), strings.Repeat("x", 73)} {
			h := hasher(t, c)
			known := hashed(t, h, "Bb2! Bb2!")
			seen := watch(h)
			if match, _ := verified(t, h, known, pw); match {
				t.Fatal("a wrong password matches")
			}
			if err := h.VerifyAbsent(t.Context(), secret.New(pw)); err != nil {
				t.Fatal(err)
			}
			if got := seen(); len(got) != 2 || got[0] != got[1] || got[0].preHashes(pw) != got[1].preHashes(pw) {
				t.Errorf("%s, %d bytes: known and absent derived %+v", name, len(pw), got)
			}
		}
	}
}

func TestVerify_RefusesImpossiblePasswordsAlikeForKnownAndAbsent(t *testing.T) {
	h := hasher(t, cheap)
	known := hashed(t, h, "Aa1! Aa1!")
	seen := watch(h)
	for _, pw := range []string{"\xff", "a\x00", strings.Repeat("x", MaxBytes+1)} {
		if match, outdated := verified(t, h, known, pw); match || outdated {
			t.Errorf("%.10q matches", pw)
		}
		if err := h.VerifyAbsent(t.Context(), secret.New(pw)); err != nil {
			t.Error(err)
		}
	}
	if got := seen(); len(got) != 0 {
		t.Errorf("%d derivations were made", len(got))
	}
}

func TestHash_RefusesImpossiblePasswords(t *testing.T) {
	h := hasher(t, cheap)
	for pw, rule := range map[string]string{
		"\xff": RuleInvalidUTF8, "a\x00": RuleNUL, strings.Repeat("x", MaxBytes+1): RuleTooLong,
	} {
		_, err := h.Hash(t.Context(), secret.New(pw))
		e := errs.As(err)
		if e == nil || e.Kind != errs.Invalid || len(e.Fields) != 1 || e.Fields[0].Rules[0] != rule {
			t.Errorf("%.10q: %v", pw, err)
		}
	}
}

func TestVerify_OfAMalformedHashIsAFailureOfOurs(t *testing.T) {
	h := hasher(t, cheap)
	for _, encoded := range []string{"", "secret", "$argon2id$v=19$m=4194304,t=1,p=1" + argon2Bytes} {
		_, _, err := h.Verify(t.Context(), encoded, secret.New("Aa1! Aa1!"))
		if e := errs.As(err); e == nil || e.Kind != errs.Internal || !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", encoded, err)
		}
	}
	if done := h.Stats().Done; done != 0 {
		t.Errorf("%d hashes were computed", done)
	}
}

func TestHasher_KeepsThePasswordOutOfErrors(t *testing.T) {
	h := hasher(t, cheap)
	const pw = "the-password\x00"
	_, err := h.Hash(t.Context(), secret.New(pw))
	if err == nil || strings.Contains(err.Error(), "the-password") {
		t.Errorf("got %v", err)
	}
}

func TestHasher_HashThenVerifyHoldsAndAnyAlteredPasswordFails(t *testing.T) {
	for name, c := range map[string]Config{"argon2id": cheap, "bcrypt": cheapBcrypt} {
		h := hasher(t, c)
		t.Run(name, rapid.MakeCheck(func(rt *rapid.T) {
			typed := secret.New(rapid.StringN(0, 200, MaxBytes).Filter(possible).Draw(rt, "password"))
			normal, _ := Normalize(typed)
			encoded := hashed(t, h, typed.Reveal())
			if match, outdated := verified(t, h, encoded, typed.Reveal()); !match || outdated {
				rt.Fatalf("match %t, outdated %t", match, outdated)
			}
			altered := secret.New(alter(rt, normal.Reveal()))
			if same, _ := Normalize(altered); same.Reveal() == normal.Reveal() {
				return
			}
			if match, _ := verified(t, h, encoded, altered.Reveal()); match {
				rt.Fatalf("the altered password %q matches", altered.Reveal())
			}
		}))
	}
}

func possible(s string) bool {
	_, broken := normalize(s)
	return len(broken) == 0
}

// alter changes, adds or removes one byte.
func alter(t *rapid.T, s string) string {
	b := []byte(s)
	at := rapid.IntRange(0, len(b)).Draw(t, "at")
	with := rapid.Byte().Draw(t, "with")
	switch kind := rapid.IntRange(0, 2).Draw(t, "kind"); {
	case kind == 0 || at == len(b):
		return s[:at] + string(with) + s[at:]
	case kind == 1:
		return s[:at] + s[at+1:]
	default:
		b[at] ^= with | 1
		return string(b)
	}
}

func TestNew_RefusesSettingsOutOfBounds(t *testing.T) {
	for name, c := range map[string]Config{
		"an unknown scheme":       {Scheme: "scrypt"},
		"bcrypt too cheap":        {BcryptCost: MinBcryptCost - 1},
		"bcrypt too dear":         {BcryptCost: MaxBcryptCost + 1},
		"argon2id too cheap":      {Argon2: Argon2{MemoryKiB: 19456, Time: 1, Threads: 1}},
		"argon2id with little":    {Argon2: Argon2{MemoryKiB: 7167, Time: 9, Threads: 1}},
		"argon2id with too much":  {Argon2: Argon2{MemoryKiB: maxMemoryKiB + 1, Time: 1, Threads: 1}},
		"argon2id without passes": {Argon2: Argon2{MemoryKiB: 47104, Threads: 1}},
		"argon2id without lanes":  {Argon2: Argon2{MemoryKiB: 47104, Time: 1}},
		"weak, but impossible":    {Argon2: Argon2{MemoryKiB: 7, Time: 1, Threads: 1}, Weak: true},
		"bcrypt below any":        {BcryptCost: leastBcryptCost - 1, Weak: true},
		"negative workers":        {Workers: -1},
		"too many workers":        {Workers: maxWorkers + 1},
		"a negative nice level":   {Nice: -1},
		"a nice level beyond":     {Nice: MaxNice + 1},
		"a negative queue":        {Queue: -1},
		"too long a queue":        {Queue: maxQueue + 1},
	} {
		if h, err := New(c); err == nil {
			h.Close()
			t.Errorf("%s was taken", name)
		}
	}
}

func TestNew_TakesEverySettingThatOWASPHoldsEqual(t *testing.T) {
	for _, f := range floors {
		hasher(t, Config{Argon2: Argon2{MemoryKiB: f.MemoryKiB, Time: f.Time, Threads: 1}, Workers: 1})
	}
}

func TestHasher_ReportsTheDefaults(t *testing.T) {
	s := hasher(t, Config{}).Stats()
	if n := DefaultWorkers(); s.Workers != n || s.QueueCapacity != queuePerWorker*n {
		t.Errorf("got %+v", s)
	}
}

func TestHasher_HearsOfTheCallersEnd(t *testing.T) {
	h := hasher(t, cheap)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, secret.New("Aa1! Aa1!")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s := h.Stats(); s.Done != 0 {
		t.Errorf("got %+v", s)
	}
}
