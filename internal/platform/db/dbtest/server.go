package dbtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/durwardhq/durward/internal/platform/secret"
)

// Server is a PostgreSQL server of one test's own, which it may stop and start again. Its data last until the test ends.
type Server struct {
	t      testing.TB
	folder string
	port   int
	as     *syscall.SysProcAttr
	run    *exec.Cmd
	log    bytes.Buffer
}

// StartServer makes a server with an empty database and starts it. Its programs are looked for where Debian puts them,
// then in PATH; PostgreSQL does not run as root, so root lets an unprivileged user run it.
func StartServer(t testing.TB) *Server {
	t.Helper()
	// Not t.TempDir, into which an unprivileged user cannot look.
	folder, err := os.MkdirTemp("", "durward-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, folder: folder, port: freePort(t), as: &syscall.SysProcAttr{}}
	t.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	s.unprivileged()
	s.must("initdb", "-D", s.data(), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	s.Start()
	return s
}

// URL names the server's one database.
func (s *Server) URL() secret.String {
	return secret.New(fmt.Sprintf("postgres://postgres:secret@127.0.0.1:%d/postgres?sslmode=disable", s.port))
}

// Start starts the server and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.run = s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	if err := s.run.Start(); err != nil {
		s.t.Fatalf("start PostgreSQL: %v", err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		conn, err := pgx.Connect(ctx, s.URL().Reveal())
		if err == nil {
			tick.Stop()
			_ = conn.Close(ctx) // it answered, which is all that was asked
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("PostgreSQL does not answer: %v\n%s", err, s.log.String())
		}
	}
}

// Stop ends the server at once, as an administrator would in haste: every connection is broken. Stopping a server
// that is stopped does nothing.
func (s *Server) Stop() {
	if s.run == nil {
		return
	}
	if err := s.run.Process.Signal(syscall.SIGINT); err != nil {
		s.t.Errorf("stop PostgreSQL: %v", err)
	}
	_ = s.run.Wait() // the status of a stopped server says nothing
	s.run = nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// must runs a program of PostgreSQL to its end.
func (s *Server) must(program string, args ...string) {
	s.t.Helper()
	if err := s.command(program, args...).Run(); err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, s.log.String())
	}
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(find(s.t, program), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = s.folder, &s.log, &s.log, s.as
	return cmd
}

// find gives the path of a program, of the newest version where there are several.
func find(t testing.TB, program string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program) // the pattern is well-formed
	if len(found) > 0 {
		return slices.Max(found)
	}
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed: run ./test, which installs what is missing, or install PostgreSQL's server", program)
	}
	return path
}

// unprivileged makes the server's programs run as another user when this is root.
func (s *Server) unprivileged() {
	s.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		s.t.Fatalf("neither the user postgres nor nobody exists to run PostgreSQL: %v", err)
	}
	uid, _ := strconv.Atoi(account.Uid) // numbers on every system that has PostgreSQL's sockets
	gid, _ := strconv.Atoi(account.Gid)
	if err := os.Chown(s.folder, uid, gid); err != nil {
		s.t.Fatal(err)
	}
	s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// freePort gives a port that nobody listened on a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
