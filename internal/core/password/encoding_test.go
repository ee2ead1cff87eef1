package password

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

// vector is a password and its hash as libraries of other authors made it: passlib 1.7.4 for bcrypt-sha256, pyca/bcrypt
// 4.0.1 for bcrypt, argon2-cffi for Argon2id.
type vector struct{ Password, Encoded string }

func vectors(t testing.TB) (all []vector) {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestParse_WritesWhatItRead(t *testing.T) {
	for _, v := range vectors(t) {
		h, err := parse(v.Encoded)
		if err != nil || h.String() != v.Encoded {
			t.Errorf("%s: got %s, %v", v.Encoded, h, err)
		}
	}
}

const (
	argon2Bytes = "$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	bcryptBytes = "abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m"
)

func TestParse_RefusesWhatItWouldNotWrite(t *testing.T) {
	good := "$argon2id$v=19$m=64,t=3,p=2" + argon2Bytes
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	if _, err := parse("$2b$05$" + bcryptBytes); err != nil {
		t.Fatal(err)
	}
	for name, encoded := range map[string]string{
		"nothing":                         "",
		"another scheme":                  "$scrypt$ln=16,r=8,p=1" + argon2Bytes,
		"Argon2i":                         "$argon2i$v=19$m=64,t=3,p=2" + argon2Bytes,
		"upper case":                      strings.Replace(good, "argon2id", "Argon2id", 1),
		"no version":                      "$argon2id$m=64,t=3,p=2" + argon2Bytes,
		"version 16":                      strings.Replace(good, "v=19", "v=16", 1),
		"parameters out of order":         strings.Replace(good, "m=64,t=3,p=2", "t=3,m=64,p=2", 1),
		"a parameter missing":             strings.Replace(good, ",p=2", "", 1),
		"a parameter too many":            strings.Replace(good, ",p=2", ",p=2,data=AA", 1),
		"a leading zero":                  strings.Replace(good, "m=64", "m=064", 1),
		"a sign":                          strings.Replace(good, "m=64", "m=+64", 1),
		"a space":                         strings.Replace(good, "m=64", "m= 64", 1),
		"hexadecimal":                     strings.Replace(good, "m=64", "m=0x40", 1),
		"beyond 32 bits":                  strings.Replace(good, "m=64", "m=4294967360", 1),
		"4 GiB":                           strings.Replace(good, "m=64", "m=4194304", 1),
		"a KiB above the bound":           strings.Replace(good, "m=64,t=3", "m=262145,t=1", 1),
		"memory below 8 p":                strings.Replace(good, "m=64", "m=15", 1),
		"no pass":                         strings.Replace(good, "t=3", "t=0", 1),
		"too many passes":                 strings.Replace(good, "t=3", "t=65", 1),
		"too much work":                   strings.Replace(good, "m=64,t=3", "m=262144,t=5", 1),
		"no lane":                         strings.Replace(good, "p=2", "p=0", 1),
		"too many lanes":                  strings.Replace(good, "m=64,t=3,p=2", "m=256,t=3,p=17", 1),
		"a salt of 15 bytes":              strings.Replace(good, "$AAECAwQFBgcICQoLDA0ODw$", "$AAECAwQFBgcICQoLDA0O$", 1),
		"no salt":                         strings.Replace(good, "$AAECAwQFBgcICQoLDA0ODw$", "$$", 1),
		"stray bits in the salt":          strings.Replace(good, "ODw$", "ODx$", 1),
		"padding":                         strings.Replace(good, "ODw$", "ODw==$", 1),
		"a line break in the salt":        strings.Replace(good, "AAECAwQF", "AAEC\nAwQF", 1),
		"base64 of URLs":                  strings.Replace(good, "AAECAwQF", "__ECAwQF", 1),
		"a hash of 31 bytes":              good[:len(good)-2],
		"stray bits in the hash":          good[:len(good)-1] + "9",
		"more behind":                     good + "$",
		"a line break behind":             good + "\n",
		"a hash of 64 bytes":              good + strings.Repeat("A", 43),
		"bcrypt without a letter":         "$2$05$" + bcryptBytes,
		"bcrypt, the faulty variant":      "$2x$05$" + bcryptBytes,
		"bcrypt, two letters":             "$2ab$05$" + bcryptBytes,
		"bcrypt, cost of one digit":       "$2b$5$" + bcryptBytes,
		"bcrypt, cost below its least":    "$2b$03$" + bcryptBytes,
		"bcrypt, cost above the bound":    "$2b$17$" + bcryptBytes,
		"bcrypt, cost 31":                 "$2b$31$" + bcryptBytes,
		"bcrypt, no number":               "$2b$xx$" + bcryptBytes,
		"bcrypt, nothing behind the cost": "$2b$05$",
		"bcrypt, short":                   "$2b$05$" + bcryptBytes[:52],
		"bcrypt, long":                    "$2b$05$" + bcryptBytes + ".",
		"bcrypt, stray bits in the salt":  "$2b$05$" + strings.Replace(bcryptBytes, "stuu", "stuv", 1),
		"bcrypt, stray bits in the sum":   "$2b$05$" + bcryptBytes[:52] + "n",
		"bcrypt, no parts":                "$2b",
		"bcrypt-sha256, version 1":        "$bcrypt-sha256$2a,12$" + bcryptBytes[:22] + "$" + bcryptBytes[22:],
		"bcrypt-sha256, variant 2a":       "$bcrypt-sha256$v=2,t=2a,r=12$" + bcryptBytes[:22] + "$" + bcryptBytes[22:],
		"bcrypt-sha256, padded cost":      "$bcrypt-sha256$v=2,t=2b,r=05$" + bcryptBytes[:22] + "$" + bcryptBytes[22:],
		"bcrypt-sha256, cost above":       "$bcrypt-sha256$v=2,t=2b,r=17$" + bcryptBytes[:22] + "$" + bcryptBytes[22:],
		"bcrypt-sha256, no cost":          "$bcrypt-sha256$v=2,t=2b,$" + bcryptBytes[:22] + "$" + bcryptBytes[22:],
		"bcrypt-sha256, a part too few":   "$bcrypt-sha256$v=2,t=2b,r=5$" + bcryptBytes,
		"bcrypt-sha256, no salt":          "$bcrypt-sha256$v=2,t=2b,r=5$$" + bcryptBytes[22:],
		"longer than any hash":            "$argon2id$" + strings.Repeat("a", MaxEncodedLen),
	} {
		if h, err := parse(encoded); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %q was read as %s", name, encoded, h)
		} else if len(encoded) > 30 && strings.Contains(err.Error(), encoded[len(encoded)-20:]) {
			t.Errorf("%s: the error shows the hash: %v", name, err)
		}
	}
}

func TestParse_ReadsEveryVariantOfBcrypt(t *testing.T) {
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		h, err := parse(prefix + "05$" + bcryptBytes)
		if err != nil || h.minor != prefix[2] {
			t.Errorf("%s: got %+v, %v", prefix, h, err)
		}
	}
}

func TestEncoding_NeverExceedsTheColumn(t *testing.T) {
	for _, c := range []costs{
		{form: formArgon2id, argon2: Argon2{MemoryKiB: maxMemoryKiB, Time: maxTime, Threads: maxThreads}},
		{form: formBcrypt, bcrypt: MaxBcryptCost, minor: 'b'},
		{form: formBcryptSHA256, bcrypt: MaxBcryptCost, minor: 'b'},
	} {
		if s := newDecoy(c).String(); len(s) > MaxEncodedLen {
			t.Errorf("%s has %d characters", s, len(s))
		}
	}
}

// Whatever is read is written back letter by letter, and lies within the bounds of what is computed.
func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Encoded)
	}
	f.Add("$argon2id$v=19$m=4194304,t=1,p=1" + argon2Bytes)
	f.Add("$argon2id$v=19$m=065,t=+1,p=1" + argon2Bytes + "=")
	f.Add("$2b$31$" + bcryptBytes)
	f.Fuzz(func(t *testing.T, encoded string) {
		h, err := parse(encoded)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%q: %v", encoded, err)
			}
			return
		}
		if h.String() != encoded {
			t.Fatalf("%q was written as %q", encoded, h)
		}
		if h.form == formArgon2id && h.argon2.check() != nil || h.bcrypt > MaxBcryptCost || len(h.sum) != h.form.sumLen() {
			t.Fatalf("%q is out of bounds", encoded)
		}
	})
}
