package password

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/argon2"
	"pgregory.net/rapid"
)

func tag(a Argon2, in argon2Input, n int) []byte {
	return argon2id(a, in, n, make([]block, a.blocks()))
}

// The vector of RFC 9106 §5.3, and those of the reference implementation's own tests for version 0x13.
func TestArgon2id_GivesThePublishedTags(t *testing.T) {
	rfc := argon2Input{
		password: bytes.Repeat([]byte{1}, 32), salt: bytes.Repeat([]byte{2}, 16),
		key: bytes.Repeat([]byte{3}, 8), data: bytes.Repeat([]byte{4}, 12),
	}
	plain := argon2Input{password: []byte("password"), salt: []byte("somesalt")}
	otherWord := argon2Input{password: []byte("differentpassword"), salt: []byte("somesalt")}
	otherSalt := argon2Input{password: []byte("password"), salt: []byte("diffsalt")}
	for _, v := range []struct {
		cost Argon2
		in   argon2Input
		tag  string
	}{
		{Argon2{32, 3, 4}, rfc, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"},
		{Argon2{65536, 2, 1}, plain, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		{Argon2{256, 2, 1}, plain, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		{Argon2{256, 2, 2}, plain, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
		{Argon2{65536, 1, 1}, plain, "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
		{Argon2{65536, 4, 1}, plain, "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"},
		{Argon2{65536, 2, 1}, otherWord, "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
		{Argon2{65536, 2, 1}, otherSalt, "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
	} {
		if got := hex.EncodeToString(tag(v.cost, v.in, 32)); got != v.tag {
			t.Errorf("%+v %s: got %s, want %s", v.cost, v.in.password, got, v.tag)
		}
	}
}

func TestArgon2id_EqualsAnotherImplementation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Argon2{Threads: rapid.Uint32Range(1, 5).Draw(t, "p"), Time: rapid.Uint32Range(1, 4).Draw(t, "t")}
		a.MemoryKiB = rapid.Uint32Range(8*a.Threads, 2500).Draw(t, "m")
		in := argon2Input{
			password: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "password"),
			salt:     rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "salt"),
		}
		n := rapid.IntRange(4, 200).Draw(t, "length")
		want := argon2.IDKey(in.password, in.salt, a.Time, a.MemoryKiB, uint8(a.Threads), uint32(n))
		if got := tag(a, in, n); !bytes.Equal(got, want) {
			t.Fatalf("%+v: got %x, want %x", a, got, want)
		}
	})
}

func TestArgon2id_DoesNotSeeWhatTheMemoryHeldBefore(t *testing.T) {
	in := argon2Input{password: []byte("Aa1! Aa1!"), salt: make([]byte, saltLen)}
	used := make([]block, 100)
	fill(used, 1)
	a := Argon2{MemoryKiB: 96, Time: 2, Threads: 2}
	if !bytes.Equal(argon2id(a, in, 32, used), tag(a, in, 32)) {
		t.Error("the tag depends on the memory's former content")
	}
}

func TestCompress_IsTheSameInEveryImplementation(t *testing.T) {
	for i := range uint64(200) {
		b := make([]block, 3)
		fill(b, i)
		for _, xor := range []bool{false, true} {
			want, got := b[2], b[2]
			compressGeneric(&want, &b[0], &b[1], xor)
			compress(&got, &b[0], &b[1], xor)
			if got != want {
				t.Fatalf("seed %d, xor %t: the blocks differ", i, xor)
			}
			for name, alias := range map[string]int{"first": 0, "second": 1} {
				in := [2]block{b[0], b[1]}
				want = in[alias]
				compressGeneric(&want, &b[0], &b[1], xor)
				compress(&in[alias], &in[0], &in[1], xor)
				if in[alias] != want {
					t.Fatalf("seed %d, xor %t: written over its %s operand the block differs", i, xor, name)
				}
			}
		}
	}
}

// Words of all ones make every carry and every product as large as it can be.
func TestCompress_IsTheSameAtTheExtremes(t *testing.T) {
	for _, words := range [][2]uint64{{0, 0}, {^uint64(0), 0}, {0xffffffff00000000, 1}, {0x5555555555555555, 1 << 63}} {
		var a, b, got, want block
		for i := range a {
			a[i], b[i] = words[0], words[1]
		}
		compressGeneric(&want, &a, &b, false)
		compress(&got, &a, &b, false)
		if got != want {
			t.Errorf("%x: the blocks differ", words)
		}
	}
}

// fill makes blocks that are the same in every run.
func fill(b []block, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 9106))
	for i := range b {
		for w := range b[i] {
			b[i][w] = r.Uint64()
		}
	}
}
