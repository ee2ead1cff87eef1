package config

import "time"

const (
	envPrefix  = "DURWARD_"
	configEnv  = envPrefix + "CONFIG"
	fileSuffix = "_file"

	stateDir         = ".durward"
	devDatabaseFile  = "durward.db"
	devMasterKeyFile = "master.key"
	passwordFile     = "durward-admin-password"

	makeMasterKey = "make one with: openssl rand -base64 32"
	day           = 24 * time.Hour
)

// setting is one row of the table that everything comes from: parsing, defaults, checks, flags and documentation.
type setting struct {
	name  string
	group string
	doc   string
	// def is the default; dev the one of the development profile, where it differs. They are read like any other value.
	def, dev string
	// example is shown where there is no default, and in the fixes of problems.
	example string
	// required settings have no default in production.
	required bool
	// secret values are never shown.
	secret bool
	// bind gives the field of the Config that the setting fills.
	bind func(*Config) value
}

// The groups of the documentation, in its order.
const (
	groupAddress  = "Addresses"
	groupDatabase = "Database"
	groupKeys     = "Keys"
	groupSession  = "Tokens and sessions"
	groupPassword = "Passwords"
	groupHash     = "Password hashing"
	groupFirst    = "The first administrator"
	groupRunning  = "Logs and stopping"
)

var table = []*setting{
	{
		name: "public_url", group: groupAddress, required: true,
		dev: "http://localhost:8080", example: "https://id.example.com",
		doc: "The URL under which people and applications reach the server: the issuer of every token and the base of " +
			"every link. Scheme, host and port alone. With `--dev` its port follows `listen` when it is not set.",
		bind: func(c *Config) value { return &publicURLValue{&c.PublicURL} },
	},
	{
		name: "listen", group: groupAddress, def: "127.0.0.1:8080",
		doc:  "Where the server listens for requests. `:8080` is every address of the machine.",
		bind: func(c *Config) value { return &addressValue{p: &c.Listen} },
	},
	{
		name: "ops_listen", group: groupAddress, def: "127.0.0.1:9080",
		doc:  "Where metrics and health are served, for operators alone. Empty is off.",
		bind: func(c *Config) value { return &addressValue{p: &c.OpsListen, mayBeEmpty: true} },
	},
	{
		name: "trusted_proxies", group: groupAddress, example: "10.0.0.0/8, 192.0.2.7",
		doc: "The proxies whose forwarding headers are believed, so that a client's own address is limited and " +
			"recorded and not the proxy's. Networks or addresses between commas or spaces, in YAML a list too.",
		bind: func(c *Config) value { return &networksValue{&c.TrustedProxies} },
	},
	{
		name: "database_url", group: groupDatabase, required: true, secret: true,
		dev:     "sqlite:" + stateDir + "/" + devDatabaseFile,
		example: "postgres://durward@db.example.com/durward?sslmode=verify-full",
		doc:     "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`.",
		bind:    func(c *Config) value { return &databaseValue{&c.DatabaseURL} },
	},
	{
		name: "database_max_connections", group: groupDatabase, def: "0",
		doc: "The most connections that one instance holds: to PostgreSQL, or for reading SQLite. 0 lets the server " +
			"choose by its cores.",
		bind: func(c *Config) value { return &integerValue{&c.DatabaseMaxConnections, 0, 1000} },
	},
	{
		name: "master_key", group: groupKeys, required: true, secret: true,
		doc: "32 random bytes in base64, which seal signing keys and other secrets in the database. Without it the " +
			"database is of no use, so keep a copy elsewhere; `openssl rand -base64 32` makes one. With `--dev` it is " +
			"made in `" + stateDir + "/" + devMasterKeyFile + "`.",
		bind: func(c *Config) value { return &masterKeyValue{&c.MasterKey} },
	},
	{
		name: "signing_algorithm", group: groupKeys, def: "ES256",
		doc:  "The algorithm of new signing keys.",
		bind: func(c *Config) value { return &choiceValue{&c.SigningAlgorithm, []string{"ES256", "EdDSA", "RS256"}} },
	},
	{
		name: "key_rotation_interval", group: groupKeys, def: "2160h",
		doc: "The age at which a signing key is replaced, with an overlap in which both verify. 0 leaves rotation to " +
			"`durward keys rotate`.",
		bind: func(c *Config) value { return &durationValue{&c.KeyRotationInterval, time.Hour, 1095 * day, true} },
	},
	{
		name: "access_token_ttl", group: groupSession, def: "15m",
		doc:  "How long an access token is valid; never beyond the end of its session.",
		bind: func(c *Config) value { return &durationValue{&c.AccessTokenTTL, time.Second, day, false} },
	},
	{
		name: "refresh_reuse_window", group: groupSession, def: "10s",
		doc: "How long the refresh token just replaced is still answered with its successor, so that two tabs or a lost " +
			"answer do no harm. Later it counts as stolen.",
		bind: func(c *Config) value {
			return &durationValue{&c.RefreshReuseWindow, time.Millisecond, time.Minute, true}
		},
	},
	{
		name: "session_idle_timeout", group: groupSession, def: "24h",
		doc:  "A session ends when it was not refreshed for so long.",
		bind: func(c *Config) value { return &durationValue{&c.SessionIdleTimeout, time.Second, 365 * day, false} },
	},
	{
		name: "session_absolute_timeout", group: groupSession, def: "720h",
		doc:  "A session ends so long after sign-in, however often it is refreshed.",
		bind: func(c *Config) value { return &durationValue{&c.SessionAbsoluteTimeout, time.Second, 365 * day, false} },
	},
	{
		name: "password_min_length", group: groupPassword, def: "8",
		doc:  "The fewest characters of a new password, counted as code points. Fewer than 8 are soon guessed.",
		bind: func(c *Config) value { return &integerValue{&c.Password.MinLength, 8, 128} },
	},
	{
		name: "password_require_upper", group: groupPassword, def: "true",
		doc:  "A new password needs an upper-case letter.",
		bind: func(c *Config) value { return &switchValue{&c.Password.Upper} },
	},
	{
		name: "password_require_lower", group: groupPassword, def: "true",
		doc:  "A new password needs a lower-case letter.",
		bind: func(c *Config) value { return &switchValue{&c.Password.Lower} },
	},
	{
		name: "password_require_digit", group: groupPassword, def: "true",
		doc:  "A new password needs a digit.",
		bind: func(c *Config) value { return &switchValue{&c.Password.Digit} },
	},
	{
		name: "password_require_special", group: groupPassword, def: "true",
		doc:  "A new password needs a character that is neither letter, mark nor digit; a space counts.",
		bind: func(c *Config) value { return &switchValue{&c.Password.Special} },
	},
	{
		name: "password_hash", group: groupHash, def: "argon2id",
		doc:  "The scheme of new password hashes. Hashes of the other are renewed at the next sign-in.",
		bind: func(c *Config) value { return &choiceValue{&c.Hash.Scheme, []string{"argon2id", "bcrypt"}} },
	},
	{
		name: "argon2_memory_kib", group: groupHash, def: "19456",
		doc: "The memory of one Argon2id hash in KiB; each worker holds so much. Memory times iterations is at most " +
			"1048576.",
		bind: func(c *Config) value { return &integerValue{&c.Hash.Argon2MemoryKiB, 7168, 256 << 10} },
	},
	{
		name: "argon2_iterations", group: groupHash, def: "2",
		doc:  "The passes of Argon2id over its memory.",
		bind: func(c *Config) value { return &integerValue{&c.Hash.Argon2Iterations, 1, 64} },
	},
	{
		name: "argon2_parallelism", group: groupHash, def: "1",
		doc:  "The lanes of Argon2id. More than 1 occupies more cores for each sign-in.",
		bind: func(c *Config) value { return &integerValue{&c.Hash.Argon2Parallelism, 1, 16} },
	},
	{
		name: "bcrypt_cost", group: groupHash, def: "12",
		doc:  "The cost of bcrypt; one more doubles the time.",
		bind: func(c *Config) value { return &integerValue{&c.Hash.BcryptCost, 10, 16} },
	},
	{
		name: "hash_workers", group: groupHash, def: "0",
		doc:  "How many passwords are hashed at once. 0 lets the server choose by its cores and its CPU quota.",
		bind: func(c *Config) value { return &integerValue{&c.Hash.Workers, 0, 256} },
	},
	{
		name: "hash_nice", group: groupHash, def: "0",
		doc: "How far hashing gives way to other work, from 0 to 19 (Linux). It helps other requests on a machine of the " +
			"server's own and starves sign-ins beside busy neighbours.",
		bind: func(c *Config) value { return &integerValue{&c.Hash.Nice, 0, 19} },
	},
	{
		name: "hash_queue", group: groupHash, def: "0",
		doc:  "How many may wait for a worker; the next is answered 503 `busy` at once. 0 is 32 for each worker.",
		bind: func(c *Config) value { return &integerValue{&c.Hash.Queue, 0, 10000} },
	},
	{
		name: "bootstrap_admin_email", group: groupFirst, example: "admin@example.com",
		doc: "On an empty database an administrator with this address is made, with a one-time password in " +
			"`bootstrap_password_file`. Empty makes none.",
		bind: func(c *Config) value { return &emailValue{&c.BootstrapAdminEmail} },
	},
	{
		name: "bootstrap_password_file", group: groupFirst, example: "/var/lib/durward/" + passwordFile,
		doc: "The file for the first administrator's one-time password, made with mode 0600. When it is not set the " +
			"file is `" + passwordFile + "` beside the SQLite database, with PostgreSQL in the working folder.",
		bind: func(c *Config) value { return &pathValue{&c.BootstrapPasswordFile} },
	},
	{
		name: "log_level", group: groupRunning, def: "info",
		doc:  "The least severe level that is logged.",
		bind: func(c *Config) value { return &levelValue{&c.LogLevel} },
	},
	{
		name: "log_format", group: groupRunning, def: "json", dev: "text",
		doc:  "How log lines look: `json` for machines, `text` for a terminal.",
		bind: func(c *Config) value { return &choiceValue{&c.LogFormat, []string{"json", "text"}} },
	},
	{
		name: "shutdown_timeout", group: groupRunning, def: "20s",
		doc: "How long running requests may take to finish after the signal to stop. Keep it below the time after which " +
			"the process is killed (30 s in Kubernetes).",
		bind: func(c *Config) value { return &durationValue{&c.ShutdownTimeout, time.Second, 10 * time.Minute, false} },
	},
}
