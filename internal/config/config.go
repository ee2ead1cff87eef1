// Package config owns the settings of the server: their names, defaults and documentation, where each value came from,
// and whether all of them together are safe to start with. A setting has one name in three notations (`public_url` in
// the YAML file, DURWARD_PUBLIC_URL in the environment, --public-url as a flag), and a later source wins over an
// earlier one: defaults, file, environment, flags.
//
// Load reads and judges everything once and reports all that is wrong at the same time. It makes nothing: folders, keys
// and databases are left to whoever starts the server. Only the command line and the wiring import this package; every
// other package is given the few values that it needs.
package config

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/durwardhq/durward/internal/platform/secret"
)

// Source is where Load looks.
type Source struct {
	// File is the path given with --config. When it is empty, DURWARD_CONFIG names the file; when that is not set
	// either, there is no file.
	File string
	// Env is the environment in the form of os.Environ. As in os/exec the last of several entries for a name counts.
	Env []string
	// Flags are the overrides of the command line by the name of the setting: "public_url", "master_key_file".
	Flags map[string]string
	// Dev chooses the development profile.
	Dev bool
	// Dir is the folder that relative paths start from; empty is the working folder.
	Dir string
}

// Config is everything that can be set, understood and complete. It holds secrets only as secret.String, so it may be
// printed.
type Config struct {
	// Dev tells that the development profile is in force.
	Dev bool
	// ConfigFile is the YAML file that was read, empty when there was none.
	ConfigFile string
	// StateDir is the folder of the development profile for database and master key; empty in production.
	StateDir string

	// PublicURL is scheme, host and port without a trailing slash: the issuer and the base of every link.
	PublicURL string
	// PublicURLFollowsListen tells that nobody set PublicURL and that its port is the one of Listen. Where that is 0,
	// PublicURL is only a stand-in: the server learns its port, and so its URL, when it listens.
	PublicURLFollowsListen bool
	// Listen is the host:port of the public listener.
	Listen string
	// OpsListen is the host:port for metrics and health; empty is off.
	OpsListen string
	// TrustedProxies are the networks whose forwarding headers are believed.
	TrustedProxies []netip.Prefix

	// DatabaseURL is sqlite:PATH or postgres://….
	DatabaseURL secret.String
	// DatabaseMaxConnections bounds PostgreSQL's pool or SQLite's readers; 0 leaves the number to the server.
	DatabaseMaxConnections int

	// MasterKey holds the 32 bytes themselves, decoded. In development it may be empty: then DevMasterKeyFile says
	// where the key is, or shall be made.
	MasterKey secret.String
	// DevMasterKeyFile is a file of mode 0600 with the key in base64, to be made when it is missing. It is set in
	// development when no master key was given.
	DevMasterKeyFile string
	// SigningAlgorithm is ES256, EdDSA or RS256.
	SigningAlgorithm string
	// KeyRotationInterval is the age at which a signing key is replaced; 0 is never.
	KeyRotationInterval time.Duration

	// AccessTokenTTL is how long an access token is valid.
	AccessTokenTTL time.Duration
	// RefreshReuseWindow is how long the token just replaced still gets its successor.
	RefreshReuseWindow time.Duration
	// SessionIdleTimeout ends a session that was not refreshed for so long.
	SessionIdleTimeout time.Duration
	// SessionAbsoluteTimeout ends every session so long after sign-in.
	SessionAbsoluteTimeout time.Duration

	// Password is the rule for new passwords.
	Password PasswordRule
	// Hash is how passwords are hashed.
	Hash Hashing

	// BootstrapAdminEmail is the address of the first administrator; empty makes none.
	BootstrapAdminEmail string
	// BootstrapPasswordFile is where that administrator's one-time password is written.
	BootstrapPasswordFile string

	// LogLevel is the least severe level that is logged.
	LogLevel slog.Level
	// LogFormat is json or text.
	LogFormat string
	// ShutdownTimeout is how long requests may take to finish after the signal to stop.
	ShutdownTimeout time.Duration

	origins map[string]string
}

// PasswordRule says what a new password needs.
type PasswordRule struct {
	// MinLength is in code points.
	MinLength int
	// Upper, Lower, Digit and Special each ask for one character of that class.
	Upper, Lower, Digit, Special bool
}

// Hashing says how passwords are hashed, and with how much of the machine.
type Hashing struct {
	// Scheme is argon2id or bcrypt.
	Scheme string
	// Argon2MemoryKiB, Argon2Iterations and Argon2Parallelism are m, t and p of RFC 9106 §3.1.
	Argon2MemoryKiB, Argon2Iterations, Argon2Parallelism int
	// BcryptCost is the binary logarithm of bcrypt's rounds.
	BcryptCost int
	// Workers is the number of hashes computed at once; 0 leaves it to the server.
	Workers int
	// Nice lowers the priority of the workers' threads, 0 to 19.
	Nice int
	// Queue is how many may wait for a worker before the next is told that the server is busy; 0 is 32 for each worker.
	Queue int
}

// SQLitePath gives the path of the database file, or nothing when the database is PostgreSQL.
func (c *Config) SQLitePath() string {
	target, wrong := parseDatabaseURL(c.DatabaseURL.Reveal())
	if wrong != nil {
		return ""
	}
	return target.path
}

// Given tells whether somebody set a setting, in whatever notation, or it has its default.
func (c *Config) Given(name string) bool {
	origin := c.origins[name]
	return origin != "not set" && !strings.HasPrefix(origin, "default")
}
