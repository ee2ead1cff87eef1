package db_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// benchRows is how many rows the benchmarks spread over.
const benchRows = 100_000

const (
	benchRead   = `SELECT user_id, client, refreshed_at, expires_at, ended_at, CURRENT_TIMESTAMP FROM bench WHERE id = $1`
	benchUpdate = `UPDATE bench SET rotation = rotation + 1, refreshed_at = $2 WHERE id = $1`
)

// benchDB gives a database with rows like sessions.
func benchDB(b *testing.B, engine db.Engine) *db.DB {
	b.Helper()
	d := dbtest.Open(b, dbtest.URL(b, engine), db.Options{})
	kind := map[db.Engine]string{db.SQLite: "DATETIME", db.Postgres: "TIMESTAMPTZ"}[engine]
	table := fmt.Sprintf(`CREATE TABLE bench (id TEXT NOT NULL PRIMARY KEY, user_id BIGINT NOT NULL, client TEXT NOT NULL,
		rotation BIGINT NOT NULL, refreshed_at %[1]s NOT NULL, expires_at %[1]s NOT NULL, ended_at %[1]s)`, kind)
	fill := `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1)
		INSERT INTO bench SELECT 'ses_' || i, i, 'durward', 0, $2, $2, NULL FROM n`
	if engine == db.Postgres {
		table += ` WITH (fillfactor = 80)`
		fill = `INSERT INTO bench SELECT 'ses_' || i, i, 'durward', 0, $2, $2, NULL FROM generate_series(0, $1::bigint - 1) i`
	}
	_, err := db.Write(b.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
		if _, err := tx.Exec(ctx, table); err != nil {
			return 0, err
		}
		return tx.Exec(ctx, fill, int64(benchRows), tx.Now())
	})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// key spreads the iterations over the rows.
func key(i int64) string { return fmt.Sprintf("ses_%d", i*7919%benchRows) }

func update(ctx context.Context, d *db.DB, i int64) error {
	_, err := db.Write(ctx, d, func(ctx context.Context, tx *db.Tx) (int64, error) {
		return tx.Exec(ctx, benchUpdate, key(i), tx.Now())
	})
	return err
}

func BenchmarkPointRead(b *testing.B) {
	for _, engine := range dbtest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			d := benchDB(b, engine)
			ctx := b.Context()
			b.ReportAllocs()
			for i := int64(0); b.Loop(); i++ {
				var user int64
				var client string
				var refreshed, expires, now time.Time
				var ended *time.Time
				err := d.QueryRow(ctx, benchRead, key(i)).Scan(&user, &client, &refreshed, &expires, &ended, &now)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSingleWrite(b *testing.B) {
	for _, engine := range dbtest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			d := benchDB(b, engine)
			b.ReportAllocs()
			for i := int64(0); b.Loop(); i++ {
				if err := update(b.Context(), d, i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSingleOnce(b *testing.B) {
	d := benchDB(b, db.Postgres)
	now := time.Now()
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		_, err := db.Once(b.Context(), d, now, func(ctx context.Context, tx *db.Tx) (int64, error) {
			return tx.Exec(ctx, benchUpdate, key(i), tx.Now())
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGroupedWrite has 16 and 64 callers write all the time, and tells what latency the slowest in a hundred meet.
func BenchmarkGroupedWrite(b *testing.B) {
	for _, engine := range dbtest.Engines {
		for _, callers := range []int{16, 64} {
			b.Run(fmt.Sprintf("%s/%d", engine, callers), func(b *testing.B) {
				d := benchDB(b, engine)
				b.ReportAllocs()
				b.ResetTimer()
				took := parallel(b, callers, func(i int64) error { return update(b.Context(), d, i) })
				b.StopTimer()
				slices.Sort(took)
				b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "writes/s")
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
			})
		}
	}
}

// parallel spreads b.N calls over callers and gives how long each took.
func parallel(b *testing.B, callers int, call func(i int64) error) []time.Duration {
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				start := time.Now()
				if err := call(i); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(start)
			}
		})
	}
	all.Wait()
	return took
}
