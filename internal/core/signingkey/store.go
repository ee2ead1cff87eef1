package signingkey

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

const (
	sqlList = `SELECT id, generation, algorithm, public_jwk, sealed_private, created_at, activate_at, retire_at,
		remove_at, CURRENT_TIMESTAMP FROM signing_keys ORDER BY generation DESC`

	sqlInsert = `INSERT INTO signing_keys
		(id, generation, algorithm, public_jwk, sealed_private, created_at, activate_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (generation) DO NOTHING`

	sqlEnd = `UPDATE signing_keys SET retire_at = $1, remove_at = $2 WHERE id = $3`

	sqlDeleteRemoved = `DELETE FROM signing_keys WHERE remove_at <= $1`
)

// row is a Key with its private part as it is stored.
type row struct {
	Key
	sealed []byte
}

// List gives the keys, the newest first, and the time of the database's clock at which they were read; no keys come
// with no time.
func List(ctx context.Context, q db.Querier) (keys []Key, at time.Time, err error) {
	rows, at, err := read(ctx, q)
	if err != nil {
		return nil, time.Time{}, err
	}
	return keysOf(rows), at, nil
}

func keysOf(rows []row) []Key {
	keys := make([]Key, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	return keys
}

func read(ctx context.Context, q db.Querier) (list []row, at time.Time, err error) {
	rows, err := q.Query(ctx, sqlList)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read the signing keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		var stamp time.Time
		if err := rows.Scan(&r.ID, &r.Generation, &r.Algorithm, &r.PublicJWK, &r.sealed, &r.CreatedAt, &r.ActivateAt,
			&r.RetireAt, &r.RemoveAt, &stamp); err != nil {
			return nil, time.Time{}, fmt.Errorf("read the signing keys: %w", err)
		}
		list, at = append(list, r), q.Instant(stamp)
	}
	if err := rows.Err(); err != nil {
		return nil, time.Time{}, fmt.Errorf("read the signing keys: %w", err)
	}
	return list, at, nil
}

// sealPurpose and place bind a sealed private key to its row: in another one it does not open.
const sealPurpose = "signing_keys"

func place(id ident.KeyID) string { return "signing_keys/" + string(id) }

// unseal gives the private key of a row as PKCS #8.
func unseal(box *secret.Box, r row) ([]byte, error) {
	der, err := box.Open(sealPurpose, place(r.ID), r.sealed)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w; DURWARD_MASTER_KEY is not the one it was sealed with, "+
			"or the row was altered", r.ID, err)
	}
	return der, nil
}

// Draft is a key that is made and sealed but not stored. Making one may take a good part of a second (RSA), which has
// no place in a transaction, and a transaction may be run again: so drafts are made before. A draft is used once.
type Draft struct {
	id        ident.KeyID
	algorithm jwt.Algorithm
	public    string
	sealed    []byte
	box       *secret.Box
}

// NewDraft makes a key for an algorithm, sealed with the box.
func NewDraft(box *secret.Box, alg jwt.Algorithm) (Draft, error) {
	d := Draft{id: ident.NewKeyID(), algorithm: alg, box: box}
	if err := d.generate(); err != nil {
		return Draft{}, fmt.Errorf("make signing key %s: %w", d.id, err)
	}
	return d, nil
}

func (d *Draft) generate() error {
	private, err := jwt.Generate(d.algorithm)
	if err != nil {
		return err
	}
	jwk, err := jwt.PublicJWK(d.algorithm, string(d.id), private.Public())
	if err != nil {
		return err
	}
	public, err := json.Marshal(jwk)
	if err != nil {
		return err
	}
	der, err := jwt.MarshalPrivate(private)
	if err != nil {
		return err
	}
	d.public = string(public)
	d.sealed, err = d.box.Seal(sealPurpose, place(d.id), der)
	return err
}

// insert stores a draft as a generation. False means that another instance has made this generation meanwhile.
func (d Draft) insert(ctx context.Context, tx *db.Tx, generation int64, activateAt time.Time) (Key, bool, error) {
	k := Key{ID: d.id, Generation: generation, Algorithm: d.algorithm, PublicJWK: d.public, CreatedAt: tx.Now(),
		ActivateAt: activateAt}
	n, err := tx.Exec(ctx, sqlInsert, k.ID, k.Generation, k.Algorithm, k.PublicJWK, d.sealed, k.CreatedAt, k.ActivateAt)
	if err != nil {
		return Key{}, false, fmt.Errorf("store signing key %s: %w", k.ID, err)
	}
	return k, n == 1, nil
}

// Change is what EnsureFirst or Rotate came to. Made tells whether Key is new; otherwise it was there already and the
// draft is to be thrown away.
type Change struct {
	Key  Key
	Made bool
}

// attempts bounds how often a writer begins again when another instance has made the same generation meanwhile, which
// the next reading shows.
const attempts = 3

var errLost = fmt.Errorf("signing keys: other instances made a key first, %d times in a row: try again", attempts)

// EnsureFirst stores a draft as the first key, active at once, unless there are keys. Of several instances that try at
// once one succeeds and the others get its key. To call it only where List gives none spares the draft.
func EnsureFirst(ctx context.Context, tx *db.Tx, draft Draft) (Change, error) {
	for range attempts {
		rows, _, err := read(ctx, tx)
		if err != nil {
			return Change{}, err
		}
		if len(rows) > 0 {
			return Change{Key: rows[0].Key}, nil
		}
		key, made, err := draft.insert(ctx, tx, 1, tx.Now())
		if err != nil || made {
			return Change{Key: key, Made: made}, err
		}
	}
	return Change{}, errLost
}

// Rotate publishes a draft as the next key, to sign after the plan's lead, and sets the end of the one that signs now.
// While a key is prepared already it changes nothing and gives that one, so that instances which rotate at once make
// one key; a Plan with Now is always carried out.
//
// A draft sealed with another master key than the keys that are there is refused: the other nodes could not open it.
func Rotate(ctx context.Context, tx *db.Tx, draft Draft, plan Plan) (Change, error) {
	for range attempts {
		rows, _, err := read(ctx, tx)
		if err != nil {
			return Change{}, err
		}
		change, lost, err := rotate(ctx, tx, rows, draft, plan)
		if err != nil || !lost {
			return change, err
		}
	}
	return Change{}, errLost
}

// rotate makes one attempt. lost means that another instance has made the next generation meanwhile.
func rotate(ctx context.Context, tx *db.Tx, rows []row, draft Draft, plan Plan) (change Change, lost bool, err error) {
	step := plan.Apply(keysOf(rows), tx.Now())
	if step.Waiting != nil {
		return Change{Key: *step.Waiting}, false, nil
	}
	generation := int64(1)
	if len(rows) > 0 {
		if _, err := unseal(draft.box, rows[0]); err != nil {
			return Change{}, false, err
		}
		generation = rows[0].Generation + 1
	}
	key, made, err := draft.insert(ctx, tx, generation, step.ActivateAt)
	if err != nil || !made {
		return Change{}, !made, err
	}
	for _, end := range step.Ends {
		if _, err := tx.Exec(ctx, sqlEnd, end.RetireAt, end.RemoveAt, end.ID); err != nil {
			return Change{}, false, fmt.Errorf("end signing key %s: %w", end.ID, err)
		}
	}
	return Change{Key: key, Made: true}, false, nil
}

// DeleteRemoved deletes the keys that were removed by before, and tells how many there were. Keys that are still of use
// stay, whatever before says.
func DeleteRemoved(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	if before.After(tx.Now()) {
		before = tx.Now()
	}
	n, err := tx.Exec(ctx, sqlDeleteRemoved, before)
	if err != nil {
		return 0, fmt.Errorf("delete removed signing keys: %w", err)
	}
	return n, nil
}
