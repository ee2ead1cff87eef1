package main

import (
	"context"
	"fmt"
	"io"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/errs"
)

// roleArg is the role that a command is about.
type roleArg struct {
	Role string `arg:"" help:"admin, editor or viewer."`
}

type userGrantCmd struct {
	userArg
	roleArg
	jsonFlag
}

func (userGrantCmd) examples() []example {
	return []example{{"make alice an administrator, from her next request on:", "durward user grant alice admin"}}
}

func (cmd userGrantCmd) Run(ctx context.Context, c *call) error {
	return c.changeRole(ctx, cmd.User, cmd.Role, true)
}

type userRevokeCmd struct {
	userArg
	roleArg
	jsonFlag
}

func (userRevokeCmd) examples() []example {
	return []example{{"alice is no administrator from her next request on:", "durward user revoke alice admin"}}
}

func (cmd userRevokeCmd) Run(ctx context.Context, c *call) error {
	return c.changeRole(ctx, cmd.User, cmd.Role, false)
}

// roleChanged is what a change of roles came to, as programs read it.
type roleChanged struct {
	UserID  ident.UserID `json:"user_id"`
	Role    role.Name    `json:"role"`
	Changed bool         `json:"changed"`
	Roles   []role.Name  `json:"roles"`
}

func (c *call) changeRole(ctx context.Context, reference, roleName string, give bool) error {
	name, err := parseRole(roleName)
	if err != nil {
		return err
	}
	return c.changing(ctx, func(ctx context.Context, a *app.App) error {
		u, err := findUser(ctx, a.DB, reference)
		if err != nil {
			return err
		}
		act := a.Manage.Revoke
		if give {
			act = a.Manage.Grant
		}
		changed, err := act(ctx, operator, u.ID, name)
		if err != nil {
			return err
		}
		roles, err := role.OfUser(ctx, a.DB, u.ID)
		if err != nil {
			return err
		}
		return c.answer(roleChanged{u.ID, name, changed, append([]role.Name{}, roles...)}, func(w io.Writer) {
			fmt.Fprintf(w, roleSentence(give, changed), printable(u.Username), name)
		})
	})
}

func roleSentence(give, changed bool) string {
	switch {
	case give && changed:
		return "%s has the role %s now.\n"
	case give:
		return "%s had the role %s already.\n"
	case changed:
		return "%s has the role %s no more.\n"
	}
	return "%s did not have the role %s.\n"
}

func parseRole(text string) (role.Name, error) {
	name, wrong := role.Parse(text)
	if wrong != nil {
		return "", errs.New(errs.Invalid, "validation_failed", "There is no such role.").WithFields(*wrong)
	}
	return name, nil
}
