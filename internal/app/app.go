// Package app wires the server: configuration, database, core, flows, surfaces, listeners, in dependency order, and the
// jobs that run beside them. It is the only place that knows all of them; nothing but cmd imports it.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/core/audit"
	"github.com/durwardhq/durward/internal/core/keyring"
	"github.com/durwardhq/durward/internal/core/password"
	coresession "github.com/durwardhq/durward/internal/core/session"
	"github.com/durwardhq/durward/internal/core/signingkey"
	"github.com/durwardhq/durward/internal/flow/issue"
	"github.com/durwardhq/durward/internal/flow/keys"
	"github.com/durwardhq/durward/internal/flow/manage"
	"github.com/durwardhq/durward/internal/flow/session"
	"github.com/durwardhq/durward/internal/flow/signin"
	"github.com/durwardhq/durward/internal/flow/signup"
	"github.com/durwardhq/durward/internal/flow/upkeep"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// apiPath is the part of our own API's audience behind the public URL.
const apiPath = "/api"

// Options are what tests and commands choose beside the configuration.
type Options struct {
	Logger   *slog.Logger
	Clock    clock.Clock                // the machine's by default
	Progress func(db.MigrationStatus)   // told each migration once it is applied
	Observe  func(sql string)           // told each statement: tests count them
	Ticks    func(time.Duration) Ticker // the jobs' clockwork; real time by default
	// Prepare runs when the App is open and before anything is answered.
	Prepare func(ctx context.Context, a *App) error
}

// App is everything between the database and the listeners.
type App struct {
	Config *config.Config
	Logger *slog.Logger
	DB     *db.DB
	Audit  *audit.Log
	Ring   *signingkey.Ring
	Hasher *password.Hasher

	Signup  *signup.Flow
	Signin  *signin.Flow
	Session *session.Flow
	Manage  *manage.Flow
	Keys    *keys.Flow
	Upkeep  *upkeep.Flow

	ticks func(time.Duration) Ticker
}

// system is the actor of what the server does by itself.
var system = ident.Actor{Kind: ident.ActorSystem}

// Open opens and migrates the database, makes the keys that a first start needs, and wires the flows. Close ends it.
func Open(ctx context.Context, cfg *config.Config, o Options) (_ *App, err error) {
	o = o.withDefaults()
	box, err := masterBox(cfg)
	if err != nil {
		return nil, err
	}
	a := &App{Config: cfg, Logger: o.Logger, ticks: o.Ticks}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.DB, err = OpenDatabase(ctx, cfg, o); err != nil {
		return nil, err
	}
	if err = a.DB.Migrate(ctx); err != nil {
		return nil, fmt.Errorf("the database of DURWARD_DATABASE_URL: %w", err)
	}
	a.Audit = audit.New(a.DB, box)
	if a.Hasher, err = password.New(hashing(cfg)); err != nil {
		return nil, err
	}
	a.Keys = &keys.Flow{DB: a.DB, Audit: a.Audit, Box: box, Algorithm: jwt.Algorithm(cfg.SigningAlgorithm),
		Chosen: cfg.Given("signing_algorithm"),
		Every:  cfg.KeyRotationInterval, Overlap: keyOverlap}
	if err = a.Keys.EnsureFirst(ctx, system); err != nil {
		return nil, err
	}
	if a.Ring, err = signingkey.Open(ctx, a.DB, box, o.Clock, o.Logger); err != nil {
		return nil, err
	}
	codec, err := refreshCodec(ctx, a.DB, a.Keys, box)
	if err != nil {
		return nil, err
	}
	policy, err := passwordPolicy(cfg)
	if err != nil {
		return nil, err
	}
	a.wire(codec, policy)
	return a, nil
}

// keyOverlap is how long a replaced key goes on verifying: the longest life that an access token can be given, whatever
// it is set to here, since another instance or another day may have another setting.
const keyOverlap = 24*time.Hour + time.Minute

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Ticks == nil {
		o.Ticks = realTicks
	}
	return o
}

// OpenDatabase opens the configured database without migrating it.
func OpenDatabase(ctx context.Context, cfg *config.Config, o Options) (*db.DB, error) {
	return db.Open(ctx, cfg.DatabaseURL, db.Options{
		Clock: o.Clock, MaxConns: cfg.DatabaseMaxConnections, Observe: o.Observe, Progress: o.Progress,
	})
}

func (a *App) wire(codec *coresession.Codec, policy *password.Policy) {
	cfg := a.Config
	limits := coresession.Limits{Idle: cfg.SessionIdleTimeout, Absolute: cfg.SessionAbsoluteTimeout}
	issuer := issue.New(issue.Settings{
		Issuer: cfg.PublicURL, Audience: cfg.PublicURL + apiPath, AccessTTL: cfg.AccessTokenTTL,
		ReuseWindow: cfg.RefreshReuseWindow, Sessions: limits,
	}, a.Ring, codec)
	a.Signup = &signup.Flow{DB: a.DB, Audit: a.Audit, Hasher: a.Hasher, Policy: policy}
	a.Signin = &signin.Flow{DB: a.DB, Audit: a.Audit, Hasher: a.Hasher, Issuer: issuer, Logger: a.Logger}
	a.Session = &session.Flow{DB: a.DB, Audit: a.Audit, Issuer: issuer, Verifier: issue.NewVerifier(issuer), Codec: codec}
	a.Manage = &manage.Flow{DB: a.DB, Audit: a.Audit, Hasher: a.Hasher, Policy: policy}
	a.Upkeep = &upkeep.Flow{DB: a.DB, Audit: a.Audit, Limits: limits}
}

// refreshCodec makes the MAC key of refresh tokens at the first start and loads it.
func refreshCodec(ctx context.Context, d *db.DB, k *keys.Flow, box *secret.Box) (*coresession.Codec, error) {
	found, err := keyring.Load(ctx, d, box, keyring.RefreshToken)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if err := k.EnsureSealed(ctx, system, keyring.RefreshToken); err != nil {
			return nil, err
		}
		if found, err = keyring.Load(ctx, d, box, keyring.RefreshToken); err != nil {
			return nil, err
		}
	}
	material := map[uint8][]byte{}
	for _, key := range found {
		material[key.Generation] = key.Material
	}
	return coresession.NewCodec(material)
}

func hashing(cfg *config.Config) password.Config {
	h := cfg.Hash
	return password.Config{
		Scheme: password.Scheme(h.Scheme),
		Argon2: password.Argon2{MemoryKiB: uint32(h.Argon2MemoryKiB), Time: uint32(h.Argon2Iterations),
			Threads: uint32(h.Argon2Parallelism)},
		BcryptCost: h.BcryptCost, Workers: h.Workers, Nice: h.Nice, Queue: h.Queue,
	}
}

func passwordPolicy(cfg *config.Config) (*password.Policy, error) {
	p := cfg.Password
	return password.NewPolicy(password.Rules{MinLength: p.MinLength, RequireUpper: p.Upper, RequireLower: p.Lower,
		RequireDigit: p.Digit, RequireSpecial: p.Special})
}

// Close ends the workers and the database.
func (a *App) Close() error {
	if a.Hasher != nil {
		a.Hasher.Close()
	}
	if a.DB == nil {
		return nil
	}
	if err := a.DB.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}
