package db_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func TestOnce_WritesWithoutBeginOnPostgres(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		var seen []string
		d := dbtest.Open(t, url, db.Options{Observe: func(sql string) { seen = append(seen, sql) }})
		makeNotes(t, d)
		seen = nil
		now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
		got, err := db.Once(t.Context(), d, now, func(ctx context.Context, tx *db.Tx) (text string, err error) {
			if !tx.Now().Equal(now) {
				t.Errorf("the transaction's time is %v, want the caller's %v", tx.Now(), now)
			}
			err = tx.QueryRow(ctx, addNote+" RETURNING text", 1, "one").Scan(&text)
			return text, err
		})
		must(t, err)
		want := []string{addNote + " RETURNING text"}
		if d.Engine() == db.SQLite {
			want = []string{"BEGIN IMMEDIATE", want[0], "COMMIT"}
		}
		if !slices.Equal(seen, want) || !slices.Equal(texts(t, d), []string{"one"}) {
			t.Errorf("got %q, statements %q and notes %v", got, seen, texts(t, d))
		}
	})
}

func TestOnce_ASecondStatementIsAnError(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		_, err := db.Once(t.Context(), d, time.Now(), func(ctx context.Context, tx *db.Tx) (int64, error) {
			if _, err := tx.Exec(ctx, `SELECT name FROM roles`); err != nil {
				return 0, err
			}
			return tx.Exec(ctx, addNote, 1, "one")
		})
		if err == nil || !strings.Contains(err.Error(), "second statement") || len(texts(t, d)) != 0 {
			t.Errorf("got %v and notes %v, want an error about the second statement", err, texts(t, d))
		}
	})
}

func TestOnce_NoStatementAtAllIsFine(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		got, err := db.Once(t.Context(), d, time.Now(), func(context.Context, *db.Tx) (int, error) { return 7, nil })
		if got != 7 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if _, err := db.Once(t.Context(), d, time.Now(),
			func(context.Context, *db.Tx) (int, error) { return 0, errRefused }); !errors.Is(err, errRefused) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOnce_APanicLosesNoConnection(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{MaxConns: 1})
		for range 3 {
			value := panicOf(func() {
				_, _ = db.Once(t.Context(), d, time.Now(), func(ctx context.Context, tx *db.Tx) (int, error) {
					if _, err := tx.Query(ctx, `SELECT name FROM roles`); err != nil {
						return 0, err
					}
					panic("boom")
				})
			})
			if value == nil {
				t.Error("the panic was lost")
			}
		}
		must(t, d.QueryRow(t.Context(), `SELECT count(name) FROM roles`).Scan(new(int64)))
	})
}
