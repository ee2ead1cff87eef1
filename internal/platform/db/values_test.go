package db_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// zoned is an instant in another zone, with more digits than are kept.
var zoned = time.Date(2026, 3, 29, 4, 5, 6, 123456789, time.FixedZone("somewhere", 5*3600+1800))

// kept is what the database keeps of zoned.
var kept = time.Date(2026, 3, 28, 22, 35, 6, 123456000, time.UTC)

func TestValues_ComeBackAsTheyWent(t *testing.T) {
	type word string
	type number int32
	longAgo := time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
	text, count := "text ' \" \\ ü 日本", int64(-1)<<63
	scratch(t, func(t *testing.T, d *db.DB) {
		for name, v := range map[string]struct {
			column    string
			arg, want any
		}{
			"string":           {"text", text, text},
			"empty string":     {"text", "", ""},
			"named string":     {"text", word("w"), word("w")},
			"session id":       {"text", ident.SessionID("ses_x"), ident.SessionID("ses_x")},
			"int64":            {"number", count, count},
			"int":              {"number", 42, 42},
			"named integer":    {"number", number(-7), number(-7)},
			"user id":          {"number", ident.UserID(1 << 40), ident.UserID(1 << 40)},
			"bool":             {"flag", true, true},
			"bytes":            {"raw", []byte{0, 1, 255}, []byte{0, 1, 255}},
			"no bytes":         {"raw", []byte{}, []byte{}},
			"NULL bytes":       {"raw", []byte(nil), []byte(nil)},
			"time":             {"at", zoned, kept},
			"pointer to time":  {"at", &zoned, &kept},
			"NULL time":        {"at", (*time.Time)(nil), (*time.Time)(nil)},
			"NULL":             {"at", nil, (*time.Time)(nil)},
			"pointer":          {"number", &count, &count},
			"NULL number":      {"number", (*int64)(nil), (*int64)(nil)},
			"NULL user id":     {"number", (*ident.UserID)(nil), (*ident.UserID)(nil)},
			"pointer to word":  {"text", &text, &text},
			"string as bytes":  {"text", "abc", []byte("abc")},
			"time before 1970": {"at", longAgo, longAgo},
		} {
			must(t, execute(t.Context(), d, `DELETE FROM notes`))
			must(t, execute(t.Context(), d, `INSERT INTO notes (id, text) VALUES (1, 'x')`))
			must(t, execute(t.Context(), d, `UPDATE notes SET `+v.column+` = $1 WHERE id = $2`, v.arg, 1))
			got := reflect.New(reflect.TypeOf(v.want))
			row := d.QueryRow(t.Context(), `SELECT `+v.column+` FROM notes WHERE id = 1`)
			if err := row.Scan(got.Interface()); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if !reflect.DeepEqual(got.Elem().Interface(), v.want) {
				t.Errorf("%s: got %#v, want %#v", name, got.Elem().Interface(), v.want)
			}
		}
	})
}

func TestValues_WhatDoesNotFitIsAnError(t *testing.T) {
	type small int8
	scratch(t, func(t *testing.T, d *db.DB) {
		must(t, execute(t.Context(), d, `INSERT INTO notes (id, text, number) VALUES (1, 'x', 1000)`))
		for name, scan := range map[string]struct {
			column string
			dest   []any
		}{
			"NULL into a time":              {"at", []any{new(time.Time)}},
			"NULL into a number":            {"CAST(NULL AS BIGINT)", []any{new(int64)}},
			"NULL into a string":            {"CAST(NULL AS TEXT)", []any{new(string)}},
			"too large a number":            {"number", []any{new(small)}},
			"a text into a number":          {"text", []any{new(int64)}},
			"a text into a time":            {"text", []any{new(time.Time)}},
			"too few destinations":          {"id, text", []any{new(int64)}},
			"too many":                      {"id", []any{new(int64), new(string)}},
			"a destination without pointer": {"id", []any{int64(0)}},
		} {
			if err := d.QueryRow(t.Context(), `SELECT `+scan.column+` FROM notes`).Scan(scan.dest...); err == nil {
				t.Errorf("%s was accepted", name)
			}
		}
		unfit := map[string]any{"a struct": struct{}{}, "a channel": make(chan int), "a map": map[string]int{}}
		for name, arg := range unfit {
			if err := execute(t.Context(), d, `UPDATE notes SET text = $1`, arg); err == nil {
				t.Errorf("%s was accepted as an argument", name)
			}
		}
		if err := execute(t.Context(), d, `UPDATE notes SET text = $1 WHERE id = $2`, "y"); err == nil {
			t.Error("an argument too few was accepted")
		}
	})
}

func TestTimes_AreReadableOfFixedWidthAndSortAsText(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	makeNotes(t, d)
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, after := range []time.Duration{0, time.Microsecond, 100 * time.Millisecond, time.Second} {
		at := base.Add(after)
		must(t, execute(t.Context(), d, `INSERT INTO notes (id, text, at) VALUES ($1, $2, $3)`, i, string(rune('a'+i)), at))
	}
	got := list(t, d, `SELECT CAST(at AS TEXT) FROM notes ORDER BY CAST(at AS TEXT)`)
	want := []string{"2026-01-02 03:04:05.000000", "2026-01-02 03:04:05.000001",
		"2026-01-02 03:04:05.100000", "2026-01-02 03:04:06.000000"}
	if !slices.Equal(got, want) {
		t.Errorf("the file holds %q, want %q", got, want)
	}
	year := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := execute(t.Context(), d, `UPDATE notes SET at = $1`, year); err == nil {
		t.Error("a year of five digits was accepted")
	}
}

func TestTimes_CompareAndSortOnBothEngines(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		for i, at := range []any{zoned.Add(time.Microsecond), zoned, nil, zoned.Add(-time.Microsecond)} {
			must(t, execute(t.Context(), d, `INSERT INTO notes (id, text, at) VALUES ($1, $2, $3)`, i, string(rune('a'+i)), at))
		}
		got := list(t, d, `SELECT text FROM notes WHERE at IS NOT NULL ORDER BY at`)
		if !slices.Equal(got, []string{"d", "b", "a"}) {
			t.Errorf("by time: %v, want d b a", got)
		}
		if got := list(t, d, `SELECT text FROM notes WHERE at > $1`, zoned); !slices.Equal(got, []string{"a"}) {
			t.Errorf("after the middle one: %v, want a", got)
		}
		var latest, none *time.Time
		must(t, d.QueryRow(t.Context(), `SELECT max(at), (SELECT max(at) FROM notes WHERE id > 9)
			FROM notes`).Scan(&latest, &none))
		if !latest.Equal(kept.Add(time.Microsecond)) || latest.Location() != time.UTC || none != nil {
			t.Errorf("the latest is %v, that of none %v", latest, none)
		}
	})
}

func TestTimes_TheDefaultsOfTheDatabaseReadLikeAllOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		before := time.Now().Add(-time.Minute)
		must(t, execute(t.Context(), d, `INSERT INTO users (username, email, password_hash) VALUES ('a', 'b', 'c')`))
		var at time.Time
		must(t, d.QueryRow(t.Context(), `SELECT created_at FROM users`).Scan(&at))
		if at.Before(before) || at.After(time.Now().Add(time.Minute)) || at.Location() != time.UTC {
			t.Errorf("created_at is %v", at)
		}
		if d.Engine() == db.SQLite {
			text := list(t, d, `SELECT CAST(created_at AS TEXT) FROM users`)[0]
			if len(text) != len("2006-01-02 15:04:05.000000") {
				t.Errorf("the file holds %q", text)
			}
		}
	})
}

func TestInstant_IsTheDatabasesTimeMovedByTheClock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Offset) {
		clk.Advance(48 * time.Hour)
		stamp := func(q db.Querier) time.Time {
			var at time.Time
			must(t, q.QueryRow(t.Context(), `SELECT CURRENT_TIMESTAMP`).Scan(&at))
			return q.Instant(at)
		}
		near := func(what string, got time.Time) {
			if off := got.Sub(time.Now().Add(48 * time.Hour)); off.Abs() > time.Minute || got.Location() != time.UTC {
				t.Errorf("%s is %v, %v off", what, got, off)
			}
		}
		near("a read's instant", stamp(d))
		_, err := db.Write(t.Context(), d, func(_ context.Context, tx *db.Tx) (int, error) {
			near("the transaction's time", tx.Now())
			near("a statement's instant", stamp(tx))
			if d.Engine() == db.Postgres && !tx.Now().Equal(stamp(tx)) {
				t.Errorf("the transaction's time %v is not the database's %v", tx.Now(), stamp(tx))
			}
			return 0, nil
		})
		must(t, err)
	})
}

func TestQueryRow_WithoutARowIsErrNoRows(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		query := `SELECT id FROM notes WHERE id = $1`
		if err := d.QueryRow(t.Context(), query, 1).Scan(new(int64)); !errors.Is(err, db.ErrNoRows) {
			t.Errorf("a read gave %v", err)
		}
		must(t, execute(t.Context(), d, addNote, 1, "one"))
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
			if err := tx.QueryRow(ctx, query, 2).Scan(new(int64)); !errors.Is(err, db.ErrNoRows) {
				t.Errorf("a transaction gave %v", err)
			}
			return 0, tx.QueryRow(ctx, query, 1).Scan(new(int64))
		})
		must(t, err)
	})
}

func TestIsUnique_TellsADuplicateFromEveryOtherError(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		must(t, execute(t.Context(), d, addNote, 1, "one"))
		for sql, want := range map[string]bool{
			`INSERT INTO notes (id, text) VALUES (2, 'one')`:                         true,
			`INSERT INTO notes (id, text) VALUES (1, 'two')`:                         true,
			`INSERT INTO notes (id) VALUES (3)`:                                      false,
			`INSERT INTO user_roles (user_id, role, granted_at) VALUES (1, 'x', $1)`: false,
			`SELECT nothing FROM nowhere`:                                            false,
		} {
			if err := execute(t.Context(), d, sql); err == nil || db.IsUnique(err) != want {
				t.Errorf("%s: IsUnique(%v) is not %t", sql, err, want)
			}
		}
		if db.IsUnique(nil) {
			t.Error("no error is a duplicate")
		}
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
			return 0, tx.QueryRow(ctx, addNote+` RETURNING id`, 9, "one").Scan(new(int64))
		})
		if !db.IsUnique(err) {
			t.Errorf("through QueryRow: %v", err)
		}
	})
}

func TestStatements_MoreThanTheCacheHoldsStillRun(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		for i := range 600 {
			sql := `SELECT ` + strings.Repeat("0 + ", i%3) + `$1 + ` + strings.Repeat("1 + ", i) + `0`
			var n int64
			must(t, d.QueryRow(t.Context(), sql, int64(5)).Scan(&n))
			if n != int64(5+i) {
				t.Fatalf("number %d gave %d", i, n)
			}
		}
	})
}
