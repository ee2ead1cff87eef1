package main

import (
	"context"
	"io"

	"github.com/durwardhq/durward/internal/platform/db"
)

type userShowCmd struct {
	userArg
	jsonFlag
}

func (userShowCmd) examples() []example {
	return []example{
		{"by username, email address or number:", "durward user show alice"},
		{"the account with the number 7:", "durward user show id:7 --json"},
	}
}

func (cmd userShowCmd) Run(ctx context.Context, c *call) error {
	return c.reading(ctx, func(ctx context.Context, d *db.DB) error {
		view, err := viewUser(ctx, d, cmd.User)
		if err != nil {
			return err
		}
		return c.answer(view, func(w io.Writer) {
			table(w, []string{"id", view.ID.String()}, [][]string{
				{"username", view.Username}, {"email", view.Email}, {"status", string(view.Status)},
				{"roles", joinRoles(view.Roles)}, {"created", view.CreatedAt.String()}, {"updated", view.UpdatedAt.String()},
			})
		})
	})
}
