package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrMalformed says that a stored text is no hash that this package computes. The text is never part of the message.
var ErrMalformed = errors.New("malformed password hash")

const (
	argon2Prefix       = "$argon2id$"
	bcryptSHA256Prefix = "$bcrypt-sha256$"
	bcryptSaltLen      = 22 // characters
)

// phc64 is the base64 of PHC strings: no padding, no stray bits.
var phc64 = base64.RawStdEncoding.Strict()

// String writes the encoded form.
func (h hash) String() string {
	switch h.form {
	case formArgon2id:
		a := h.argon2
		return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argon2Prefix, argon2Version, a.MemoryKiB, a.Time, a.Threads,
			phc64.EncodeToString(h.salt[:]), phc64.EncodeToString(h.sum))
	case formBcryptSHA256:
		return fmt.Sprintf("%sv=2,t=2%c,r=%d$%s$%s", bcryptSHA256Prefix, h.minor, h.bcrypt,
			bcrypt64.EncodeToString(h.salt[:]), bcrypt64.EncodeToString(h.sum))
	default:
		return fmt.Sprintf("$2%c$%02d$%s%s", h.minor, h.bcrypt,
			bcrypt64.EncodeToString(h.salt[:]), bcrypt64.EncodeToString(h.sum))
	}
}

// parse takes an encoded hash apart. It reads exactly what String writes: nothing optional, no second spelling of a
// number or of base64, parameters within bounds.
func parse(encoded string) (hash, error) {
	h, err := parseForm(encoded)
	if err != nil {
		return hash{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if h.String() != encoded {
		return hash{}, fmt.Errorf("%w: expected the canonical spelling of its parts", ErrMalformed)
	}
	return h, nil
}

func parseForm(encoded string) (hash, error) {
	switch {
	case len(encoded) > MaxEncodedLen:
		return hash{}, fmt.Errorf("expected at most %d characters, got %d", MaxEncodedLen, len(encoded))
	case strings.HasPrefix(encoded, argon2Prefix):
		return parseArgon2id(strings.TrimPrefix(encoded, argon2Prefix))
	case strings.HasPrefix(encoded, bcryptSHA256Prefix):
		return parseBcryptSHA256(strings.TrimPrefix(encoded, bcryptSHA256Prefix))
	case strings.HasPrefix(encoded, "$2"):
		return parseBcrypt(strings.TrimPrefix(encoded, "$2"))
	}
	return hash{}, errors.New("expected it to begin with $argon2id$, $2a$, $2b$, $2y$ or $bcrypt-sha256$")
}

// parseArgon2id reads v=19$m=…,t=…,p=…$salt$hash.
func parseArgon2id(s string) (hash, error) {
	part := strings.Split(s, "$")
	if len(part) != 4 {
		return hash{}, fmt.Errorf("argon2id: expected version, parameters, salt and hash, got %d parts", len(part))
	}
	if part[0] != "v="+strconv.Itoa(argon2Version) {
		return hash{}, fmt.Errorf("argon2id: expected version %d", argon2Version)
	}
	n, err := numbers(part[1], "m", "t", "p")
	if err != nil {
		return hash{}, fmt.Errorf("argon2id: %w", err)
	}
	h := hash{costs: costs{form: formArgon2id, argon2: Argon2{MemoryKiB: n[0], Time: n[1], Threads: n[2]}}}
	if err := h.argon2.check(); err != nil {
		return hash{}, fmt.Errorf("argon2id: %w", err)
	}
	return h.withBytes(phc64, part[2], part[3])
}

// parseBcryptSHA256 reads v=2,t=2b,r=12$salt$checksum.
func parseBcryptSHA256(s string) (hash, error) {
	part := strings.Split(s, "$")
	if len(part) != 3 {
		return hash{}, fmt.Errorf("bcrypt-sha256: expected parameters, salt and checksum, got %d parts", len(part))
	}
	rounds, ok := strings.CutPrefix(part[0], "v=2,t=2b,")
	if !ok {
		return hash{}, errors.New("bcrypt-sha256: expected v=2 and t=2b")
	}
	n, err := numbers(rounds, "r")
	if err != nil {
		return hash{}, fmt.Errorf("bcrypt-sha256: %w", err)
	}
	h := hash{costs: costs{form: formBcryptSHA256, bcrypt: int(n[0]), minor: 'b'}}
	if err := checkBcryptCost(h.bcrypt, leastBcryptCost); err != nil {
		return hash{}, fmt.Errorf("bcrypt-sha256: %w", err)
	}
	return h.withBytes(bcrypt64, part[1], part[2])
}

// parseBcrypt reads b$12$ and then 22 characters of salt and 31 of checksum.
func parseBcrypt(s string) (hash, error) {
	part := strings.Split(s, "$")
	if len(part) != 3 || len(part[0]) != 1 || !strings.Contains("aby", part[0]) {
		return hash{}, errors.New("bcrypt: expected variant 2a, 2b or 2y, cost, and salt with checksum")
	}
	cost, err := number(part[1])
	if err != nil {
		return hash{}, fmt.Errorf("bcrypt: cost: %w", err)
	}
	h := hash{costs: costs{form: formBcrypt, bcrypt: int(cost), minor: part[0][0]}}
	if err := checkBcryptCost(h.bcrypt, leastBcryptCost); err != nil {
		return hash{}, fmt.Errorf("bcrypt: %w", err)
	}
	if len(part[2]) < bcryptSaltLen {
		return hash{}, fmt.Errorf("bcrypt: expected %d characters of salt, got %d", bcryptSaltLen, len(part[2]))
	}
	return h.withBytes(bcrypt64, part[2][:bcryptSaltLen], part[2][bcryptSaltLen:])
}

func checkBcryptCost(cost, least int) error {
	if cost < least || cost > MaxBcryptCost {
		return fmt.Errorf("cost: expected %d to %d, got %d", least, MaxBcryptCost, cost)
	}
	return nil
}

// withBytes adds salt and sum, which must have exactly the lengths that are written.
func (h hash) withBytes(enc *base64.Encoding, salt, sum string) (hash, error) {
	raw, err := enc.DecodeString(salt)
	if err != nil || len(raw) != saltLen {
		return hash{}, fmt.Errorf("salt: expected %d bytes in base64", saltLen)
	}
	copy(h.salt[:], raw)
	h.sum, err = enc.DecodeString(sum)
	if err != nil || len(h.sum) != h.form.sumLen() {
		return hash{}, fmt.Errorf("hash: expected %d bytes in base64", h.form.sumLen())
	}
	return h, nil
}

// numbers reads "m=1,t=2,p=3" with exactly these names in this order.
func numbers(s string, names ...string) ([]uint32, error) {
	part := strings.Split(s, ",")
	if len(part) != len(names) {
		return nil, fmt.Errorf("expected the parameters %s", strings.Join(names, ", "))
	}
	out := make([]uint32, len(names))
	for i, name := range names {
		value, ok := strings.CutPrefix(part[i], name+"=")
		if !ok {
			return nil, fmt.Errorf("expected the parameter %s in place %d", name, i+1)
		}
		n, err := number(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[i] = n
	}
	return out, nil
}

// number reads a decimal; parse refuses leading zeros by writing it again.
func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, errors.New("expected a decimal number below 2^32")
	}
	return uint32(n), nil
}
