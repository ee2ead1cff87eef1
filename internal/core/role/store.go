package role

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
)

// MaxUsers is the greatest number of users that OfUsers is asked about at once.
const MaxUsers = 200

const (
	allSQL = `
SELECT name, description, created_at
FROM roles`

	grantSQL = `
INSERT INTO user_roles (user_id, role, granted_at)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING`

	revokeSQL = `
DELETE FROM user_roles
WHERE user_id = $1 AND role = $2`

	ofUserSQL = `
SELECT role
FROM user_roles
WHERE user_id = $1`

	countHoldersSQL = `
SELECT COUNT(*)
FROM user_roles
WHERE role = $1`
)

// ofUsersSQL has MaxUsers parameters whatever the number asked for, so that it stays one statement to prepare.
var ofUsersSQL = `
SELECT user_id, role
FROM user_roles
WHERE user_id IN (` + placeholders(MaxUsers) + `)`

func placeholders(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(list, ", ")
}

// All gives the roles that can be granted, by name.
func All(ctx context.Context, q db.Querier) ([]Role, error) {
	var roles []Role
	err := each(ctx, q, allSQL, nil, func(rows db.Rows) error {
		var r Role
		err := rows.Scan(&r.Name, &r.Description, &r.CreatedAt)
		roles = append(roles, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	slices.SortFunc(roles, func(a, b Role) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return roles, nil
}

// Grant gives a user a role and tells whether they had it not yet. A user or a role that does not exist is an error.
func Grant(ctx context.Context, tx *db.Tx, user ident.UserID, role Name) (changed bool, err error) {
	n, err := tx.Exec(ctx, grantSQL, user, role, tx.Now())
	if err != nil {
		return false, fmt.Errorf("grant role %q to user %s: %w", role, user, err)
	}
	return n > 0, nil
}

// Revoke takes a role from a user and tells whether they had it.
func Revoke(ctx context.Context, tx *db.Tx, user ident.UserID, role Name) (changed bool, err error) {
	n, err := tx.Exec(ctx, revokeSQL, user, role)
	if err != nil {
		return false, fmt.Errorf("revoke role %q of user %s: %w", role, user, err)
	}
	return n > 0, nil
}

// OfUser gives the roles that a user holds, sorted.
func OfUser(ctx context.Context, q db.Querier, user ident.UserID) ([]Name, error) {
	var names []Name
	err := each(ctx, q, ofUserSQL, []any{user}, func(rows db.Rows) error {
		var name Name
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("roles of user %s: %w", user, err)
	}
	slices.Sort(names)
	return names, nil
}

// OfUsers gives the roles of up to MaxUsers users in one statement, each user's sorted. Users without a role are not in
// the map.
func OfUsers(ctx context.Context, q db.Querier, users []ident.UserID) (map[ident.UserID][]Name, error) {
	held := make(map[ident.UserID][]Name)
	if len(users) == 0 {
		return held, nil
	}
	if len(users) > MaxUsers {
		return nil, fmt.Errorf("roles of %d users: at most %d at once", len(users), MaxUsers)
	}
	err := each(ctx, q, ofUsersSQL, padded(users), func(rows db.Rows) error {
		var user ident.UserID
		var name Name
		err := rows.Scan(&user, &name)
		held[user] = append(held[user], name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("roles of %d users: %w", len(users), err)
	}
	for _, names := range held {
		slices.Sort(names)
	}
	return held, nil
}

// padded gives MaxUsers arguments: the users, and 0, who is nobody, for the rest.
func padded(users []ident.UserID) []any {
	args := make([]any, MaxUsers)
	for i := range args {
		args[i] = ident.UserID(0)
	}
	for i, user := range users {
		args[i] = user
	}
	return args
}

// CountHolders tells how many users hold a role, whatever their status.
func CountHolders(ctx context.Context, q db.Querier, role Name) (int64, error) {
	var n int64
	if err := q.QueryRow(ctx, countHoldersSQL, role).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the holders of role %q: %w", role, err)
	}
	return n, nil
}

// each runs a query and hands every row to fn.
func each(ctx context.Context, q db.Querier, sql string, args []any, fn func(db.Rows) error) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
