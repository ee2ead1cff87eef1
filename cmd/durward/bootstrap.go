package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/flow/signup"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// bootstrap makes the first administrator where the configuration wants one and nobody has an account yet. It runs
// before the server answers, so that no stranger comes first.
//
// The password is on the disk before the account exists, and comes under its final name only afterwards: a stop in
// between leaves a file, never an account that nobody can enter. Of several instances that start at once one makes the
// account; the others find its names taken and remove the file they had begun.
func bootstrap(ctx context.Context, a *app.App) error {
	email, path := a.Config.BootstrapAdminEmail, a.Config.BootstrapPasswordFile
	if email == "" {
		return nil
	}
	needed, err := bootstrapNeeded(ctx, a, path)
	if err != nil || !needed {
		return err
	}
	in := signup.Input{Username: adminName(email), Email: email, Password: oneTimePassword(a.Config.Password.MinLength)}
	begun, err := writePassword(path, in.Password)
	if err != nil {
		return fmt.Errorf("the first administrator's password cannot be written: %w; "+
			"set DURWARD_BOOTSTRAP_PASSWORD_FILE to a file in a folder that the server may write to", err)
	}
	id, err := a.Signup.Create(ctx, ident.Actor{Kind: ident.ActorSystem}, in, role.Admin)
	if err == nil {
		err = publish(begun, path)
	}
	if err != nil {
		return notMade(err, begun)
	}
	a.Logger.WarnContext(ctx, "first administrator made: sign in with the password in the file, set another one with "+
		"durward user set-password, and delete the file",
		slog.Int64("user_id", int64(id)), slog.String("username", in.Username), slog.String("password_file", path))
	return nil
}

// bootstrapNeeded looks for a password file before it looks for accounts: an instance that makes both makes the account
// first, so whoever sees its file sees its account too.
func bootstrapNeeded(ctx context.Context, a *app.App, path string) (bool, error) {
	_, err := os.Lstat(path)
	taken := !errors.Is(err, fs.ErrNotExist)
	none, err := account.None(ctx, a.DB)
	if err != nil || !none {
		return false, err
	}
	if taken {
		return false, fmt.Errorf("nobody has an account yet, but there is a file %s already, which is never overwritten: "+
			"move it away, or set DURWARD_BOOTSTRAP_PASSWORD_FILE to another file", path)
	}
	return true, nil
}

// notMade ends an attempt that came to nothing. Only a refusal is certain: after a failure the account may be there all
// the same, so that its password is kept. That the names are taken is no error: another instance was first.
func notMade(err error, begun string) error {
	e := errs.As(err)
	if e == nil || e.Kind != errs.Conflict && e.Kind != errs.Invalid {
		return errs.Wrap(err, errs.Internal, "bootstrap_unfinished",
			"The making of the first administrator was not finished. If the account is there, its password is in "+begun+".")
	}
	removed := os.Remove(begun)
	if e.Kind == errs.Conflict {
		return removed
	}
	var reasons []string
	for _, f := range e.Fields {
		reasons = append(reasons, f.Field+": "+f.Message)
	}
	return errors.Join(removed, fmt.Errorf("DURWARD_BOOTSTRAP_ADMIN_EMAIL: the first administrator cannot be made: %s",
		strings.Join(reasons, " ")))
}

// adminName is the local part of the address where that is a username, otherwise "admin".
func adminName(email string) string {
	local := email[:max(0, strings.LastIndexByte(email, '@'))]
	if _, wrong := account.ParseUsername(local); wrong != nil {
		return string(role.Admin)
	}
	return local
}

// oneTimePassword is random and keeps every rule that can be configured: its end has one character of each class.
func oneTimePassword(minLength int) secret.String {
	text := secret.Token()
	for len(text) < minLength {
		text += secret.Token()
	}
	return secret.New(text + "-Aa1")
}

// writePassword writes the password to a file of its own beside the one that it is for, readable by this user alone.
func writePassword(path string, password secret.String) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // O_EXCL, mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(password.Reveal() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// publish gives the file its final name, which fails where that is taken: nothing is overwritten.
func publish(begun, path string) error {
	if err := os.Link(begun, path); err != nil {
		return err
	}
	return os.Remove(begun)
}
