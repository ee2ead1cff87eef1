package signingkey

import (
	"testing"

	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

func BenchmarkRing(b *testing.B) {
	d, clk := dbtest.SQLite(b)
	box := boxOf(b, 'm')
	first := ensureFirst(b, d, box)
	mustRotate(b, d, box, scheduled)
	r := openRing(b, d, box, clk)
	for name, fn := range map[string]func() bool{
		"Signer": func() bool { _, err := r.Signer(); return err == nil },
		"KeyFor": func() bool { _, ok := r.KeyFor(b.Context(), string(first.ID), jwt.ES256); return ok },
		"JWKS":   func() bool { return len(r.JWKS().Body) > 0 },
		"Reload": func() bool { return r.Reload(b.Context()) == nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !fn() {
					b.Fatal("failed")
				}
			}
		})
	}
}
