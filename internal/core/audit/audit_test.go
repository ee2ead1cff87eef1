package audit

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/golden"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func newLog(t *testing.T, d *db.DB) *Log {
	t.Helper()
	box, err := secret.NewBox(bytes.Repeat([]byte{7}, secret.MasterKeyLen))
	if err != nil {
		t.Fatal(err)
	}
	return New(d, box)
}

var alice = ident.Actor{
	Kind: ident.ActorUser, User: 1, Session: "ses_1", Request: "req_1",
	Address: netip.MustParseAddr("198.51.100.7"), Device: "Tester/1.0 (\"quoted\", ünï)",
}

func TestInTx_TheEventIsReadBackWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		log := newLog(t, d)
		var want Event
		value, err := InTx(t.Context(), log, alice, SessionEnded,
			func(_ context.Context, _ *db.Tx, e *Event) (string, error) {
				e.Subject, e.Reason = 1, "sign_out"
				e.Detail("sessions", "2")
				e.Detail("a", "\"b\"\n")
				want = *e
				return "done", nil
			})
		if err != nil || value != "done" {
			t.Fatalf("%q, %v", value, err)
		}
		entries, err := log.OfSubject(t.Context(), d, 1, 1<<62, 10)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		got := entries[0]
		if !got.Intact || got.Forgotten || got.Seq < 1 {
			t.Errorf("entry %+v", got)
		}
		want.Actor.Session = "" // the session stands in the event's own field
		if diff := cmp.Diff(want, got.Event, cmpopts.IgnoreUnexported(Event{}), cmp.Comparer(netipEqual)); diff != "" {
			t.Errorf("-written +read:\n%s", diff)
		}
		if log.Count(SessionEnded, Success) != 1 || log.Count(SessionEnded, Refused) != 0 {
			t.Error("counted wrongly")
		}
	})
}

func netipEqual(a, b netip.Addr) bool { return a == b }

func TestInTx_ARefusalCommitsAndAFailureDoesNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		log := newLog(t, d)
		act := func(refuse bool, fail error) error {
			_, err := InTx(t.Context(), log, alice, SessionStarted,
				func(ctx context.Context, tx *db.Tx, e *Event) (bool, error) {
					e.Subject = 1
					if refuse {
						e.Refuse("password_wrong")
					}
					return true, fail
				})
			return err
		}
		boom := errors.New("boom")
		if err := act(false, boom); !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		if err := act(true, nil); err != nil {
			t.Fatal(err)
		}
		entries, err := log.OfSubject(t.Context(), d, 1, 1<<62, 10)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries, %v; want the refusal alone", len(entries), err)
		}
		if e := entries[0].Event; e.Outcome != Refused || e.Reason != "password_wrong" {
			t.Errorf("got %+v", e)
		}
	})
}

func TestInTx_AMootEventLeavesNoRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		log := newLog(t, d)
		_, err := InTx(t.Context(), log, alice, RefreshReused, func(_ context.Context, _ *db.Tx, e *Event) (bool, error) {
			e.Subject = 1
			e.Moot()
			return false, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, "audit_events"); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestCounted_AddsNoRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		log := newLog(t, d)
		_, err := Counted(t.Context(), log, time.Now(), SessionRefreshed,
			func(ctx context.Context, tx *db.Tx) (int64, error) {
				return tx.Exec(ctx, `UPDATE sessions SET rotation = 1 WHERE id = 'none'`)
			})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, "audit_events"); n != 0 || log.Count(SessionRefreshed, Success) != 1 {
			t.Errorf("%d rows, counted %d", n, log.Count(SessionRefreshed, Success))
		}
	})
}

func TestPersonalFields_AreNotReadableInTheTableAndGoWithTheKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		log := newLog(t, d)
		for range 2 {
			_, err := InTx(t.Context(), log, alice, SessionStarted, func(_ context.Context, _ *db.Tx, e *Event) (int, error) {
				e.Subject = 1
				return 0, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, d, "subject_keys"); n != 1 {
			t.Errorf("%d keys for one subject", n)
		}
		var sealed []byte
		var details string
		err := d.QueryRow(t.Context(), `SELECT sealed, details FROM audit_events ORDER BY seq LIMIT 1`).Scan(&sealed, &details)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(sealed, []byte("198.51.100.7")) || strings.Contains(details, "198.51.100.7") {
			t.Error("the address stands in the clear")
		}
		execute(t, d, `DELETE FROM subject_keys WHERE subject = 'user:1'`)
		entries, err := log.OfSubject(t.Context(), d, 1, 1<<62, 10)
		if err != nil || len(entries) != 2 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		for _, e := range entries {
			if !e.Forgotten || !e.Intact || e.Event.Actor.Address.IsValid() || e.Event.Actor.Device != "" {
				t.Errorf("after the key is gone: %+v", e)
			}
		}
	})
}

func TestOfSubject_AnAlteredRowIsNotIntact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		log := newLog(t, d)
		_, err := InTx(t.Context(), log, alice, SessionStarted, func(_ context.Context, _ *db.Tx, e *Event) (int, error) {
			e.Subject = 1
			e.Refuse("password_wrong")
			return 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		execute(t, d, `UPDATE audit_events SET outcome = 'success'`)
		entries, err := log.OfSubject(t.Context(), d, 1, 1<<62, 10)
		if err != nil || len(entries) != 1 || entries[0].Intact {
			t.Errorf("%+v, %v", entries, err)
		}
	})
}

func TestOfSubject_PagesFromTheNewest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		log := newLog(t, d)
		for range 5 {
			_, err := InTx(t.Context(), log, alice, SessionStarted, func(_ context.Context, _ *db.Tx, e *Event) (int, error) {
				e.Subject = 1
				return 0, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		before, seen := int64(1<<62), 0
		for {
			page, err := log.OfSubject(t.Context(), d, 1, before, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				if e.Seq >= before {
					t.Errorf("%d after %d", e.Seq, before)
				}
				before = e.Seq
				seen++
			}
		}
		if seen != 5 {
			t.Errorf("saw %d of 5", seen)
		}
	})
}

func TestCanonical_TheBytesAreFrozen(t *testing.T) {
	e := &Event{
		ID: "evt_0123456789abcdefghjkmnpqrs", At: time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC), Type: SessionStarted,
		Outcome: Refused, Reason: "password_wrong", Actor: alice, Subject: 1, Session: "ses_1", Client: ident.FirstParty,
		Details: map[string]string{"z": "1", "a": "two\nlines", "ü": "\u2028"},
	}
	details, err := e.detailsText()
	if err != nil {
		t.Fatal(err)
	}
	got, err := canonical(e, details, e.keySubject(), []byte{0, 1, 254})
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/canonical.golden", string(got)) // stored digests would become false
}

func TestKeySubject_StrangersShareADay(t *testing.T) {
	e := &Event{At: time.Date(2026, 1, 2, 23, 59, 59, 0, time.UTC)}
	if got := e.keySubject(); got != "day:2026-01-02" {
		t.Errorf("got %s", got)
	}
	e.Subject = 12
	if got := e.keySubject(); got != "user:12" {
		t.Errorf("got %s", got)
	}
}

func TestKeyCache_IsBounded(t *testing.T) {
	log := newLog(t, nil)
	for i := range 2 * keyCacheSize {
		log.keys.put(userSubject(ident.UserID(i)), nil)
	}
	if n := len(log.keys.known); n != keyCacheSize {
		t.Errorf("%d keys held, want %d", n, keyCacheSize)
	}
}

func count(t *testing.T, d *db.DB, table string) (n int) {
	t.Helper()
	if err := d.QueryRow(t.Context(), `SELECT count(1) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func execute(t *testing.T, d *db.DB, sql string) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) { return tx.Exec(ctx, sql) })
	if err != nil {
		t.Fatal(err)
	}
}
