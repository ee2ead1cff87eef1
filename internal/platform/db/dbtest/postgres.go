package dbtest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// serverVariable names the environment variable that holds the server's URL. Its user must be able to make databases.
const serverVariable = "TEST_POSTGRES_URL"

// templateLock is the advisory lock of the processes that would make the same template at the same moment.
const templateLock = 0x74656d706c617465

// patience bounds the making and dropping of databases on a busy machine.
const patience = time.Minute

var errNoServer = errors.New(serverVariable + " is not set, and nothing is tested without PostgreSQL: run ./test, " +
	"which starts a private server, or set it to the URL of a server whose user may create databases")

// server is the pool of connections to the server itself, made once a test binary. It is never closed: it serves the
// clean-up of the last test.
var server = sync.OnceValues(func() (*pgxpool.Pool, error) {
	address := os.Getenv(serverVariable)
	if address == "" {
		return nil, errNoServer
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("%s is not a PostgreSQL URL", serverVariable)
	}
	config.MaxConns = 4
	return pgxpool.NewWithConfig(context.Background(), config) // outlives any one test
})

func pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	p, err := server()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// postgresURL makes a database from a template.
func postgresURL(t testing.TB, template string) secret.String {
	t.Helper()
	name := "durward_test_" + hex.EncodeToString(secret.Bytes(8))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := pool(t).Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("make a test database: %v", err)
	}
	t.Cleanup(func() { drop(t, name) })
	return secret.New(databaseURL(name))
}

// drop removes a database. The test's own context is over by then.
func drop(t testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if _, err := pool(t).Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		t.Errorf("drop the test database %s: %v", name, err)
	}
}

// databaseURL is the server's URL with another database.
func databaseURL(name string) string {
	u, err := url.Parse(os.Getenv(serverVariable))
	if err != nil {
		return "" // the pool was made from the same URL
	}
	u.Path = "/" + name
	return u.String()
}

var (
	templateOnce sync.Once
	templateName string
	errTemplate  error
)

// migratedTemplate gives the name of a migrated database to copy. It is made once for all test binaries that share the
// server and the migrations.
func migratedTemplate(t testing.TB) string {
	t.Helper()
	p := pool(t)
	templateOnce.Do(func() { templateName, errTemplate = makeTemplate(context.WithoutCancel(t.Context()), p) })
	if errTemplate != nil {
		t.Fatalf("make the template of PostgreSQL databases: %v", errTemplate)
	}
	return templateName
}

// makeTemplate makes the template under a lock, unless it is there already. It gets its name last, when it is whole.
func makeTemplate(ctx context.Context, p *pgxpool.Pool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	digest, err := db.SchemaDigest(db.Postgres)
	if err != nil {
		return "", err
	}
	name := "durward_template_" + digest[:16]
	conn, err := p.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", err
	}
	defer conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", templateLock)
	var there bool
	err = conn.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_database WHERE datname = $1", name).Scan(&there)
	if err != nil || there {
		return name, err
	}
	return name, build(ctx, conn.Conn(), name)
}

// build makes, migrates and names the template. Nobody may connect to it afterwards: a copy would have to wait.
func build(ctx context.Context, conn *pgx.Conn, name string) error {
	draft := name + "_draft"
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + draft + " WITH (FORCE)",
		"CREATE DATABASE " + draft + " TEMPLATE template0"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := migrate(databaseURL(draft)); err != nil {
		return err
	}
	for _, sql := range []string{"ALTER DATABASE " + draft + " ALLOW_CONNECTIONS false",
		"ALTER DATABASE " + draft + " RENAME TO " + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// migrate opens a database, brings it to the newest schema, and closes it.
func migrate(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience) // made once, for tests that come and go
	defer cancel()
	d, err := db.Open(ctx, secret.New(address), db.Options{})
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}
