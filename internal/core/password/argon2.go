package password

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// The Argon2id of RFC 9106, version 0x13, computed wholly by the goroutine that asks for it. golang.org/x/crypto/argon2
// starts a goroutine for every segment, which would leave the worker's own thread and its nice level; it also takes
// new memory from the heap for every hash. Lanes are computed one after the other: the result does not depend on how
// many run at once, and a hash then costs one thread, whatever its p.

const (
	argon2Version = 0x13
	argon2TypeID  = 2
	// blockWords is the size of a block (1 KiB) in 64-bit words.
	blockWords = 128
	blockBytes = 8 * blockWords
	// syncPoints is the number of slices that each pass is cut into.
	syncPoints = 4
)

type block [blockWords]uint64

// argon2Input is what is hashed: P, S, K and X of RFC 9106 §3.1. Password hashes here have neither key nor data.
type argon2Input struct{ password, salt, key, data []byte }

// argon2id gives the tag of n bytes. The parameters must have passed check; mem holds at least a.blocks() blocks, whose
// former content does not matter.
func argon2id(a Argon2, in argon2Input, n int, mem []block) []byte {
	f := filler{
		params: a,
		lane:   uint32(a.blocks()) / a.Threads,
		mem:    mem[:a.blocks()],
	}
	f.start(in.seed(a, n))
	for pass := range a.Time {
		for slice := range uint32(syncPoints) {
			for lane := range a.Threads {
				f.segment(pass, slice, lane)
			}
		}
	}
	return f.tag(n)
}

// seed is H0 (RFC 9106 §3.2, step 1) with room behind it for the two numbers that make a first block.
func (in argon2Input) seed(a Argon2, n int) []byte {
	b := make([]byte, 0, 10*4+len(in.password)+len(in.salt)+len(in.key)+len(in.data))
	for _, v := range []uint32{a.Threads, uint32(n), a.MemoryKiB, a.Time, argon2Version, argon2TypeID} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, part := range [][]byte{in.password, in.salt, in.key, in.data} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	sum := blake2b.Sum512(b)
	return append(sum[:], make([]byte, 8)...)
}

// longHash is H' (RFC 9106 §3.3): a BLAKE2b of any length.
func longHash(out, in []byte) {
	sized := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(in)), uint32(len(out)))
	sized = append(sized, in...)
	if len(out) <= blake2b.Size {
		shortHash(out, sized)
		return
	}
	sum := blake2b.Sum512(sized)
	for len(out) > blake2b.Size {
		out = out[copy(out, sum[:blake2b.Size/2]):]
		if len(out) > blake2b.Size {
			sum = blake2b.Sum512(sum[:])
		}
	}
	shortHash(out, sum[:])
}

func shortHash(out, in []byte) {
	h, err := blake2b.New(len(out), nil)
	if err != nil {
		panic(err) // only for a length outside 1 to 64
	}
	h.Write(in)
	h.Sum(out[:0])
}

// filler is the memory of one hash on its way from the seed to the tag.
type filler struct {
	params Argon2
	lane   uint32 // blocks in a lane
	mem    []block
}

// start makes the first two blocks of each lane (steps 3 and 4).
func (f *filler) start(h0 []byte) {
	var raw [blockBytes]byte
	for lane := range f.params.Threads {
		for i := range uint32(2) {
			binary.LittleEndian.PutUint32(h0[blake2b.Size:], i)
			binary.LittleEndian.PutUint32(h0[blake2b.Size+4:], lane)
			longHash(raw[:], h0)
			b := &f.mem[lane*f.lane+i]
			for w := range b {
				b[w] = binary.LittleEndian.Uint64(raw[8*w:])
			}
		}
	}
}

// segment fills one lane's part of one slice (steps 5 and 6).
func (f *filler) segment(pass, slice, lane uint32) {
	length := f.lane / syncPoints
	base := lane * f.lane
	first := uint32(0)
	if pass == 0 && slice == 0 {
		first = 2
	}
	// The first half of the first pass picks its blocks by a counter, not by the data (RFC 9106 §3.4.1.3).
	independent := pass == 0 && slice < syncPoints/2
	var addr addresses
	if independent {
		addr.start(f, pass, slice, lane)
	}
	for i := first; i < length; i++ {
		at := slice*length + i
		prev := &f.mem[base+(at+f.lane-1)%f.lane]
		pick := prev[0]
		if independent {
			pick = addr.at(i)
		}
		ref := &f.mem[f.reference(pick, pass, slice, lane, i)]
		compress(&f.mem[base+at], prev, ref, pass > 0)
	}
}

// reference maps J1 (low half of pick) and J2 (high half) to the block they name (RFC 9106 §3.4.2).
func (f *filler) reference(pick uint64, pass, slice, lane, i uint32) uint32 {
	length := f.lane / syncPoints
	from := uint32(pick>>32) % f.params.Threads
	if pass == 0 && slice == 0 {
		from = lane
	}
	area, start := slice*length, uint32(0)
	if pass > 0 {
		area, start = f.lane-length, (slice+1)%syncPoints*length
	}
	switch {
	case from == lane:
		area += i - 1
	case i == 0:
		area--
	}
	j1 := pick & 0xffffffff
	x := j1 * j1 >> 32
	y := uint64(area) * x >> 32
	return from*f.lane + uint32((uint64(start)+uint64(area)-1-y)%uint64(f.lane))
}

// tag folds the last column into one block and hashes it (steps 7 and 8).
func (f *filler) tag(n int) []byte {
	last := f.mem[f.lane-1]
	for lane := uint32(1); lane < f.params.Threads; lane++ {
		for w, v := range f.mem[lane*f.lane+f.lane-1] {
			last[w] ^= v
		}
	}
	var raw [blockBytes]byte
	for w, v := range last {
		binary.LittleEndian.PutUint64(raw[8*w:], v)
	}
	out := make([]byte, n)
	longHash(out, raw[:])
	return out
}

// addresses makes the picks of a segment that do not depend on the data, 128 at a time.
type addresses struct{ input, picks block }

func (a *addresses) start(f *filler, pass, slice, lane uint32) {
	copy(a.input[:], []uint64{uint64(pass), uint64(lane), uint64(slice), uint64(len(f.mem)),
		uint64(f.params.Time), argon2TypeID})
}

func (a *addresses) at(i uint32) uint64 {
	if need := uint64(i/blockWords) + 1; a.input[6] != need {
		var zero block
		a.input[6] = need
		compress(&a.picks, &a.input, &zero, false)
		compress(&a.picks, &a.picks, &zero, false)
	}
	return a.picks[i%blockWords]
}

// compressGeneric is the compression function G (RFC 9106 §3.5): out = G(a, b), or out ^ G(a, b) when xor is set. out
// may be a or b.
func compressGeneric(out, a, b *block, xor bool) {
	var r block
	for i := range r {
		r[i] = a[i] ^ b[i]
	}
	z := r
	var v [16]uint64
	for i := 0; i < blockWords; i += 16 {
		permute((*[16]uint64)(z[i : i+16]))
	}
	for i := 0; i < 16; i += 2 {
		for k := range 8 {
			v[2*k], v[2*k+1] = z[16*k+i], z[16*k+i+1]
		}
		permute(&v)
		for k := range 8 {
			z[16*k+i], z[16*k+i+1] = v[2*k], v[2*k+1]
		}
	}
	if xor {
		for i := range z {
			z[i] ^= out[i]
		}
	}
	for i := range z {
		out[i] = z[i] ^ r[i]
	}
}

// permute is the permutation P (RFC 9106 §3.6), a round of BLAKE2b with multiplications.
func permute(v *[16]uint64) {
	v0, v1, v2, v3 := v[0], v[1], v[2], v[3]
	v4, v5, v6, v7 := v[4], v[5], v[6], v[7]
	v8, v9, v10, v11 := v[8], v[9], v[10], v[11]
	v12, v13, v14, v15 := v[12], v[13], v[14], v[15]
	v0, v4, v8, v12 = quarter(v0, v4, v8, v12)
	v1, v5, v9, v13 = quarter(v1, v5, v9, v13)
	v2, v6, v10, v14 = quarter(v2, v6, v10, v14)
	v3, v7, v11, v15 = quarter(v3, v7, v11, v15)
	v0, v5, v10, v15 = quarter(v0, v5, v10, v15)
	v1, v6, v11, v12 = quarter(v1, v6, v11, v12)
	v2, v7, v8, v13 = quarter(v2, v7, v8, v13)
	v3, v4, v9, v14 = quarter(v3, v4, v9, v14)
	*v = [16]uint64{v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15}
}

func quarter(a, b, c, d uint64) (uint64, uint64, uint64, uint64) {
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d = bits.RotateLeft64(d^a, -32)
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b = bits.RotateLeft64(b^c, -24)
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d = bits.RotateLeft64(d^a, -16)
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b = bits.RotateLeft64(b^c, -63)
	return a, b, c, d
}
