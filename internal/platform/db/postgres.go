package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/durwardhq/durward/internal/platform/secret"
)

const (
	// maxStatements bounds the prepared statements that one connection keeps.
	maxStatements = 256
	// readTimeout and txTimeout bound a read and a transaction when the caller's context does not.
	readTimeout = 10 * time.Second
	txTimeout   = 10 * time.Second
	// connectTimeout bounds the making of one connection.
	connectTimeout = 2 * time.Second
	// cancelDelay is how long a statement whose caller has left may still take before the server is asked to end it;
	// cancelWait how long after that the connection is given up.
	cancelDelay = 50 * time.Millisecond
	cancelWait  = time.Second
)

// sessionSettings are what every connection asks of the server. The timeouts end what outlives its caller: a statement
// under way when this process dies, a transaction whose client is gone.
var sessionSettings = map[string]string{
	"application_name":                    "durward",
	"TimeZone":                            "UTC",
	"default_transaction_isolation":       "read committed",
	"statement_timeout":                   strconv.FormatInt(readTimeout.Milliseconds(), 10),
	"idle_in_transaction_session_timeout": strconv.FormatInt((txTimeout + 5*time.Second).Milliseconds(), 10),
}

// postgresEngine is a PostgreSQL server behind a small pool of connections.
type postgresEngine struct {
	d      *DB
	config *pgxpool.Config
	pool   *pgxpool.Pool
	counts writeCounts
}

// openPostgres reads the URL and makes the pool. Connections are made when they are needed.
func openPostgres(ctx context.Context, d *DB, address secret.String) (engine, error) {
	config, err := postgresConfig(address, d.options.MaxConns)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, errors.New("the pool of connections cannot be made from these settings")
	}
	return &postgresEngine{d: d, config: config, pool: pool}, nil
}

// postgresConfig reads the URL. The errors of net/url and pgx quote what they could not read, which may be a part of
// the password, so that they are not passed on.
func postgresConfig(address secret.String, maxConns int) (*pgxpool.Config, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return nil, errors.New("it cannot be read: want `postgres://user:password@host:port/name?sslmode=…`, " +
			"with special characters of user and password percent-encoded (`#` is `%23`, `/` is `%2F`)")
	}
	if u.Opaque != "" || !strings.HasPrefix(address.Reveal(), u.Scheme+"://") {
		return nil, fmt.Errorf("`%s:` must be followed by `//`", u.Scheme)
	}
	config, err := pgxpool.ParseConfig(address.Reveal())
	if err != nil {
		return nil, fmt.Errorf("the host, the port or a parameter after `?` is not valid; parameters given: %s",
			parameterNames(u.Query()))
	}
	tune(config, maxConns, u.Query().Has("pool_max_conns"))
	return config, nil
}

// parameters are those that an error may name. Anything else may be a part of a password that holds a `?`.
var parameters = []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name",
	"target_session_attrs", "search_path", "pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime",
	"pool_max_conn_idle_time", "pool_health_check_period"}

// parameterNames tells which parameters were given, without their values.
func parameterNames(given url.Values) string {
	var names []string
	for _, name := range parameters {
		if given.Has(name) {
			names = append(names, name)
		}
	}
	if others := len(given) - len(names); others > 0 {
		names = append(names, fmt.Sprintf("%d more", others))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// tune sets what the URL leaves open.
func tune(config *pgxpool.Config, maxConns int, bounded bool) {
	switch {
	case maxConns > 0:
		config.MaxConns = int32(min(maxConns, 1000))
	case !bounded:
		config.MaxConns = int32(max(4, 4*runtime.GOMAXPROCS(0)))
	}
	config.PingTimeout = connectTimeout
	conn := config.ConnConfig
	if conn.ConnectTimeout == 0 || conn.ConnectTimeout > connectTimeout {
		conn.ConnectTimeout = connectTimeout
	}
	conn.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	conn.StatementCacheCapacity = maxStatements
	for name, value := range sessionSettings {
		if _, given := conn.RuntimeParams[name]; !given {
			conn.RuntimeParams[name] = value
		}
	}
	conn.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c,
			CancelRequestDelay: cancelDelay, DeadlineDelay: cancelDelay + cancelWait}
	}
	config.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		timesInUTC(c)
		return nil
	}
}

// timesInUTC makes the driver give times in UTC instead of the process's zone.
func timesInUTC(c *pgx.Conn) {
	c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
}

func (e *postgresEngine) kind() Engine { return Postgres }

// acquire takes a connection from the pool, for which it waits as long as ctx and acquireTimeout allow.
func (e *postgresEngine) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := e.pool.Acquire(waiting)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, unavailable(fmt.Errorf("db: no connection: %w", err))
}

// query implements reader.
func (e *postgresEngine) query(ctx context.Context, sql string, args []any) (Rows, error) {
	conn, err := e.acquire(ctx)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	rows, err := conn.Query(bounded, sql, args...)
	if err != nil {
		err = postgresError(err, ctx.Err(), conn.Conn().IsClosed())
		cancel()
		conn.Release()
		return nil, err
	}
	return &postgresRows{Rows: rows, ctx: ctx, conn: conn, cancel: cancel}, nil
}

// queryRow implements reader.
func (e *postgresEngine) queryRow(ctx context.Context, sql string, args []any, dest []any) error {
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = conn.QueryRow(bounded, sql, args...).Scan(dest...)
	return postgresError(noRows(err), ctx.Err(), conn.Conn().IsClosed())
}

// noRows turns pgx's "no rows" into ours, which it only wraps.
func noRows(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNoRows
	}
	return err
}

// postgresRows are the rows of a read, which give the connection back when they are closed.
type postgresRows struct {
	pgx.Rows
	ctx    context.Context
	conn   *pgxpool.Conn
	cancel context.CancelFunc
	err    error
}

// Next implements Rows.
func (r *postgresRows) Next() bool {
	if r.conn != nil && r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Err implements Rows.
func (r *postgresRows) Err() error { return r.err }

// Close implements Rows.
func (r *postgresRows) Close() {
	if r.conn == nil {
		return
	}
	r.Rows.Close()
	r.err = postgresError(r.Rows.Err(), r.ctx.Err(), r.conn.Conn().IsClosed())
	r.cancel()
	r.conn.Release()
	r.conn = nil
}

// ping implements reader.
func (e *postgresEngine) ping(ctx context.Context) error {
	conn, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return conn.Ping(ctx)
}

// stats implements reader.
func (e *postgresEngine) stats() Stats {
	pool := e.pool.Stat()
	s := Stats{
		Engine:   Postgres,
		MaxConns: int(pool.MaxConns()), Open: int(pool.TotalConns()), Idle: int(pool.IdleConns()),
		InUse: int(pool.AcquiredConns()), Waits: pool.EmptyAcquireCount(), WaitTime: pool.EmptyAcquireWaitTime(),
	}
	s.Groups = e.counts.commits.Load()
	s.Grouped = s.Groups
	s.Retries = e.counts.retries.Load()
	return s
}

// close waits for the connections in use.
func (e *postgresEngine) close() error {
	e.pool.Close()
	return nil
}
