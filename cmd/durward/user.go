package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/errs"
)

// idForm begins a reference to an account by its number. No username has a colon, and a number alone may be one.
const idForm = "id:"

// userView is an account as programs read it.
type userView struct {
	ID        ident.UserID   `json:"id"`
	Username  string         `json:"username"`
	Email     string         `json:"email"`
	Status    account.Status `json:"status"`
	Roles     []role.Name    `json:"roles"`
	CreatedAt stamp          `json:"created_at"`
	UpdatedAt stamp          `json:"updated_at"`
}

func newUserView(u account.User, roles []role.Name) userView {
	return userView{u.ID, u.Username, u.Email, u.Status, append([]role.Name{}, roles...), stamp{u.CreatedAt},
		stamp{u.UpdatedAt}}
}

// findUser gives the account that somebody means.
func findUser(ctx context.Context, q db.Querier, reference string) (account.User, error) {
	u, found, err := lookUp(ctx, q, reference)
	if err != nil || found {
		return u, err
	}
	message := fmt.Sprintf("There is no account %q. durward user list shows all accounts.", reference)
	if _, err := ident.ParseUserID(reference); err == nil {
		message += " For the account with this number write id:" + reference + "."
	}
	return account.User{}, errs.New(errs.NotFound, "unknown_user", message)
}

func lookUp(ctx context.Context, q db.Querier, reference string) (account.User, bool, error) {
	number, ok := strings.CutPrefix(reference, idForm)
	if !ok {
		return account.ByIdentifier(ctx, q, account.ParseIdentifier(reference))
	}
	id, err := ident.ParseUserID(number)
	if err != nil {
		return account.User{}, false, nil
	}
	return account.ByID(ctx, q, id)
}

// viewUser reads an account with its roles.
func viewUser(ctx context.Context, q db.Querier, reference string) (userView, error) {
	u, err := findUser(ctx, q, reference)
	if err != nil {
		return userView{}, err
	}
	roles, err := role.OfUser(ctx, q, u.ID)
	return newUserView(u, roles), err
}

func joinRoles(roles []role.Name) string {
	if len(roles) == 0 {
		return "none"
	}
	words := make([]string, len(roles))
	for i, name := range roles {
		words[i] = string(name)
	}
	return strings.Join(words, ", ")
}
