package welcome

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/durwardhq/durward/internal/config"
)

// again is how this program is called a second time on the same data, from a shell that has nothing of this one.
type again struct {
	program string   // as the shell takes it
	flags   []string // as the shell takes them
	missing []string // variables that must be set first: they hold secrets, which are never printed
}

// Start is how the server was started.
type Start struct {
	Program string            // as it was typed
	Env     []string          // in the form of os.Environ
	Flags   map[string]string // the settings that were given as flags, by name
}

// The settings that a command needs in order to find the database and to open what is sealed in it.
const (
	databaseURL = "database_url"
	masterKey   = "master_key"
	fileForm    = "_file"
)

// again works out how a command is called on the data of the server.
func (s Start) again(cfg *config.Config) again {
	a := again{program: program(s.Program, exists)}
	if cfg.Dev {
		a.flags = append(a.flags, "--dev")
	}
	if cfg.ConfigFile != "" {
		a.flags = append(a.flags, "--config="+shellWord(cfg.ConfigFile))
	}
	env := environment(s.Env)
	for _, setting := range config.Settings() {
		if setting.Name == databaseURL || setting.Name == masterKey {
			a.carry(setting, s.Flags, env)
		}
	}
	if cfg.SQLitePath() == "" {
		a.missing = append(a.missing, postgresVariables(env)...)
	}
	return a
}

// carry passes one setting on, if a flag or a variable gave it. What the file gave comes with the file.
func (a *again) carry(s config.Setting, flags, env map[string]string) {
	for _, given := range []struct {
		values     map[string]string
		file, text string
	}{
		{flags, s.Name + fileForm, s.Name},
		{env, s.Env + strings.ToUpper(fileForm), s.Env},
	} {
		if path, ok := given.values[given.file]; ok {
			a.flags = append(a.flags, "--"+s.Flag+"-file="+shellWord(path))
			return
		}
		text, ok := given.values[given.text]
		switch {
		case ok && s.Name == databaseURL && !holdsPassword(text):
			a.flags = append(a.flags, "--"+s.Flag+"="+shellWord(text))
			return
		case ok:
			a.missing = append(a.missing, s.Env)
			return
		}
	}
}

func (a again) command(words ...string) string {
	return strings.Join(slices.Concat([]string{a.program}, words, a.flags), " ")
}

// holdsPassword tells whether a database URL may hold a password; one that cannot be read may.
func holdsPassword(text string) bool {
	if strings.HasPrefix(text, "sqlite:") {
		return false
	}
	u, err := url.Parse(text)
	if err != nil {
		return true
	}
	if _, has := u.User.Password(); has {
		return true
	}
	parameters, err := url.ParseQuery(u.RawQuery)
	for name := range parameters {
		if strings.Contains(strings.ToLower(name), "pass") {
			return true
		}
	}
	return err != nil
}

// postgresVariables are the variables that PostgreSQL's clients read and that this server was given.
func postgresVariables(env map[string]string) []string {
	var names []string
	for name := range env {
		if postgresVariable.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

var postgresVariable = regexp.MustCompile(
	`^PG(HOST|PORT|DATABASE|USER|PASSWORD|PASSFILE|SERVICE|SERVICEFILE|OPTIONS|SSL[A-Z]+|TARGETSESSIONATTRS)$`)

func environment(list []string) map[string]string {
	env := map[string]string{}
	for _, line := range list {
		if name, value, ok := strings.Cut(line, "="); ok {
			env[name] = value
		}
	}
	return env
}

// sourceFolder is where this command's source lies in the project.
const sourceFolder = "cmd/durward"

// goRunPath recognises the binaries that `go run` makes: in a folder of its own for one run, later in Go's build cache.
var goRunPath = regexp.MustCompile(`/go-build[0-9]*/b[0-9]+/exe/|/[0-9a-f]{64}-d/`)

// program gives the word that starts this program again: the way through `go run` where that started it, otherwise the
// name as it was typed.
func program(typed string, exists func(path string) bool) string {
	source := filepath.Join(filepath.FromSlash(sourceFolder), "main.go")
	if goRunPath.MatchString(filepath.ToSlash(typed)) && exists(source) {
		return "go run ./" + sourceFolder
	}
	return shellWord(typed)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord writes a text so that a POSIX shell takes it as one word.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
