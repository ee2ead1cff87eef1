package main

import (
	"context"
	"fmt"
	"io"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/ident"
)

type userSetPasswordCmd struct {
	userArg
	passwordFlag
	jsonFlag
}

func (userSetPasswordCmd) examples() []example {
	return []example{
		{"the password is asked for:", "durward user set-password alice"},
		{"from a script:", "durward user set-password alice --password-stdin < password.txt"},
	}
}

// passwordSet is what was done, as programs read it.
type passwordSet struct {
	UserID        ident.UserID `json:"user_id"`
	SessionsEnded int64        `json:"sessions_ended"`
}

func (cmd userSetPasswordCmd) Run(ctx context.Context, c *call) error {
	password, err := c.password(ctx, cmd.passwordFlag)
	if err != nil {
		return err
	}
	return c.changing(ctx, func(ctx context.Context, a *app.App) error {
		u, err := findUser(ctx, a.DB, cmd.User)
		if err != nil {
			return err
		}
		ended, err := a.Manage.SetPassword(ctx, operator, u.ID, password)
		if err != nil {
			return err
		}
		return c.answer(passwordSet{u.ID, ended}, func(w io.Writer) {
			fmt.Fprintf(w, "The password of %s was set. %s ended.\n", printable(u.Username),
				count(ended, "session was", "sessions were"))
		})
	})
}
