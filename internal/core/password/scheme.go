package password

import "fmt"

// Scheme is a way to hash passwords, as the configuration names it.
type Scheme string

const (
	// Argon2ID is Argon2id (RFC 9106).
	Argon2ID Scheme = "argon2id"
	// Bcrypt is bcrypt, pre-hashed for passwords beyond 72 bytes.
	Bcrypt Scheme = "bcrypt"
)

// Argon2 is the cost of an Argon2id hash.
type Argon2 struct {
	// MemoryKiB is m, the memory of one hash in KiB.
	MemoryKiB uint32
	// Time is t, the number of passes over it.
	Time uint32
	// Threads is p, the number of lanes. They are computed one after the other.
	Threads uint32
}

// DefaultArgon2 is OWASP's first choice (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
var DefaultArgon2 = Argon2{MemoryKiB: 19456, Time: 2, Threads: 1}

const (
	// DefaultBcryptCost, MinBcryptCost and MaxBcryptCost bound what may be configured; every step doubles the work.
	DefaultBcryptCost = 12
	MinBcryptCost     = 10
	MaxBcryptCost     = 16

	// maxMemoryKiB, maxTime, maxThreads and maxWork bound what is computed at all, since parameters come with the stored
	// hash: 256 MiB, and 1 GiB filled in all passes together, half a second on a processor of today.
	maxMemoryKiB = 256 << 10
	maxTime      = 64
	maxThreads   = 16
	maxWork      = 1 << 20
	// leastBcryptCost is the lowest that bcrypt knows. Lower costs than MinBcryptCost are read, and then outdated.
	leastBcryptCost = 4

	// MaxEncodedLen is the length that no encoded hash exceeds, in characters, all of them ASCII.
	MaxEncodedLen = 128
)

// floors are the weakest settings that OWASP holds equal to each other; what is configured must reach one of them.
var floors = []Argon2{
	{MemoryKiB: 47104, Time: 1}, {MemoryKiB: 19456, Time: 2}, {MemoryKiB: 12288, Time: 3}, {MemoryKiB: 9216, Time: 4},
	{MemoryKiB: 7168, Time: 5},
}

// blocks is m', the number of 1 KiB blocks: m rounded down to a multiple of 4 p (RFC 9106 §3.2, step 2).
func (a Argon2) blocks() int {
	unit := syncPoints * int(a.Threads)
	return int(a.MemoryKiB) / unit * unit
}

// check tells whether a hash of this cost may be computed.
func (a Argon2) check() error {
	switch {
	case a.Threads < 1 || a.Threads > maxThreads:
		return fmt.Errorf("p: expected 1 to %d, got %d", maxThreads, a.Threads)
	case a.Time < 1 || a.Time > maxTime:
		return fmt.Errorf("t: expected 1 to %d, got %d", maxTime, a.Time)
	case a.MemoryKiB < 8*a.Threads || a.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("m: expected 8 p = %d to %d KiB, got %d", 8*a.Threads, maxMemoryKiB, a.MemoryKiB)
	case a.MemoryKiB*a.Time > maxWork:
		return fmt.Errorf("m times t: expected at most %d KiB, got %d", maxWork, a.MemoryKiB*a.Time)
	}
	return nil
}

// strong tells whether the cost is enough for new hashes.
func (a Argon2) strong() error {
	for _, f := range floors {
		if a.MemoryKiB >= f.MemoryKiB && a.Time >= f.Time {
			return nil
		}
	}
	return fmt.Errorf("m=%d KiB with t=%d is too weak: expected at least one of t=1 m=47104, t=2 m=19456, t=3 m=12288, "+
		"t=4 m=9216, t=5 m=7168", a.MemoryKiB, a.Time)
}

// form is how a hash is written.
type form uint8

const (
	formArgon2id form = iota + 1
	formBcrypt
	formBcryptSHA256
)

// costs is what makes two hashes alike but for the salt: the form and its parameters.
type costs struct {
	form   form
	argon2 Argon2 // formArgon2id
	bcrypt int    // the other two: the exponent
	minor  byte   // the other two: the letter of $2a$, $2b$, $2y$
}

// hash is an encoded hash taken apart.
type hash struct {
	costs
	salt [saltLen]byte
	sum  []byte // sumLen(form) bytes
}

const (
	saltLen      = 16
	argon2SumLen = 32
	bcryptSumLen = 23
)

func (f form) sumLen() int {
	if f == formArgon2id {
		return argon2SumLen
	}
	return bcryptSumLen
}

// derive computes the sum that password would have with these costs and this salt.
func (c costs) derive(m *memory, password string, salt [saltLen]byte) ([]byte, error) {
	if c.form != formArgon2id {
		key := []byte(password)
		if c.preHashes(password) {
			key = preHash(password, salt)
		}
		return bcryptSum(key, c.bcrypt, salt)
	}
	blocks, err := m.take(c.argon2.blocks())
	if err != nil {
		return nil, err
	}
	in := argon2Input{password: []byte(password), salt: salt[:]}
	return argon2id(c.argon2, in, argon2SumLen, blocks), nil
}

// preHashes tells whether bcrypt gets a digest of the password. It does so too for a long password put to a plain
// bcrypt hash, which cannot match (matches says so): the work must be done all the same, and never on 72 bytes of it.
func (c costs) preHashes(password string) bool {
	return c.form == formBcryptSHA256 || len(password) > bcryptMaxBytes
}

// mayMatch tells whether a password of this length can be the one behind such a hash.
func (c costs) mayMatch(password string) bool {
	return c.form != formBcrypt || len(password) <= bcryptMaxBytes
}
