package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// checker completes what the loader understood, and judges it as a whole.
type checker struct{ *state }

// derive fills in what depends on other settings.
func (c checker) derive() {
	if c.src.Dev {
		c.deriveDev()
	}
	c.derivePaths()
	if c.cfg.BootstrapPasswordFile == "" {
		c.cfg.BootstrapPasswordFile = filepath.Join(c.databaseDir(), passwordFile)
		c.cfg.origins["bootstrap_password_file"] = "default"
	}
}

// deriveDev gives the development profile its folder, its key file and the port of its URL.
func (c checker) deriveDev() {
	c.cfg.StateDir = c.path(stateDir)
	if c.cfg.MasterKey.Empty() && !c.broken["master_key"] {
		c.cfg.DevMasterKeyFile = filepath.Join(c.cfg.StateDir, devMasterKeyFile)
		c.cfg.origins["master_key"] = "default of --dev, " + c.cfg.DevMasterKeyFile
	}
	s, _, _ := lookup("public_url")
	if _, set := c.found[s]; set || c.broken["listen"] {
		return
	}
	c.cfg.PublicURLFollowsListen = true
	if _, port, err := net.SplitHostPort(c.cfg.Listen); err == nil {
		c.cfg.PublicURL = "http://" + joinPort("localhost", port, "http")
	}
}

// derivePaths starts relative paths from the source's folder.
func (c checker) derivePaths() {
	if path := c.cfg.SQLitePath(); path != "" {
		v := databaseValue{&c.cfg.DatabaseURL}
		if wrong := v.set(sqliteScheme + c.path(path)); wrong != nil {
			c.refuse("database_url", "a folder whose path has no ? or #", "start the server in another folder")
		}
	}
	if path := c.cfg.BootstrapPasswordFile; path != "" {
		c.cfg.BootstrapPasswordFile = c.path(path)
	}
}

func (c checker) databaseDir() string {
	if path := c.cfg.SQLitePath(); path != "" {
		return filepath.Dir(path)
	}
	return c.path(".")
}

// check holds the rules that stand above single values. Every rule looks only at settings that were understood.
func (c checker) check() {
	c.checkRequired()
	c.checkAddresses()
	c.checkProxies()
	c.checkDatabase()
	c.checkMasterKey()
	c.checkDurations()
	c.checkArgon2()
	c.checkSecretFlags()
}

func (c checker) checkRequired() {
	if c.src.Dev {
		return
	}
	reasons := map[string]string{
		"public_url":   "the URL under which people and applications reach the server",
		"database_url": "the database, as sqlite:PATH or postgres://…",
		"master_key":   "32 random bytes in base64, which seal the keys in the database",
	}
	fixes := map[string]string{
		"public_url":   "set DURWARD_PUBLIC_URL=https://id.example.com, or add --dev for the development profile",
		"database_url": "set DURWARD_DATABASE_URL=sqlite:/var/lib/durward/durward.db, or add --dev for the development profile",
		"master_key":   makeMasterKey + ", keep it in a file of mode 0600 and set DURWARD_MASTER_KEY_FILE to its path",
	}
	for _, s := range table {
		if s.required && c.good(s.name) && s.bind(c.cfg).String() == "" {
			c.refuse(s.name, reasons[s.name], fixes[s.name])
		}
	}
}

func (c checker) checkAddresses() {
	c.checkPublicURL()
	if c.good("listen") && c.src.Dev {
		c.checkDevListen()
	}
	if !c.good("ops_listen") || c.cfg.OpsListen == "" {
		return
	}
	opsHost, opsPort, err := net.SplitHostPort(c.cfg.OpsListen)
	if err != nil {
		return
	}
	if wildcard(opsHost) {
		c.warn(c.about("ops_listen", "an address that operators alone reach, since it shows metrics to everybody",
			c.set("ops_listen", "127.0.0.1:"+opsPort)+", or let a firewall or network policy guard the port"))
	}
	host, port, err := net.SplitHostPort(c.cfg.Listen)
	if err != nil || !c.good("listen") || port != opsPort || port == "0" {
		return
	}
	if host == opsHost || wildcard(host) || wildcard(opsHost) || (loopback(host) && loopback(opsHost)) {
		c.refuse("ops_listen", "another port than listen ("+c.cfg.Listen+")", c.set("ops_listen", "127.0.0.1:9080"))
	}
}

func (c checker) checkPublicURL() {
	u, err := url.Parse(c.cfg.PublicURL)
	if err != nil || !c.good("public_url") || u.Scheme != "http" || loopback(u.Hostname()) {
		return
	}
	c.unsafe(c.about("public_url", "https, since passwords and tokens would cross the network readable by others",
		c.set("public_url", "https://"+joinPort(u.Hostname(), "", "https"))+
			" and let a proxy in front end TLS; http is for localhost alone"))
}

func (c checker) checkDevListen() {
	host, _, err := net.SplitHostPort(c.cfg.Listen)
	if err != nil || loopback(host) {
		return
	}
	c.warn(c.about("listen",
		"an address of this machine alone, since the development profile is made to be easy, not safe",
		c.set("listen", "127.0.0.1:8080")+", or start without --dev"))
}

func (c checker) checkProxies() {
	if !c.good("trusted_proxies") {
		return
	}
	for _, network := range c.cfg.TrustedProxies {
		if tooWide(network) {
			p := c.about("trusted_proxies", "the networks of your own proxies; whoever is in "+network.String()+
				" could pretend to be any client", c.set("trusted_proxies", "10.0.0.0/8")+" or narrower")
			c.unsafe(p)
		}
	}
	https := strings.HasPrefix(c.cfg.PublicURL, "https:") && c.good("public_url")
	if !c.src.Dev && https && len(c.cfg.TrustedProxies) == 0 {
		c.warn(c.about("trusted_proxies", "the address of the proxy that ends TLS for public_url; without it every "+
			"client is recorded and limited under that proxy's address", c.set("trusted_proxies", "10.0.0.0/8")))
	}
}

func (c checker) checkDatabase() {
	if !c.good("database_url") {
		return
	}
	target, wrong := parseDatabaseURL(c.cfg.DatabaseURL.Reveal())
	if wrong != nil || len(target.remote) == 0 {
		return
	}
	host := target.remote[0]
	switch target.sslMode {
	case "disable":
		c.unsafe(c.about("database_url", "an encrypted connection to "+host+
			", since password and data would cross the network readable by others",
			"replace sslmode=disable by sslmode=verify-full (or sslmode=require, which does not check whom it talks to)"))
	case "", "allow", "prefer":
		if !c.src.Dev {
			c.warn(c.about("database_url", "an sslmode that insists on encryption to "+host+
				"; this one falls back to plain text", "end the URL in ?sslmode=verify-full"))
		}
	}
}

func (c checker) checkMasterKey() {
	if c.cfg.MasterKey.Empty() || !c.good("master_key") {
		return
	}
	if reason := weakness(c.cfg.MasterKey.Reveal()); reason != "" {
		p := c.about("master_key", "32 random bytes; these are "+reason, makeMasterKey)
		if reason == onlyZeros {
			c.unsafe(p)
		} else {
			c.warn(p) // a guess about how it was made, and a key in use must not keep the server from starting
		}
	}
}

func (c checker) checkDurations() {
	c.notLonger("access_token_ttl", c.cfg.AccessTokenTTL, "session_idle_timeout", c.cfg.SessionIdleTimeout)
	c.notLonger("session_idle_timeout", c.cfg.SessionIdleTimeout,
		"session_absolute_timeout", c.cfg.SessionAbsoluteTimeout)
	c.notLonger("refresh_reuse_window", c.cfg.RefreshReuseWindow, "session_idle_timeout", c.cfg.SessionIdleTimeout)
	if c.good("access_token_ttl") && c.cfg.AccessTokenTTL > time.Hour {
		c.warn(c.about("access_token_ttl", "at most 1h, since applications that check tokens by themselves accept them "+
			"until they end", c.set("access_token_ttl", "15m")))
	}
}

func (c checker) notLonger(short string, a time.Duration, long string, b time.Duration) {
	if !c.good(short, long) || a <= b {
		return
	}
	c.warn(c.about(short, fmt.Sprintf("no longer than %s (%s), which ends it before", long, formatDuration(b)),
		c.set(short, formatDuration(b))+", or lengthen "+long))
}

// argon2Floors are the settings of equal strength in the OWASP Password Storage Cheat Sheet: memory in KiB, iterations.
var argon2Floors = [][2]int{{47104, 1}, {19456, 2}, {12288, 3}, {9216, 4}, {7168, 5}}

// maxArgon2Work is the most memory that one hash may fill in all its passes together, in KiB: about half a second.
const maxArgon2Work = 1 << 20

// checkArgon2 holds whatever the scheme in force, since the other is still verified and may come back.
func (c checker) checkArgon2() {
	if !c.good("argon2_memory_kib", "argon2_iterations") {
		return
	}
	memory, iterations := c.cfg.Hash.Argon2MemoryKiB, c.cfg.Hash.Argon2Iterations
	switch {
	case memory*iterations > maxArgon2Work:
		c.refuse("argon2_memory_kib", fmt.Sprintf("at most %d with argon2_iterations of %d", maxArgon2Work/iterations,
			iterations), c.set("argon2_memory_kib", "19456")+" and argon2_iterations 2, or lower one of the two")
	case !strongArgon2(memory, iterations):
		c.refuse("argon2_memory_kib", fmt.Sprintf("at least 19456 with argon2_iterations of 2 or an equal (47104 with 1, "+
			"12288 with 3, 9216 with 4, 7168 with 5); argon2_iterations is %d", iterations),
			c.set("argon2_memory_kib", "19456")+" and argon2_iterations 2")
	}
}

func strongArgon2(memory, iterations int) bool {
	for _, floor := range argon2Floors {
		if memory >= floor[0] && iterations >= floor[1] {
			return true
		}
	}
	return false
}

// checkSecretFlags warns of secrets on the command line, where every user of the machine sees them.
func (c checker) checkSecretFlags() {
	for _, s := range table {
		f, ok := c.found[s]
		if !ok || !s.secret || f.layer != byFlag || f.viaFile || c.src.Dev {
			continue
		}
		c.warn(c.about(s.name, "a secret that is not in the list of processes, where other users see it",
			"use "+envName(s.name)+" or "+flagName(s.name+fileSuffix)))
	}
}
