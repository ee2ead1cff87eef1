// Package keyring owns the table sealed_keys: symmetric keys with a purpose (the MAC of refresh tokens, and whatever
// needs one later), made at first use and sealed with the master key. Keys that sign tokens are signingkey's.
package keyring

import (
	"context"
	"fmt"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// Purpose names what a key is for. A key of one purpose is never used for another.
type Purpose string

// RefreshToken is the key of the MAC in refresh tokens.
const RefreshToken Purpose = "refresh_token"

// KeyLen is the length of every key in bytes.
const KeyLen = 32

// Key is one generation of a purpose's key; the one with the highest generation makes new things, the others still
// verify old ones.
type Key struct {
	Generation uint8
	Material   []byte
}

const sealPurpose = "sealed_keys"

const (
	sqlInsert = `INSERT INTO sealed_keys (purpose, generation, sealed, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (purpose, generation) DO NOTHING`
	sqlByPurpose = `SELECT generation, sealed FROM sealed_keys WHERE purpose = $1 ORDER BY generation DESC LIMIT 16`
)

// Ensure makes the first key of a purpose where there is none, and tells whether it did. Of several instances that try
// at once one succeeds and the others find its key.
func Ensure(ctx context.Context, tx *db.Tx, box *secret.Box, purpose Purpose) (made bool, err error) {
	keys, err := Load(ctx, tx, box, purpose)
	if err != nil || len(keys) > 0 {
		return false, err
	}
	const first = 1
	sealed, err := box.Seal(sealPurpose, place(purpose, first), secret.Bytes(KeyLen))
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, sqlInsert, string(purpose), int64(first), sealed, tx.Now())
	return n == 1, err
}

// Load gives a purpose's keys, the newest first; none if Ensure has not been called yet.
func Load(ctx context.Context, q db.Querier, box *secret.Box, purpose Purpose) ([]Key, error) {
	rows, err := q.Query(ctx, sqlByPurpose, string(purpose))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []Key
	for rows.Next() {
		var generation int64
		var sealed []byte
		if err := rows.Scan(&generation, &sealed); err != nil {
			return nil, err
		}
		material, err := box.Open(sealPurpose, place(purpose, generation), sealed)
		if err != nil {
			return nil, fmt.Errorf("key %s of the database: %w; DURWARD_MASTER_KEY is not the one it was sealed with",
				place(purpose, generation), err)
		}
		keys = append(keys, Key{Generation: uint8(generation), Material: material})
	}
	return keys, rows.Err()
}

func place(purpose Purpose, generation int64) string {
	return fmt.Sprintf("%s/%d", purpose, generation)
}
