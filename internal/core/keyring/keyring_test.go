package keyring

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.NewBox(secret.Bytes(secret.MasterKeyLen))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func ensure(t *testing.T, d *db.DB, box *secret.Box) error {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (bool, error) {
		return Ensure(ctx, tx, box, RefreshToken)
	})
	return err
}

func TestEnsure_ManyAtOnceMakeOneKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		box := newBox(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := ensure(t, d, box); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		keys, err := Load(t.Context(), d, box, RefreshToken)
		if err != nil || len(keys) != 1 || len(keys[0].Material) != KeyLen || keys[0].Generation != 1 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		again, err := Load(t.Context(), d, box, RefreshToken)
		if err != nil || !bytes.Equal(again[0].Material, keys[0].Material) {
			t.Errorf("read again: another key, %v", err)
		}
	})
}

func TestLoad_AnotherMasterKeyIsNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		if err := ensure(t, d, newBox(t)); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), d, newBox(t), RefreshToken)
		if !errors.Is(err, secret.ErrSealBroken) || !strings.Contains(err.Error(), "DURWARD_MASTER_KEY") {
			t.Errorf("got %v", err)
		}
	})
}

func TestLoad_AKeyMovedToAnotherPurposeDoesNotOpen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		box := newBox(t)
		if err := ensure(t, d, box); err != nil {
			t.Fatal(err)
		}
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, `UPDATE sealed_keys SET purpose = 'another'`)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(t.Context(), d, box, "another"); !errors.Is(err, secret.ErrSealBroken) {
			t.Errorf("got %v", err)
		}
	})
}
