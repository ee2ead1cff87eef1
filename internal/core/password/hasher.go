package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

const (
	// DefaultNice is the nice level of the workers unless another is configured. Measured (BenchmarkNice): at 0 other
	// requests keep their time; 10 makes them two to four times quicker yet at the far end (p99) on a machine of one's
	// own, but beside a busy database each level from 5 on gives up a third of the hashes or more.
	DefaultNice = 0
	// MaxNice is the nicest level that the system knows.
	MaxNice = 19

	maxWorkers      = 1024
	maxQueue        = 1 << 16
	queuePerWorker  = 32
	errWrongSetting = "password hashing: %s: expected %s, got %v"
)

// Config is how a Hasher works; the zero value is the default throughout.
type Config struct {
	// Scheme is what new hashes are made with; "" means Argon2ID. All schemes are read at any time.
	Scheme Scheme
	// Argon2 is the cost of Argon2ID; zero means DefaultArgon2.
	Argon2 Argon2
	// BcryptCost is the cost of Bcrypt; 0 means DefaultBcryptCost.
	BcryptCost int
	// Workers is how many hashes are computed at once; 0 means DefaultWorkers().
	Workers int
	// Nice is the nice level of the workers' threads, 0 to MaxNice; it works on Linux alone.
	Nice int
	// Queue is how many requests may wait for a worker; 0 means 32 for each worker.
	Queue int
	// Weak lets costs through that are too low for real passwords: for tests alone.
	Weak bool
	// Clock measures the work; nil means the machine's.
	Clock clock.Clock
}

// Hasher makes and verifies hashes. It is safe for use by many goroutines, and is to be closed.
type Hasher struct {
	pool    *pool
	inForce costs // for passwords of up to 72 bytes
	decoy   hash  // what VerifyAbsent verifies against
	derive  func(costs, *memory, string, [saltLen]byte) ([]byte, error)
}

// New starts the workers. It refuses settings out of bounds, each with what was expected.
func New(c Config) (*Hasher, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	inForce := costs{form: formArgon2id, argon2: c.Argon2}
	keep := c.Argon2.blocks()
	if c.Scheme == Bcrypt {
		inForce, keep = costs{form: formBcrypt, bcrypt: c.BcryptCost, minor: 'b'}, 0
	}
	return &Hasher{
		pool:    newPool(c.Workers, c.Queue, c.Nice, keep, idleAfter, c.Clock),
		inForce: inForce,
		decoy:   newDecoy(inForce),
		derive:  costs.derive,
	}, nil
}

func (c Config) withDefaults() Config {
	if c.Scheme == "" {
		c.Scheme = Argon2ID
	}
	if c.Argon2 == (Argon2{}) {
		c.Argon2 = DefaultArgon2
	}
	if c.BcryptCost == 0 {
		c.BcryptCost = DefaultBcryptCost
	}
	if c.Workers == 0 {
		c.Workers = DefaultWorkers()
	}
	if c.Queue == 0 {
		c.Queue = queuePerWorker * c.Workers
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Scheme != Argon2ID && c.Scheme != Bcrypt:
		return fmt.Errorf(errWrongSetting, "scheme", "argon2id or bcrypt", fmt.Sprintf("%q", string(c.Scheme)))
	case c.Workers < 1 || c.Workers > maxWorkers:
		return fmt.Errorf(errWrongSetting, "workers", fmt.Sprintf("1 to %d", maxWorkers), c.Workers)
	case c.Nice < 0 || c.Nice > MaxNice:
		return fmt.Errorf(errWrongSetting, "nice level", fmt.Sprintf("0 to %d", MaxNice), c.Nice)
	case c.Queue < 1 || c.Queue > maxQueue:
		return fmt.Errorf(errWrongSetting, "queue", fmt.Sprintf("1 to %d", maxQueue), c.Queue)
	}
	return c.checkCosts()
}

func (c Config) checkCosts() error {
	least := MinBcryptCost
	if c.Weak {
		least = leastBcryptCost
	}
	if err := checkBcryptCost(c.BcryptCost, least); err != nil {
		return fmt.Errorf("password hashing: bcrypt: %w", err)
	}
	if err := c.Argon2.check(); err != nil {
		return fmt.Errorf("password hashing: argon2id: %w", err)
	}
	if err := c.Argon2.strong(); err != nil && !c.Weak {
		return fmt.Errorf("password hashing: argon2id: %w", err)
	}
	return nil
}

// newDecoy makes the hash of no password: its sum is random.
func newDecoy(c costs) hash {
	d := hash{costs: c, salt: newSalt(), sum: make([]byte, c.form.sumLen())}
	rand.Read(d.sum) // never fails: crypto/rand ends the process instead
	return d
}

func newSalt() (salt [saltLen]byte) {
	rand.Read(salt[:])
	return salt
}

// current gives the costs in force for a password: bcrypt has another form for long ones.
func (h *Hasher) current(password string) costs {
	c := h.inForce
	if c.form == formBcrypt && len(password) > bcryptMaxBytes {
		c.form = formBcryptSHA256
	}
	return c
}

// Hash normalises a password and hashes it under the scheme in force with a salt of its own. It refuses what Normalize
// refuses, and with ErrBusy when the queue is full.
func (h *Hasher) Hash(ctx context.Context, pw secret.String) (string, error) {
	normal, broken := Normalize(pw)
	if broken != nil {
		return "", errs.New(errs.Invalid, "invalid_input", "The password cannot be used.").WithFields(*broken)
	}
	text := normal.Reveal()
	made := hash{costs: h.current(text), salt: newSalt()}
	sum, err := h.compute(ctx, made.costs, text, made.salt)
	if err != nil {
		return "", err
	}
	made.sum = sum
	return made.String(), nil
}

// Verify tells whether encoded is a hash of the password, and, if so, whether it is outdated: made with another scheme
// or other costs than those in force, so that the caller should hash the password anew and store that. A password that
// Normalize refuses matches nothing. The errors are ErrBusy, ctx's, and ErrMalformed for a hash that cannot be read.
func (h *Hasher) Verify(ctx context.Context, encoded string, pw secret.String) (match, outdated bool, err error) {
	stored, err := parse(encoded)
	if err != nil {
		return false, false, errs.Wrap(err, errs.Internal, "internal", "The stored password cannot be read.")
	}
	return h.verify(ctx, stored, pw)
}

// VerifyAbsent does the work of a verification under the scheme in force and says nothing of its outcome. It is for
// accounts that do not exist or have no password, so that nobody learns from the time which do.
func (h *Hasher) VerifyAbsent(ctx context.Context, pw secret.String) error {
	_, _, err := h.verify(ctx, h.decoy, pw)
	return err
}

func (h *Hasher) verify(ctx context.Context, stored hash, pw secret.String) (match, outdated bool, err error) {
	normal, broken := Normalize(pw)
	if broken != nil {
		return false, false, nil
	}
	text := normal.Reveal()
	sum, err := h.compute(ctx, stored.costs, text, stored.salt)
	if err != nil {
		return false, false, err
	}
	match = subtle.ConstantTimeCompare(sum, stored.sum) == 1 && stored.mayMatch(text)
	return match, match && stored.costs != h.current(text), nil
}

// compute derives a sum in the pool. The result travels in a channel, for the caller may be gone when it is there.
func (h *Hasher) compute(ctx context.Context, c costs, text string, salt [saltLen]byte) ([]byte, error) {
	result := make(chan []byte, 1)
	err := h.pool.do(ctx, func(m *memory) error {
		sum, err := h.derive(c, m, text, salt)
		result <- sum
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-result, nil
}

// Close refuses new work and what still waits, lets the hashes under way end, and ends the workers.
func (h *Hasher) Close() { h.pool.close() }

// Admit takes one of the places that the workers and the queue have, or refuses with ErrBusy, so that a request is turned
// away before it costs anything. It is for what happens before the hash is asked for: of many requests at once all would
// find the queue empty while they still read the database. leave gives the place back and is to be called once.
func (h *Hasher) Admit() (leave func(), err error) { return h.pool.admit() }

// Stats tells what the workers and the queue do.
func (h *Hasher) Stats() Stats { return h.pool.stats() }
