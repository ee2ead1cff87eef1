package account

import (
	"time"

	"github.com/durwardhq/durward/internal/ident"
)

// Status is whether an account may be used at all.
type Status string

const (
	// StatusActive is the ordinary status.
	StatusActive Status = "active"
	// StatusDeactivated is an account that is shut and can be opened again.
	StatusDeactivated Status = "deactivated"
	// StatusDeleted is an account that waits to be erased; its names stay taken until then.
	StatusDeleted Status = "deleted"
)

// User is a person's account, without its secrets. Times are UTC, in microseconds.
type User struct {
	ID        ident.UserID
	Username  string // as typed, in NFC
	Email     string // as typed, in NFC
	Status    Status
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Account is a user with the stored form of the password, for checking a sign-in.
type Account struct {
	User
	PasswordHash string
}

// Taken tells which names of a new account another one has already.
type Taken struct{ Username, Email bool }

// Any tells whether either is taken.
func (t Taken) Any() bool { return t.Username || t.Email }
