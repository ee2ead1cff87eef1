package db_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func TestOpen_RefusesABadURLWithoutItsPassword(t *testing.T) {
	for url, want := range map[string]string{
		"":                                       "want `sqlite:PATH` or `postgres://",
		"mysql://root:hunter2@h/db":              "want `sqlite:PATH` or `postgres://",
		"data/durward.db":                        "want `sqlite:PATH` or `postgres://",
		"sqlite:":                                "lacks the path",
		"sqlite://data/durward.db":               "write `sqlite:data/durward.db`",
		"sqlite::memory:":                        "would lose everything",
		"sqlite:x.db?mode=hunter2":               "it takes no options",
		"sqlite:/dev/null":                       "is not a file",
		"postgres:user:hunter2@h/db":             "must be followed by `//`",
		"postgres://user:hunter2#1@h/db":         "percent-encoded",
		"postgres://user:hunter2/x@h:5432/db":    "percent-encoded",
		"postgres://u:hunter2%zz@h/db":           "percent-encoded",
		"postgres://u:hunter2@h/db?sslmode=on":   "parameters given: sslmode",
		"postgres://u:hunter2@h:99999999/db":     "the host, the port or a parameter",
		"postgres://h/db?password=hunter2&x\x7f": "percent-encoded",
		"postgres://u:5?hunter2@h/d?sslmode=on":  "parameters given: 1 more",
	} {
		_, err := db.Open(t.Context(), secret.New(url), db.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", url, err, want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error holds the password: %v", url, err)
		}
	}
}

func TestOpen_AnUnreachableServerIsUnavailableAndNamesNoPassword(t *testing.T) {
	d := dbtest.Open(t, secret.New("postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable"), db.Options{})
	for what, err := range map[string]error{
		"read":    d.QueryRow(t.Context(), "SELECT 1").Scan(new(int64)),
		"write":   execute(t.Context(), d, "SELECT 1"),
		"migrate": d.Migrate(t.Context()),
		"ping":    d.Ping(t.Context()),
	} {
		if !isUnavailable(err) {
			t.Errorf("%s: got %v, want database_unavailable", what, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the password: %v", what, err)
		}
	}
}

func TestOpen_SQLiteMakesFileAndFolderForTheirOwnerAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "data folder 100%")
	path := filepath.Join(folder, "durward & co.db")
	d := dbtest.Open(t, secret.New("sqlite:"+path), db.Options{})
	must(t, d.Migrate(t.Context()))
	for name, want := range map[string]os.FileMode{
		filepath.Dir(folder): 0o700, folder: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
	} {
		info, err := os.Stat(name)
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 3 {
		t.Errorf("the folder holds %v, want the file, its log and the log's index", entries)
	}
}

func TestOpen_SQLiteTakesARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	dbtest.Open(t, secret.New("sqlite:data/durward.db"), db.Options{})
	if _, err := os.Stat(filepath.Join("data", "durward.db")); err != nil {
		t.Error(err)
	}
}

func TestOpen_SQLiteLeavesTheModeOfAnExistingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "durward.db")
	must(t, os.WriteFile(path, nil, 0o640))
	must(t, os.Chmod(path, 0o640))
	dbtest.Open(t, secret.New("sqlite:"+path), db.Options{})
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode %o, want 640 as it was", info.Mode().Perm())
	}
}

func TestOpen_SQLiteIsDurableAndFollowsForeignKeys(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	for _, writer := range []bool{true, false} {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "wal_autocheckpoint": "0",
			"query_only": map[bool]string{true: "0", false: "1"}[writer],
		} {
			got, err := d.Pragma(t.Context(), writer, pragma)
			if err != nil || got != want {
				t.Errorf("%s (writer: %t) is %q, %v, want %q", pragma, writer, got, err, want)
			}
		}
	}
	if got, err := d.Pragma(t.Context(), false, "busy_timeout"); err != nil || got != "5000" {
		t.Errorf("busy_timeout is %q, %v, want 5000", got, err)
	}
}

func TestOpen_PostgresSessionsAreNamedBoundedAndInUTC(t *testing.T) {
	d, _ := dbtest.Postgres(t)
	for setting, want := range map[string]string{
		"application_name": "durward", "TimeZone": "UTC", "statement_timeout": "10s",
		"idle_in_transaction_session_timeout": "15s", "default_transaction_isolation": "read committed",
	} {
		var got string
		must(t, d.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got))
		if got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
}

func TestReaders_CannotWrite(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	insert := "INSERT INTO roles (name, description) VALUES ('x', 'y') RETURNING name"
	err := d.QueryRow(t.Context(), insert).Scan(new(string))
	if err == nil {
		t.Error("a read wrote")
	}
}

func TestPool_OfOneConnectionServesEverybodyInTurn(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{MaxConns: 1})
		makeNotes(t, d)
		done := make(chan error)
		const callers = 20
		for i := range callers {
			go func() {
				if err := execute(t.Context(), d, addNote, i, string(rune('a'+i))); err != nil {
					done <- err
					return
				}
				var n int64
				done <- d.QueryRow(t.Context(), "SELECT count(id) FROM notes").Scan(&n)
			}()
		}
		for range callers {
			must(t, receive(t, done))
		}
		s := d.Stats()
		if s.MaxConns != 1 || s.Open > 1 || s.InUse != 0 || s.Engine != d.Engine() || s.Grouped < callers {
			t.Errorf("the statistics are %+v", s)
		}
	})
}

func TestPool_RowsLeftOpenMakeTheNextCallerWaitAndThenGiveUp(t *testing.T) {
	t.Parallel() // it mostly waits
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d := dbtest.Open(t, url, db.Options{MaxConns: 1})
		rows, err := d.Query(t.Context(), "SELECT name FROM roles")
		must(t, err)
		if err := d.QueryRow(t.Context(), "SELECT 1").Scan(new(int64)); !isUnavailable(err) {
			t.Errorf("got %v, want database_unavailable", err)
		}
		if s := d.Stats(); s.Waits == 0 || s.InUse != 1 {
			t.Errorf("the statistics are %+v, want a wait and one in use", s)
		}
		rows.Close()
		rows.Close()
		must(t, d.QueryRow(t.Context(), "SELECT 1").Scan(new(int64)))
	})
}

func TestClose_RefusesWhatComesAfter(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url secret.String) {
		d, err := db.Open(t.Context(), url, db.Options{})
		must(t, err)
		must(t, d.Ping(t.Context()))
		must(t, d.Close())
		must(t, d.Close())
		if err := d.Ping(t.Context()); !isUnavailable(err) {
			t.Errorf("ping: got %v, want database_unavailable", err)
		}
		if err := execute(t.Context(), d, "DELETE FROM roles"); !isUnavailable(err) {
			t.Errorf("write: got %v, want database_unavailable", err)
		}
	})
}
