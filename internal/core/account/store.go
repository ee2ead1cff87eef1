package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
)

// MaxPage is the greatest number of users that List gives at once.
const MaxPage = 200

const (
	// A row written by hand has no keys, so that the texts as they are must be free too.
	takenSQL = `
SELECT CASE WHEN EXISTS (SELECT 1 FROM users WHERE username_key = $1 OR username = $2) THEN 1 ELSE 0 END,
       CASE WHEN EXISTS (SELECT 1 FROM users WHERE email_key = $3 OR email = $4) THEN 1 ELSE 0 END`

	insertSQL = `
INSERT INTO users (username, username_key, email, email_key, password_hash, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT DO NOTHING
RETURNING id`

	accountByUsernameSQL = `
SELECT id, username, email, status, created_at, updated_at, password_hash
FROM users
WHERE username_key = $1`

	accountByEmailSQL = `
SELECT id, username, email, status, created_at, updated_at, password_hash
FROM users
WHERE email_key = $1`

	accountByIDSQL = `
SELECT id, username, email, status, created_at, updated_at, password_hash
FROM users
WHERE id = $1`

	// SQLite has one writer, who needs no lock.
	accountByIDPostgresSQL = accountByIDSQL + `
FOR SHARE`

	userByIDSQL = `
SELECT id, username, email, status, created_at, updated_at
FROM users
WHERE id = $1`

	setPasswordHashSQL = `
UPDATE users SET password_hash = $2, updated_at = $3
WHERE id = $1`

	upgradePasswordHashSQL = `
UPDATE users SET password_hash = $3, updated_at = $4
WHERE id = $1 AND password_hash = $2`

	listSQL = `
SELECT id, username, email, status, created_at, updated_at
FROM users
WHERE id > $1
ORDER BY id
LIMIT $2`

	firstSQL = `
SELECT id
FROM users
ORDER BY id
LIMIT 1`
)

// insertAttempts bounds how often Insert looks again: each time a rival must have appeared and gone in between.
const insertAttempts = 3

var errElusiveRival = errors.New("the names were refused as taken and looked free, three times over")

// Insert makes an active account. When a name is taken it says which and makes none. It looks first and inserts then,
// since a refused insert uses up a number; whoever comes between the two is met by the table's constraints, so that of
// many who want one name at once exactly one gets it.
func Insert(ctx context.Context, tx *db.Tx, username Username, email Email, passwordHash string) (
	id ident.UserID, taken Taken, err error) {
	for range insertAttempts {
		taken, err = TakenBy(ctx, tx, username, email)
		if err != nil || taken.Any() {
			return 0, taken, err
		}
		row := tx.QueryRow(ctx, insertSQL,
			username.text, username.key, email.text, email.key, passwordHash, tx.Now())
		err = row.Scan(&id)
		if err == nil {
			return id, Taken{}, nil
		}
		if !errors.Is(err, db.ErrNoRows) {
			return 0, Taken{}, fmt.Errorf("insert user: %w", err)
		}
	}
	return 0, Taken{}, fmt.Errorf("insert user: %w", errElusiveRival)
}

// TakenBy tells which of two names somebody has already. It may change at once: Insert decides.
func TakenBy(ctx context.Context, q db.Querier, username Username, email Email) (Taken, error) {
	var names, emails int64
	row := q.QueryRow(ctx, takenSQL, username.key, username.text, email.key, email.text)
	if err := row.Scan(&names, &emails); err != nil {
		return Taken{}, fmt.Errorf("look for taken names: %w", err)
	}
	return Taken{Username: names > 0, Email: emails > 0}, nil
}

// FindForSignIn gives the account that an identifier names, whatever its status. It runs one statement whether or not
// there is such an account, or could be.
func FindForSignIn(ctx context.Context, q db.Querier, i Identifier) (a Account, found bool, err error) {
	sql := accountByUsernameSQL
	if i.email {
		sql = accountByEmailSQL
	}
	found, err = scanned(q.QueryRow(ctx, sql, i.key), append(a.User.columns(), &a.PasswordHash)...)
	if err != nil {
		return Account{}, false, fmt.Errorf("find account by identifier: %w", err)
	}
	return a, found, nil
}

// ByIdentifier gives the user whom an identifier names, whatever their status.
func ByIdentifier(ctx context.Context, q db.Querier, i Identifier) (u User, found bool, err error) {
	a, found, err := FindForSignIn(ctx, q, i)
	return a.User, found, err
}

// ByID gives the user of a number, whatever their status.
func ByID(ctx context.Context, q db.Querier, id ident.UserID) (u User, found bool, err error) {
	found, err = scanned(q.QueryRow(ctx, userByIDSQL, id), u.columns()...)
	if err != nil {
		return User{}, false, fmt.Errorf("find user %s: %w", id, err)
	}
	return u, found, nil
}

// Lock gives an account as it is now and keeps it so until the transaction ends: a change of its password or status waits,
// and sees what the transaction did.
func Lock(ctx context.Context, tx *db.Tx, id ident.UserID) (a Account, found bool, err error) {
	sql := accountByIDSQL
	if tx.Engine() == db.Postgres {
		sql = accountByIDPostgresSQL
	}
	found, err = scanned(tx.QueryRow(ctx, sql, id), append(a.User.columns(), &a.PasswordHash)...)
	if err != nil {
		return Account{}, false, fmt.Errorf("lock account %s: %w", id, err)
	}
	return a, found, nil
}

// SetPasswordHash replaces the stored form of a password. It tells whether there is such a user.
func SetPasswordHash(ctx context.Context, tx *db.Tx, id ident.UserID, hash string) (found bool, err error) {
	n, err := tx.Exec(ctx, setPasswordHashSQL, id, hash, tx.Now())
	if err != nil {
		return false, fmt.Errorf("set password hash of user %s: %w", id, err)
	}
	return n > 0, nil
}

// UpgradePasswordHash replaces the stored form of a password if it is still the old one, which a change of password
// meanwhile must win over. It tells whether it did.
func UpgradePasswordHash(ctx context.Context, tx *db.Tx, id ident.UserID, old, hash string) (upgraded bool, err error) {
	n, err := tx.Exec(ctx, upgradePasswordHashSQL, id, old, hash, tx.Now())
	if err != nil {
		return false, fmt.Errorf("upgrade password hash of user %s: %w", id, err)
	}
	return n > 0, nil
}

// List gives the users whose numbers are greater than `after`, in their order, at least 1 and at most MaxPage of them
// if there are so many. The last one's number is where the next page goes on.
func List(ctx context.Context, q db.Querier, after ident.UserID, limit int) ([]User, error) {
	rows, err := q.Query(ctx, listSQL, after, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	defer rows.Close()
	var users []User
	for rows.Next() {
		var u User
		if err := rows.Scan(u.columns()...); err != nil {
			return nil, fmt.Errorf("list users: %w", err)
		}
		users = append(users, u)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}

// None tells whether nobody has an account yet. It reads one entry of an index.
func None(ctx context.Context, q db.Querier) (bool, error) {
	var id ident.UserID
	found, err := scanned(q.QueryRow(ctx, firstSQL), &id)
	if err != nil {
		return false, fmt.Errorf("look for a first user: %w", err)
	}
	return !found, nil
}

// columns gives where the columns that make a User go, in the order in which all statements name them.
func (u *User) columns() []any {
	return []any{&u.ID, &u.Username, &u.Email, &u.Status, &u.CreatedAt, &u.UpdatedAt}
}

// scanned scans a row and tells whether there was one.
func scanned(row db.Row, dest ...any) (found bool, err error) {
	err = row.Scan(dest...)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
