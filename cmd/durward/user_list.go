package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
)

type userListCmd struct {
	After ident.UserID `placeholder:"NUMBER" help:"Begin after the account with this number."`
	Limit int          `default:"50" placeholder:"N" help:"At most so many accounts, 1 to 500 (default ${default})."`
	jsonFlag
}

func (userListCmd) examples() []example {
	return []example{
		{"the first 50 accounts:", "durward user list"},
		{"page by page: after the last number of the page before:", "durward user list --after 50 --limit 500 --json"},
	}
}

// maxList is the longest page of user list.
const maxList = 500

// Validate is called by the parser.
func (cmd userListCmd) Validate() error {
	if cmd.Limit < 1 || cmd.Limit > maxList {
		return fmt.Errorf("--limit: expected 1 to %d, got %d", maxList, cmd.Limit)
	}
	if cmd.After < 0 {
		return errors.New("--after: expected the number of an account, or 0 for the beginning")
	}
	return nil
}

// userPage is a page of accounts as programs read it.
type userPage struct {
	Items      []userView    `json:"items"`
	NextCursor *ident.UserID `json:"next_cursor"` // for --after; null on the last page
}

func (cmd userListCmd) Run(ctx context.Context, c *call) error {
	return c.reading(ctx, func(ctx context.Context, d *db.DB) error {
		page, err := readPage(ctx, d, cmd.After, cmd.Limit)
		if err != nil {
			return err
		}
		return c.answer(page, page.print)
	})
}

// readPage asks for one more account than the page has, to know whether there is a next one.
func readPage(ctx context.Context, d *db.DB, after ident.UserID, limit int) (userPage, error) {
	page := userPage{Items: []userView{}}
	for len(page.Items) <= limit {
		asked := min(limit+1-len(page.Items), account.MaxPage)
		users, err := account.List(ctx, d, after, asked)
		if err != nil {
			return userPage{}, err
		}
		views, err := withRoles(ctx, d, users)
		if err != nil {
			return userPage{}, err
		}
		page.Items = append(page.Items, views...)
		if len(users) < asked {
			return page, nil
		}
		after = users[len(users)-1].ID
	}
	page.Items = page.Items[:limit]
	page.NextCursor = &page.Items[limit-1].ID
	return page, nil
}

func withRoles(ctx context.Context, q db.Querier, users []account.User) ([]userView, error) {
	ids := make([]ident.UserID, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	roles, err := role.OfUsers(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	views := make([]userView, len(users))
	for i, u := range users {
		views[i] = newUserView(u, roles[u.ID])
	}
	return views, nil
}

func (p userPage) print(w io.Writer) {
	var rows [][]string
	for _, u := range p.Items {
		rows = append(rows, []string{u.ID.String(), u.Username, u.Email, string(u.Status), joinRoles(u.Roles),
			u.CreatedAt.String()})
	}
	table(w, []string{"ID", "USERNAME", "EMAIL", "STATUS", "ROLES", "CREATED"}, rows)
	if p.NextCursor != nil {
		fmt.Fprintf(w, "\nThere are more: --after %s\n", p.NextCursor)
	}
}
