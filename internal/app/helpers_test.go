package app_test

import (
	"context"
	"testing"

	"github.com/durwardhq/durward/internal/platform/db"
)

// execute changes the database behind the server's back.
func execute(t *testing.T, s *instance, sql string) {
	t.Helper()
	_, err := db.Write(t.Context(), s.app.DB, func(ctx context.Context, tx *db.Tx) (int64, error) { return tx.Exec(ctx, sql) })
	if err != nil {
		t.Fatal(err)
	}
}

// number reads one number.
func number(t *testing.T, s *instance, sql string) (n int) {
	t.Helper()
	if err := s.app.DB.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
