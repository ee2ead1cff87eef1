package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// childVariable makes this test binary a process that writes for ever: "URL first-id".
const childVariable = "DURWARD_DB_TEST_CHILD"

func TestMain(m *testing.M) {
	if task := os.Getenv(childVariable); task != "" {
		if err := writeForEver(task); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeForEver adds notes and prints the id of each once it is acknowledged.
func writeForEver(task string) error {
	url, first, _ := strings.Cut(task, " ")
	start, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	d, err := db.Open(context.Background(), secret.New(url), db.Options{})
	if err != nil {
		return err
	}
	const callers = 8
	failed := make(chan error)
	for c := range callers {
		go func() {
			for i := start + c; ; i += callers {
				if err := execute(context.Background(), d, addNote, i, fmt.Sprint(i)); err != nil {
					failed <- err
				}
				fmt.Println(i) // one write of the system: nothing is kept back in a buffer
			}
		}()
	}
	return <-failed
}

// child is a writing process. seen is what it acknowledged.
type child struct {
	cmd  *exec.Cmd
	out  *bufio.Scanner
	seen []string
}

func startChild(t *testing.T, url secret.String, first int) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", childVariable, url.Reveal(), first))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // says "finished" when the test did it
	return &child{cmd: cmd, out: bufio.NewScanner(out)}
}

// read takes n more acknowledgements, or all that there are.
func (c *child) read(n int) {
	for ; n != 0 && c.out.Scan(); n-- {
		c.seen = append(c.seen, c.out.Text())
	}
}

// kill ends the process as a power cut would, and reads what it still had said.
func (c *child) kill(t *testing.T) {
	t.Helper()
	must(t, c.cmd.Process.Kill())
	c.read(-1)
	_ = c.cmd.Wait() // says "killed"
}

func TestSQLite_WhatWasAcknowledgedIsThereAfterKill9(t *testing.T) {
	url := dbtest.URL(t, db.SQLite)
	prepare, err := db.Open(t.Context(), url, db.Options{})
	must(t, err)
	makeNotes(t, prepare)
	must(t, prepare.Close())

	const rounds, enough = 3, 300
	var acknowledged []string
	for round := range rounds {
		one, two := startChild(t, url, round*2_000_000), startChild(t, url, round*2_000_000+1_000_000)
		var both sync.WaitGroup
		both.Go(func() { one.read(enough) })
		both.Go(func() { two.read(enough) })
		both.Wait()
		one.kill(t)
		two.read(enough) // goes on without the other
		two.kill(t)
		if len(one.seen) < enough || len(two.seen) < 2*enough {
			t.Fatalf("the processes acknowledged %d and %d writes only", len(one.seen), len(two.seen))
		}
		acknowledged = append(append(acknowledged, one.seen...), two.seen...)
	}
	d := dbtest.Open(t, url, db.Options{})
	there := map[string]bool{}
	for _, text := range texts(t, d) {
		there[text] = true
	}
	lost := 0
	for _, id := range acknowledged {
		if !there[id] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged writes are lost", lost, len(acknowledged))
	}
	var sound string
	must(t, d.QueryRow(t.Context(), "PRAGMA integrity_check").Scan(&sound))
	if sound != "ok" {
		t.Errorf("the file is not sound: %s", sound)
	}
}

func TestPostgres_AServerThatStopsIsUnavailableAndComesBackByItself(t *testing.T) {
	server := dbtest.StartServer(t)
	d := dbtest.Open(t, server.URL(), db.Options{MaxConns: 3})
	must(t, d.Migrate(t.Context()))
	makeNotes(t, d)

	inside, stopped := make(chan struct{}), make(chan struct{})
	during := make(chan error, 1)
	go func() {
		_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
			close(inside)
			<-stopped
			return tx.Exec(ctx, addNote, 1, "never")
		})
		during <- err
	}()
	receive(t, inside)
	for round := range 2 {
		server.Stop()
		for what, use := range uses(t, d) {
			if err := use(); !isUnavailable(err) {
				t.Errorf("while it was away, %s gave %v, want database_unavailable", what, err)
			}
		}
		if round == 0 {
			close(stopped)
			if err := receive(t, during); !isUnavailable(err) {
				t.Errorf("the transaction under way gave %v, want database_unavailable", err)
			}
		}
		server.Start()
		until(t, "the recovery", func() bool { return d.Ping(t.Context()) == nil })
		for what, use := range uses(t, d) {
			if err := use(); err != nil {
				t.Errorf("when it was back, %s gave %v", what, err)
			}
		}
	}
	if got := texts(t, d); len(got) != 0 {
		t.Errorf("the notes are %v", got)
	}
}

// uses are the ways to use a database of notes.
func uses(t *testing.T, d *db.DB) map[string]func() error {
	return map[string]func() error{
		"a ping":     func() error { return d.Ping(t.Context()) },
		"a row":      func() error { return d.QueryRow(t.Context(), `SELECT count(id) FROM notes`).Scan(new(int64)) },
		"a write":    func() error { return execute(t.Context(), d, `DELETE FROM notes`) },
		"the status": func() error { _, err := d.Status(t.Context()); return err },
		"a query": func() error {
			rows, err := d.Query(t.Context(), `SELECT id FROM notes`)
			if err != nil {
				return err
			}
			rows.Next()
			rows.Close()
			return rows.Err()
		},
		"a single write": func() error {
			_, err := db.Once(t.Context(), d, time.Now(), func(ctx context.Context, tx *db.Tx) (int64, error) {
				return tx.Exec(ctx, `DELETE FROM notes WHERE id = $1`, 7)
			})
			return err
		},
	}
}

func TestSQLite_AFileThatIsGoneIsUnavailableAndComesBackByItself(t *testing.T) {
	url := dbtest.URL(t, db.SQLite)
	path := strings.TrimPrefix(url.Reveal(), "sqlite:")
	d := dbtest.Open(t, url, db.Options{})
	makeNotes(t, d)
	away := func(when string) {
		t.Helper()
		until(t, "somebody to notice", func() bool { return isUnavailable(d.Ping(t.Context())) })
		for what, use := range uses(t, d) {
			if err := use(); !isUnavailable(err) {
				t.Errorf("%s, %s gave %v, want database_unavailable", when, what, err)
			}
		}
	}

	must(t, os.Rename(path, path+".away"))
	away("while the file was away")
	must(t, os.Rename(path+".away", path))
	must(t, d.Ping(t.Context()))
	for what, use := range uses(t, d) {
		if err := use(); err != nil {
			t.Errorf("when the file was back, %s gave %v", what, err)
		}
	}

	must(t, os.Remove(path))
	must(t, os.WriteFile(path, nil, 0o600))
	away("with another file in its place")
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("the other file was touched: %v, %v", info, err)
	}
}

func TestSQLite_AWriteToAFileDeletedMeanwhileIsNotAcknowledged(t *testing.T) {
	url := dbtest.URL(t, db.SQLite)
	d := dbtest.Open(t, url, db.Options{})
	makeNotes(t, d)
	_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (int64, error) {
		if err := os.Remove(strings.TrimPrefix(url.Reveal(), "sqlite:")); err != nil {
			return 0, err
		}
		return tx.Exec(ctx, addNote, 1, "into the void")
	})
	if !isUnavailable(err) {
		t.Errorf("got %v, want database_unavailable", err)
	}
}

func TestSQLite_AFolderThatCannotBeWrittenIsAClearError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	_, err := db.Open(t.Context(), secret.New("sqlite:"+filepath.Join(file, "durward.db")), db.Options{})
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names %s", err, file)
	}
}

func TestSQLite_AFileOfSomethingElseIsAClearError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	must(t, os.WriteFile(path, []byte(strings.Repeat("Dear reader, this is no database. ", 100)), 0o600))
	_, err := db.Open(t.Context(), secret.New("sqlite:"+path), db.Options{})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}

func TestCheckpoints_KeepTheLogSmallWhileItIsWrittenAndReadAllTheTime(t *testing.T) {
	url := dbtest.URL(t, db.SQLite)
	d, err := db.Open(t.Context(), url, db.Options{})
	must(t, err)
	makeNotes(t, d)
	log := strings.TrimPrefix(url.Reveal(), "sqlite:") + "-wal"

	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				err := d.QueryRow(ctx, `SELECT count(id) FROM notes`).Scan(new(int64))
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
	// So many callers that the writer never rests, and many times what the log may hold before it starts over.
	const callers, pages, each = 64, 6 * db.RestartAt, 2
	page := make([]byte, 4000*each)
	var writers sync.WaitGroup
	for w := range callers {
		writers.Go(func() {
			for i := range pages / each / callers {
				err := execute(t.Context(), d, `INSERT INTO notes (id, text, raw) VALUES ($1, $2, $3)
					ON CONFLICT (id) DO UPDATE SET raw = excluded.raw, number = $4`, w, fmt.Sprint(w), page, i)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()

	info, err := os.Stat(log)
	must(t, err)
	// A write of this test takes up to four pages, two of them its own.
	if most := int64((db.RestartAt + db.MaxAhead*4) * 4096); info.Size() > most {
		t.Errorf("the log grew to %d bytes, want at most %d", info.Size(), most)
	}
	if s := d.Stats(); s.WALPages == 0 {
		t.Error("nobody looked at the log")
	}
	must(t, d.Close())
	if _, err := os.Stat(log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("closing left the log: %v", err)
	}
}
