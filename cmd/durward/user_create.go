package main

import (
	"context"
	"fmt"
	"io"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/flow/signup"
	"github.com/durwardhq/durward/internal/platform/errs"
)

type userCreateCmd struct {
	Username string   `required:"" placeholder:"NAME" help:"The username, stored as it is typed."`
	Email    string   `required:"" placeholder:"ADDRESS" help:"The email address, good for signing in too."`
	Role     []string `placeholder:"ROLE" help:"admin, editor or viewer; may be given more than once."`
	passwordFlag
	jsonFlag
}

func (userCreateCmd) examples() []example {
	return []example{
		{"an administrator, whose password is asked for:",
			"durward user create --username alice --email alice@example.com --role admin"},
		{"from a script:",
			"durward user create --username bob --email bob@example.com --password-stdin < password.txt"},
	}
}

// Run makes the database where there is none, so that there can be an administrator before the first start.
func (cmd userCreateCmd) Run(ctx context.Context, c *call) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	password, err := c.password(ctx, cmd.passwordFlag)
	if err != nil {
		return err
	}
	c.noteNewDatabase(cfg)
	return c.withApp(ctx, cfg, func(ctx context.Context, a *app.App) error {
		in := signup.Input{Username: cmd.Username, Email: cmd.Email, Password: password}
		roles, err := acceptable(a, in, cmd.Role)
		if err != nil {
			return err
		}
		id, err := a.Signup.Create(ctx, operator, in, roles...)
		if err != nil {
			return err
		}
		view, err := viewUser(ctx, a.DB, idForm+id.String())
		if err != nil {
			return err
		}
		return c.answer(view, func(w io.Writer) {
			fmt.Fprintf(w, "Account %s was made: %s, %s, roles: %s.\n", view.ID, view.Username, view.Email,
				joinRoles(view.Roles))
		})
	})
}

// noteNewDatabase says that a database is about to be made: whoever runs this in the wrong folder shall see it.
func (c *call) noteNewDatabase(cfg *config.Config) {
	if err := mustExist(cfg); err != nil && !c.json {
		fmt.Fprintf(c.stderr, "making a new database at %s\n", cfg.SQLitePath())
	}
}

// acceptable judges everything that was typed before anything is made, so that all of it is told at once.
func acceptable(a *app.App, in signup.Input, roleNames []string) ([]role.Name, error) {
	wrong := a.Signup.Problems(in)
	var roles []role.Name
	for _, text := range roleNames {
		name, bad := role.Parse(text)
		if bad != nil {
			wrong = append(wrong, *bad)
		}
		roles = append(roles, name)
	}
	if len(wrong) > 0 {
		return nil, errs.New(errs.Invalid, "validation_failed", "The account cannot be made like this.").WithFields(wrong...)
	}
	return roles, nil
}
