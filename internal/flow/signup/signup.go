// Package signup is the story of a new account: the input is judged as a whole, the password hashed, and the account
// stored together with its event. It owns no table.
package signup

import (
	"context"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/password"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// Input is what somebody registers with, as it was typed.
type Input struct {
	Username string
	Email    string
	Password secret.String
}

// Refusals of this flow.
var (
	errInvalid = errs.New(errs.Invalid, "validation_failed",
		"Some fields are not acceptable; see errors for each of them.")
	errUsernameTaken = errs.New(errs.Conflict, "username_taken", "This username is in use. Choose another one.")
	errEmailTaken    = errs.New(errs.Conflict, "email_taken", "This email address is in use. Sign in, or use another one.")
)

// Flow registers accounts.
type Flow struct {
	DB     *db.DB
	Audit  *audit.Log
	Hasher *password.Hasher
	Policy *password.Policy
}

// outcome is what the transaction decided.
type outcome struct {
	id    ident.UserID
	taken account.Taken
}

// Register makes an account and gives its number. It refuses with Invalid, naming every rule that each field breaks,
// and with Conflict where the username or the email address is in use.
func (f *Flow) Register(ctx context.Context, actor ident.Actor, in Input) (ident.UserID, error) {
	return f.create(ctx, actor, audit.AccountRegistered, in)
}

// Create is Register by an operator: the same rules, another event, and roles from the start.
func (f *Flow) Create(ctx context.Context, actor ident.Actor, in Input, roles ...role.Name) (ident.UserID, error) {
	return f.create(ctx, actor, audit.AccountCreated, in, roles...)
}

func (f *Flow) create(
	ctx context.Context, actor ident.Actor, typ audit.Type, in Input, roles ...role.Name,
) (ident.UserID, error) {
	username, email, wrong := f.judge(in)
	if len(wrong) > 0 {
		return 0, errInvalid.WithFields(wrong...)
	}
	leave, err := f.Hasher.Admit()
	if err != nil {
		return 0, err
	}
	defer leave()
	// Looked up before hashing, which is dear; the insert decides all the same.
	taken, err := account.TakenBy(ctx, f.DB, username, email)
	if err != nil {
		return 0, err
	}
	hash := ""
	if !taken.Any() {
		if hash, err = f.Hasher.Hash(ctx, in.Password); err != nil {
			return 0, err
		}
	}
	done, err := audit.InTx(ctx, f.Audit, actor, typ, func(ctx context.Context, tx *db.Tx, e *audit.Event) (outcome, error) {
		if taken.Any() {
			e.Refuse(takenReason(taken))
			return outcome{taken: taken}, nil
		}
		id, taken, err := account.Insert(ctx, tx, username, email, hash)
		if err != nil {
			return outcome{}, err
		}
		if taken.Any() {
			e.Refuse(takenReason(taken))
			return outcome{taken: taken}, nil
		}
		e.Subject = id
		return outcome{id: id}, grant(ctx, tx, e, id, roles)
	})
	if err != nil {
		return 0, err
	}
	return done.id, conflict(done.taken)
}

func grant(ctx context.Context, tx *db.Tx, e *audit.Event, id ident.UserID, roles []role.Name) error {
	for _, name := range roles {
		if _, err := role.Grant(ctx, tx, id, name); err != nil {
			return err
		}
		e.Detail("role_"+string(name), "granted")
	}
	return nil
}

// Problems tells everything that is wrong with the fields, one entry a field; none when they are acceptable.
func (f *Flow) Problems(in Input) []errs.Field {
	_, _, wrong := f.judge(in)
	return wrong
}

func (f *Flow) judge(in Input) (account.Username, account.Email, []errs.Field) {
	var wrong []errs.Field
	username, bad := account.ParseUsername(in.Username)
	wrong = appendField(wrong, bad)
	email, bad := account.ParseEmail(in.Email)
	wrong = appendField(wrong, bad)
	return username, email, appendField(wrong, f.Policy.Check(in.Password))
}

func appendField(wrong []errs.Field, bad *errs.Field) []errs.Field {
	if bad == nil {
		return wrong
	}
	return append(wrong, *bad)
}

func takenReason(t account.Taken) string {
	if t.Username {
		return errUsernameTaken.Code
	}
	return errEmailTaken.Code
}

// conflict turns what is taken into the refusal; both fields are named where both are.
func conflict(t account.Taken) error {
	if !t.Any() {
		return nil
	}
	refusal := errEmailTaken
	if t.Username {
		refusal = errUsernameTaken
	}
	var fields []errs.Field
	if t.Username {
		fields = append(fields, errs.Field{Field: "username", Rules: []string{"taken"}, Message: errUsernameTaken.Message})
	}
	if t.Email {
		fields = append(fields, errs.Field{Field: "email", Rules: []string{"taken"}, Message: errEmailTaken.Message})
	}
	return refusal.WithFields(fields...)
}
