package config

import (
	"strings"
	"testing"
)

// FuzzLoad feeds the loader a file, a variable and a flag. Whatever comes, every refusal says where, what and how, and
// what is accepted reads back as itself.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(Example()), "DURWARD_LISTEN", "127.0.0.1:1", "log_level", "debug", true)
	f.Add([]byte("public_url: https://id.example.com\n"), "DURWARD_DATABASE_URL", "postgres://u:p@h/d", "x", "y", false)
	f.Add([]byte("trusted_proxies: [10.0.0.0/8, ::1]\nlisten: !!str x\n"), "DURWARD_MASTER_KEY", goodKeyText,
		"", "1", false)
	f.Add([]byte("a: &x {b: *x}\n"), "DURWARD_CONFIG_FILE", "\x00", "master_key_file", "c.yaml", true)
	f.Add([]byte("[[[[[[{{{{{{"), "DURWARD_SERVICE_HOST", "1", "database_url", "sqlite:\xff", true)
	f.Add([]byte("listen: |\n  a:1\n? x\n: y\n<<: z\n"), "DURWARD_", "", "access_token_ttl", "-0h", false)
	f.Add([]byte("\ufeff%YAML 1.2\n---\nlisten: a\n...\n"), "DURWARD_TRUSTED_PROXIES", "::/0,,",
		"listen", "[::]:1", true)
	f.Add([]byte(""), "DURWARD_LISTEN", "localhost:0", "listn", "x", true)
	f.Fuzz(func(t *testing.T, file []byte, name, text, flag, flagText string, dev bool) {
		flags := map[string]string{flag: flagText}
		src := Source{File: "c.yaml", Env: []string{name + "=" + text}, Flags: flags, Dev: dev}
		c, r := load(src, map[string]string{"c.yaml": string(file)})
		for _, p := range append(r.Problems, r.Warnings...) {
			if p.Setting == "" || p.Where == "" || p.Expected == "" || p.Fix == "" {
				t.Fatalf("a report that does not help: %+v", p)
			}
		}
		if strings.ContainsAny(r.String(), "\x00\x1b\x07") {
			t.Fatalf("control characters in %q", r)
		}
		if r.Err() == nil {
			readBack(t, c)
		}
	})
}

func readBack(t *testing.T, c *Config) {
	for _, s := range table {
		shown := s.bind(c).String()
		if s.secret || shown == "" || s.name == "bootstrap_password_file" || shown == "http://localhost:0" {
			continue // derived values: a folder may be long, and port 0 becomes another when the server listens
		}
		again := s.bind(&Config{})
		if wrong := again.set(shown); wrong != nil || again.String() != shown {
			t.Fatalf("%s: %q reads back as %q", s.name, shown, again)
		}
	}
}

// FuzzDatabaseURL looks for texts whose showing or refusal would give the password away.
func FuzzDatabaseURL(f *testing.F) {
	for _, seed := range []string{"postgres://u:%s@h/d", "postgres://u:%s@h:1,h2/d?sslmode=require", "sqlite:d.db",
		"postgres://h/d?password=%s", "postgres://u:p%%40%s@[::1]/d"} {
		f.Add(seed)
	}
	const canary = "CANARY"
	f.Fuzz(func(t *testing.T, form string) {
		text := strings.ReplaceAll(form, "%s", canary)
		if !strings.HasPrefix(text, "postgres://u:"+canary) || strings.Count(text, canary) > 1 {
			return
		}
		c, r := load(Source{Dev: true, Env: []string{"DURWARD_DATABASE_URL=" + text}}, nil)
		s, _, _ := lookup("database_url")
		if out := r.String() + s.bind(c).String(); strings.Contains(out, canary) {
			t.Fatalf("%q shows its password: %s", text, out)
		}
	})
}
