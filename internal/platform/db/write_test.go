package db_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

var errRefused = errors.New("refused")

func TestWrite_GivesTheValueOnceItIsCommitted(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		got, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (text string, err error) {
			if n, err := tx.Exec(ctx, addNote, 1, "one"); err != nil || n != 1 {
				return "", fmt.Errorf("%d rows, %w", n, err)
			}
			if seen := texts(t, d); len(seen) != 0 {
				t.Errorf("others see %v before the commit", seen)
			}
			if seen := list(t, tx, `SELECT text FROM notes`); !slices.Equal(seen, []string{"one"}) {
				t.Errorf("the transaction sees %v of its own", seen)
			}
			err = tx.QueryRow(ctx, `UPDATE notes SET text = $1 WHERE id = $2 RETURNING text`, "two", 1).Scan(&text)
			return text, err
		})
		must(t, err)
		if seen := texts(t, d); got != "two" || !slices.Equal(seen, []string{"two"}) {
			t.Errorf("got %q and notes %v", got, seen)
		}
	})
}

func TestWrite_AnErrorRollsBackAndComesBackAsItIs(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		got, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
			if _, err := tx.Exec(ctx, addNote, 1, "one"); err != nil {
				return 0, err
			}
			return 7, errRefused
		})
		if got != 0 || !errors.Is(err, errRefused) || len(texts(t, d)) != 0 {
			t.Errorf("got %d, %v and notes %v", got, err, texts(t, d))
		}
		must(t, execute(t.Context(), d, addNote, 1, "one"))
	})
}

func TestWrite_APanicComesBackToItsCallerAndTheWriterLivesOn(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		value := panicOf(func() {
			_, _ = db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
				rows, err := tx.Query(ctx, `SELECT name FROM roles`)
				if err == nil && rows.Next() {
					panic("boom")
				}
				return 0, err
			})
		})
		if p, ok := value.(*db.Panic); ok {
			if !strings.Contains(p.Error(), "write_test.go") {
				t.Errorf("the panic does not tell where it came from: %v", p)
			}
			value = p.Value
		}
		if value != "boom" {
			t.Errorf("the caller's panic is %v, want boom", value)
		}
		must(t, execute(t.Context(), d, addNote, 1, "one"))
	})
}

func panicOf(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

func TestWrite_AClosureThatEndsItsGoroutineStopsNobodyElse(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		ended := make(chan error, 1)
		go func() {
			err := errors.New("ended")
			defer func() { ended <- err }()
			_, err = db.Write(t.Context(), d, func(context.Context, *db.Tx) (int, error) {
				runtime.Goexit()
				return 0, nil
			})
		}()
		if receive(t, ended) == nil {
			t.Error("a write that never returned succeeded")
		}
		must(t, execute(t.Context(), d, addNote, 1, "one"))
	})
}

func TestWrite_AStatementThatFailedIsNotCommittedAround(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		must(t, execute(t.Context(), d, addNote, 1, "one"))
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
			if _, err := tx.Exec(ctx, addNote, 2, "two"); err != nil {
				return 0, err
			}
			_, _ = tx.Exec(ctx, addNote, 3, "one") // breaks a constraint, and the closure does not care
			return 0, nil
		})
		if !db.IsUnique(err) || !slices.Equal(texts(t, d), []string{"one"}) {
			t.Errorf("got %v and notes %v, want the constraint's error and no second note", err, texts(t, d))
		}
	})
}

func TestWrite_ChangesEveryRowThoughOnlyTheFirstIsRead(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		must(t, execute(t.Context(), d, `INSERT INTO notes (id, text) VALUES (1, 'a'), (2, 'b'), (3, 'c')`))
		change := `UPDATE notes SET text = text || '!' RETURNING text`
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
			if err := tx.QueryRow(ctx, change).Scan(new(string)); err != nil {
				return 0, err
			}
			rows, err := tx.Query(ctx, change)
			if err != nil {
				return 0, err
			}
			rows.Next()
			rows.Close()
			return 0, rows.Err()
		})
		must(t, err)
		if got := texts(t, d); !slices.Equal(got, []string{"a!!", "b!!", "c!!"}) {
			t.Errorf("the notes are %v", got)
		}
	})
}

func TestWrite_AForeignKeyIsCheckedThoughOnlyTheFirstRowIsRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Offset) {
		grant := `INSERT INTO user_roles (user_id, role, granted_at) VALUES (1, 'admin', $1) RETURNING role`
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
			return 0, tx.QueryRow(ctx, grant, tx.Now()).Scan(new(string))
		})
		if err == nil || db.IsUnique(err) {
			t.Errorf("a row gave %v, want the foreign key's error", err)
		}
		_, err = db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int, error) {
			rows, err := tx.Query(ctx, grant, tx.Now())
			if err == nil {
				rows.Next()
				rows.Close()
			}
			return 0, err // though Err tells
		})
		if err == nil || db.IsUnique(err) {
			t.Errorf("a query gave %v, want the foreign key's error", err)
		}
	})
}

func TestWrite_OpenRowsAreAnErrorOnBothEngines(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		for name, fn := range map[string]func(ctx context.Context, tx *db.Tx) (int, error){
			"another statement": func(ctx context.Context, tx *db.Tx) (int, error) {
				rows, err := tx.Query(ctx, `SELECT name FROM roles`)
				if err != nil {
					return 0, err
				}
				defer rows.Close()
				_, err = tx.Exec(ctx, addNote, 1, "one")
				return 0, err
			},
			"the end": func(ctx context.Context, tx *db.Tx) (int, error) {
				_, err := tx.Query(ctx, `SELECT name FROM roles`)
				return 0, err
			},
		} {
			if _, err := db.Write(t.Context(), d, fn); err == nil || !strings.Contains(err.Error(), "still open") {
				t.Errorf("%s: got %v, want an error about open rows", name, err)
			}
			must(t, execute(t.Context(), d, `DELETE FROM notes`))
		}
	})
}

func TestWrite_ATxIsOfNoUseAfterwards(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		kept, err := db.Write(t.Context(), d, func(_ context.Context, tx *db.Tx) (*db.Tx, error) { return tx, nil })
		must(t, err)
		if _, err := kept.Exec(t.Context(), addNote, 1, "one"); err == nil {
			t.Error("a transaction that is over wrote")
		}
	})
}

func TestWrite_TheDatabaseInsideItsOwnTransactionIsAnErrorNotADeadlock(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{MaxConns: 1})
		for name, use := range map[string]func(ctx context.Context) error{
			"Write":    func(ctx context.Context) error { return execute(ctx, d, "DELETE FROM roles") },
			"QueryRow": func(ctx context.Context) error { return d.QueryRow(ctx, "SELECT 1").Scan(new(int64)) },
			"Query": func(ctx context.Context) error {
				_, err := d.Query(ctx, "SELECT 1")
				return err
			},
			"Once": func(ctx context.Context) error {
				_, err := db.Once(ctx, d, time.Time{}, func(context.Context, *db.Tx) (int, error) { return 0, nil })
				return err
			},
		} {
			_, err := db.Write(t.Context(), d, func(ctx context.Context, _ *db.Tx) (int, error) { return 0, use(ctx) })
			if err == nil || !strings.Contains(err.Error(), "use the Tx") {
				t.Errorf("%s: got %v, want an error that says to use the Tx", name, err)
			}
		}
	})
}

func TestWrite_InsideAnotherByTheCallersContextEndsWithThatContext(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{MaxConns: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := db.Write(ctx, d, func(context.Context, *db.Tx) (int, error) {
			return 0, execute(ctx, d, `DELETE FROM roles`) // cannot be told from another caller's
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		must(t, execute(t.Context(), d, `DELETE FROM sessions`))
	})
}

func TestWrite_AnotherDatabaseMayBeReadInside(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	other, _ := dbtest.Postgres(t)
	n, err := db.Write(t.Context(), d, func(ctx context.Context, _ *db.Tx) (n int64, err error) {
		err = other.QueryRow(ctx, "SELECT count(name) FROM roles").Scan(&n)
		return n, err
	})
	if err != nil || n != 3 {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestWrite_ACallerThatHasLeftAlreadyWritesNothing(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := execute(ctx, d, addNote, 1, "one"); !errors.Is(err, context.Canceled) || len(texts(t, d)) != 0 {
			t.Errorf("got %v and notes %v", err, texts(t, d))
		}
		if err := d.QueryRow(ctx, "SELECT 1").Scan(new(int64)); !errors.Is(err, context.Canceled) {
			t.Errorf("a read gave %v, want context.Canceled", err)
		}
	})
}

func TestWrite_ACallerThatLeavesDoesNotInterruptWhatRuns(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		ctx, leave := context.WithCancel(t.Context())
		err := func() error {
			_, err := db.Write(ctx, d, func(inner context.Context, tx *db.Tx) (int, error) {
				leave()
				if inner.Err() != nil {
					t.Error("the closure's context ended with its caller")
				}
				// The caller's own context, which a closure might use by mistake.
				if _, err := tx.Exec(ctx, addNote, 1, "one"); err != nil {
					return 0, err
				}
				return 0, tx.QueryRow(ctx, `SELECT id FROM notes`).Scan(new(int64))
			})
			return err
		}()
		if d.Engine() == db.Postgres {
			must(t, err)
		} else if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled or nothing", err)
		}
		until(t, "the note", func() bool { return slices.Equal(texts(t, d), []string{"one"}) })
	})
}

func TestWrite_ManyCallersLoseNoUpdate(t *testing.T) {
	scratch(t, func(t *testing.T, d *db.DB) {
		must(t, execute(t.Context(), d, `INSERT INTO notes (id, text, number) VALUES (1, 'counter', 0)`))
		const callers, each = 16, 25
		var seen sync.Map
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range each {
					n, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (n int64, err error) {
						err = tx.QueryRow(ctx,
							`UPDATE notes SET number = number + 1 WHERE id = 1 RETURNING number`).Scan(&n)
						return n, err
					})
					if err != nil {
						t.Error(err)
					}
					seen.Store(n, true)
				}
			})
		}
		all.Wait()
		var n int64
		must(t, d.QueryRow(t.Context(), `SELECT number FROM notes WHERE id = 1`).Scan(&n))
		_, last := seen.Load(n)
		if n != callers*each || !last {
			t.Errorf("the counter is at %d after %d updates", n, callers*each)
		}
	})
}

func TestWrite_TheObserverSeesEveryStatement(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		var mu sync.Mutex
		var seen []string
		d := dbtest.Open(t, url, db.Options{Observe: func(sql string) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, sql)
		}})
		must(t, execute(t.Context(), d, "DELETE FROM sessions"))
		must(t, d.QueryRow(t.Context(), "SELECT count(id) FROM users").Scan(new(int64)))
		_, err := db.Write(t.Context(), d, func(context.Context, *db.Tx) (int, error) { return 0, errRefused })
		if !errors.Is(err, errRefused) {
			t.Error(err)
		}
		begin := map[db.Engine]string{db.SQLite: "BEGIN IMMEDIATE", db.Postgres: "BEGIN"}[d.Engine()]
		want := []string{begin, "DELETE FROM sessions", "COMMIT", "SELECT count(id) FROM users", begin, "ROLLBACK"}
		mu.Lock()
		defer mu.Unlock()
		if !reflect.DeepEqual(seen, want) {
			t.Errorf("saw %q, want %q", seen, want)
		}
	})
}
