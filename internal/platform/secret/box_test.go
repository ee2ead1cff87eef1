package secret_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/durwardhq/durward/internal/platform/secret"
)

func TestBox_OpensWhatItSealed(t *testing.T) {
	box := newBox(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		purpose, place := rapid.String().Draw(t, "purpose"), rapid.String().Draw(t, "place")
		want := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed, err := box.Seal(purpose, place, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := box.Open(purpose, place, sealed)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x, %v; want %x", got, err, want)
		}
	})
}

// What is sealed outlives the release that sealed it.
func TestBox_OpensWhatAnEarlierReleaseSealed(t *testing.T) {
	sealed, err := hex.DecodeString("01c20f4a73cf2152a7b76d96c9c79446a4daeb4b5ee0287088a4d6af461d8e5ed5ff35c05905da")
	if err != nil {
		t.Fatal(err)
	}
	got, err := newBox(t, 1).Open("p", "table/column/row", sealed)
	if err != nil || string(got) != "plain text" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBox_OpensNothingElse(t *testing.T) {
	box := newBox(t, 1)
	sealed, err := box.Seal("signing key", "signing_keys/sealed_private/key_1", []byte("private"))
	if err != nil {
		t.Fatal(err)
	}
	altered := func(at int) []byte {
		b := bytes.Clone(sealed)
		b[at] ^= 1
		return b
	}
	for name, c := range map[string]struct {
		box            *secret.Box
		purpose, place string
		sealed         []byte
	}{
		"another master key":       {newBox(t, 2), "signing key", "signing_keys/sealed_private/key_1", sealed},
		"another purpose":          {box, "audit", "signing_keys/sealed_private/key_1", sealed},
		"another place":            {box, "signing key", "signing_keys/sealed_private/key_2", sealed},
		"another version":          {box, "signing key", "signing_keys/sealed_private/key_1", altered(0)},
		"an altered nonce":         {box, "signing key", "signing_keys/sealed_private/key_1", altered(1)},
		"an altered text":          {box, "signing key", "signing_keys/sealed_private/key_1", altered(13)},
		"an altered tag":           {box, "signing key", "signing_keys/sealed_private/key_1", altered(len(sealed) - 1)},
		"a byte missing":           {box, "signing key", "signing_keys/sealed_private/key_1", sealed[:len(sealed)-1]},
		"a byte more":              {box, "signing key", "signing_keys/sealed_private/key_1", append(bytes.Clone(sealed), 0)},
		"less than nonce and tag":  {box, "signing key", "signing_keys/sealed_private/key_1", sealed[:28]},
		"the version alone":        {box, "signing key", "signing_keys/sealed_private/key_1", sealed[:1]},
		"nothing":                  {box, "signing key", "signing_keys/sealed_private/key_1", nil},
		"purpose and place merged": {box, "signing keysigning_keys/sealed_private/key_1", "", sealed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.box.Open(c.purpose, c.place, c.sealed)
			if got != nil || !errors.Is(err, secret.ErrSealBroken) {
				t.Fatalf("got %q, %v; want nothing and ErrSealBroken", got, err)
			}
		})
	}
}

func TestBox_SealsTheSameTextDifferentlyEachTime(t *testing.T) {
	box := newBox(t, 1)
	first, _ := box.Seal("p", "x", []byte(plain))
	second, _ := box.Seal("p", "x", []byte(plain))
	if bytes.Equal(first, second) {
		t.Error("two seals of one text are equal: a nonce was used twice")
	}
	if bytes.Contains(first, []byte(plain)) {
		t.Error("the sealed form shows the text")
	}
	if want := 1 + 12 + len(plain) + 16; len(first) != want || first[0] != 1 {
		t.Errorf("got %d bytes that begin with %d, want %d that begin with the version 1", len(first), first[0], want)
	}
}

func TestNewBox_RefusesOtherLengths(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := secret.NewBox(make([]byte, n)); err == nil {
			t.Errorf("a master key of %d bytes was taken", n)
		}
	}
}

func TestNewBox_KeepsItsOwnCopyOfTheKey(t *testing.T) {
	master := bytes.Repeat([]byte{1}, secret.MasterKeyLen)
	box, err := secret.NewBox(master)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := box.Seal("p", "x", []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	clear(master)
	if _, err := box.Open("p", "x", sealed); err != nil {
		t.Errorf("clearing the caller's key changed the box: %v", err)
	}
}

func TestSealWith_NeedsTheSameKeyAndPlace(t *testing.T) {
	mine, err := secret.NewAEAD(secret.Bytes(32))
	if err != nil {
		t.Fatal(err)
	}
	other, err := secret.NewAEAD(secret.Bytes(32))
	if err != nil {
		t.Fatal(err)
	}
	sealed := secret.SealWith(mine, "here", []byte(plain))
	if got, err := secret.OpenWith(mine, "here", sealed); err != nil || string(got) != plain {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := secret.OpenWith(other, "here", sealed); !errors.Is(err, secret.ErrSealBroken) {
		t.Errorf("another key: got %v, want ErrSealBroken", err)
	}
	if _, err := secret.OpenWith(mine, "there", sealed); !errors.Is(err, secret.ErrSealBroken) {
		t.Errorf("another place: got %v, want ErrSealBroken", err)
	}
}

func TestNewAEAD_RefusesAKeyOfAnotherLength(t *testing.T) {
	if _, err := secret.NewAEAD(make([]byte, 5)); err == nil {
		t.Error("a key of 5 bytes was taken")
	}
}

func FuzzOpen(f *testing.F) {
	box := newBox(f, 1)
	sealed, err := box.Seal("p", "x", []byte(plain))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add(bytes.Repeat([]byte{1}, 29))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := box.Open("p", "x", data)
		if err == nil && string(got) != plain {
			t.Fatalf("%x opens as %q", data, got)
		}
		if err != nil && got != nil {
			t.Fatalf("%s gave %q with the error %v", hex.EncodeToString(data), got, err)
		}
	})
}

func newBox(t testing.TB, fill byte) *secret.Box {
	t.Helper()
	box, err := secret.NewBox(bytes.Repeat([]byte{fill}, secret.MasterKeyLen))
	if err != nil {
		t.Fatal(err)
	}
	return box
}
