package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgres is the server that a run uses: a private one, or one whose URL was given.
type postgres struct {
	url     *url.URL
	private *process // nil for a server that was there
}

// settings differ from PostgreSQL's defaults only so that its own housekeeping does not fall into one of the
// measurements: commits wait for the disk as they do in production.
var settings = []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=256MB",
	"max_wal_size=4GB", "checkpoint_timeout=30min", "listen_addresses=127.0.0.1"}

// startPostgres starts a private cluster on a core, or looks at the server that the URL names.
func startPostgres(ctx context.Context, address, dir string, cpu int) (*postgres, error) {
	if address != "" {
		return givenPostgres(address)
	}
	folder := filepath.Join(dir, "postgres")
	as, err := unprivileged(dir, folder)
	if err != nil {
		return nil, err
	}
	initdb, err := find("initdb")
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	if _, err := output(ctx, as, folder, initdb, "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8",
		"--locale=C"); err != nil {
		return nil, err
	}
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return launch(ctx, as, folder, data, listen, cpu)
}

func launch(ctx context.Context, as *syscall.SysProcAttr, folder, data, listen string, cpu int) (*postgres, error) {
	program, err := find("postgres")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "-D", data, "-p", port, "-k", folder)
	for _, s := range settings {
		cmd.Args = append(cmd.Args, "-c", s)
	}
	cmd.Dir, cmd.SysProcAttr = folder, as
	p, err := begin(cmd, cpu)
	if err != nil {
		return nil, err
	}
	pg := &postgres{private: p, url: &url.URL{Scheme: "postgres", User: url.User("postgres"), Host: listen,
		Path: "/postgres", RawQuery: "sslmode=disable"}}
	if err := pg.ready(ctx); err != nil {
		pg.stop()
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	return pg, nil
}

func (pg *postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if c, err := pgx.Connect(ctx, pg.url.String()); err == nil {
			return c.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pg.private.gone:
			return errors.New("it ended before it answered")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// givenPostgres takes a server on this machine alone: nobody else's is to be loaded.
func givenPostgres(address string) (*postgres, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("--postgres: expected a URL postgres://USER@127.0.0.1:PORT/DATABASE")
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--postgres: %s is not a loopback address; only servers on this machine are measured",
			u.Hostname())
	}
	return &postgres{url: u}, nil
}

// database makes an empty database and gives its URL, and the function that drops it.
func (pg *postgres) database(ctx context.Context) (address string, drop func(), err error) {
	name := "durward_bench_" + rand.Text()[:12]
	if err := pg.execute(ctx, pg.url.String(), `CREATE DATABASE "`+name+`"`); err != nil {
		return "", nil, err
	}
	own := *pg.url
	own.Path = "/" + name
	return own.String(), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := pg.execute(ctx, pg.url.String(), `DROP DATABASE IF EXISTS "`+name+`" WITH (FORCE)`); err != nil {
			fmt.Fprintf(os.Stderr, "bench: drop the database %s: %v\n", name, err)
		}
	}, nil
}

func (pg *postgres) execute(ctx context.Context, address string, statements ...string) error {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// settle does at once what PostgreSQL would else do in the middle of the measurements.
func (pg *postgres) settle(ctx context.Context, address string) error {
	return pg.execute(ctx, address, "VACUUM ANALYZE", "CHECKPOINT")
}

// stop ends a private server. Its data go with the folder of the run.
func (pg *postgres) stop() {
	if pg.private != nil {
		pg.private.end(syscall.SIGINT)
	}
}

// find gives the path of one of PostgreSQL's programs, of the newest version where Debian puts them, else in PATH.
func find(program string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if err == nil && len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: install PostgreSQL's server (apt-get install postgresql), name one "+
			"with --postgres, or measure --engine sqlite alone", program)
	}
	return path, nil
}

// version reads the number in /usr/lib/postgresql/15/bin/postgres; 0 where there is none.
func version(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// unprivileged makes the server's folder, and has its programs run as another user when this is root, as which
// PostgreSQL refuses to run.
func unprivileged(dir, folder string) (*syscall.SysProcAttr, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and neither postgres nor nobody is there: %w", err)
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // that user has to pass through it
		return nil, err
	}
	credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return &syscall.SysProcAttr{Credential: credential}, os.Chown(folder, uid, gid)
}
