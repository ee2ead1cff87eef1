package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// layer is a source of values; a later one wins.
type layer uint8

const (
	byDefault layer = iota
	byFile
	byEnv
	byFlag
)

// found is a value as a source gave it, not yet understood.
type found struct {
	text    string
	layer   layer
	where   string
	viaFile bool // text is the path of the file that holds the value
	bad     bool // there is a problem about it already
}

// loader gathers the values of one Load and understands them.
type loader struct {
	*state
	// read gives a file's content and permissions; tests put theirs in its place.
	read func(path string) (fileContent, error)
	// exposed are the files that have been judged by their permissions.
	exposed map[string]bool
}

// Load gathers, understands and judges all settings. The Config is complete only when the report has no problems;
// otherwise it serves for showing what was understood.
func Load(src Source) (*Config, *Report) {
	return newLoader(src, readFile).load()
}

func newLoader(src Source, read func(string) (fileContent, error)) *loader {
	return &loader{state: newState(src), read: read, exposed: map[string]bool{}}
}

func (l *loader) load() (*Config, *Report) {
	l.applyDefaults()
	env := l.environment()
	l.takeFile(env[configEnv])
	l.takeEnv(env)
	l.takeFlags()
	for _, s := range table {
		if f, ok := l.found[s]; ok {
			l.apply(s, f)
		}
	}
	rules := checker{l.state}
	rules.derive()
	rules.check()
	return l.cfg, l.report
}

func (l *loader) applyDefaults() {
	for _, s := range table {
		text, origin := s.def, "default"
		if l.src.Dev && s.dev != "" {
			text, origin = s.dev, "default of --dev"
		}
		if text == "" {
			l.cfg.origins[s.name] = "not set"
			continue
		}
		if wrong := s.bind(l.cfg).set(text); wrong != nil {
			panic("config: the default of " + s.name + " is refused by its own rule")
		}
		l.cfg.origins[s.name] = origin
	}
}

// lookup finds the setting that a name stands for, and whether it is the form that names a file.
func lookup(name string) (s *setting, viaFile, ok bool) {
	for _, s := range table {
		if s.name == name {
			return s, false, true
		}
		if s.name+fileSuffix == name {
			return s, true, true
		}
	}
	return nil, false, false
}

// environment gives our variables by name. A variable without "=" is none.
func (l *loader) environment() map[string]string {
	env := map[string]string{}
	for _, line := range l.src.Env {
		name, value, ok := strings.Cut(line, "=")
		if ok && strings.HasPrefix(name, envPrefix) {
			env[name] = value
		}
	}
	return env
}

// takeFile reads the YAML file that --config or DURWARD_CONFIG names.
func (l *loader) takeFile(fromEnv string) {
	path, where := l.src.File, "--config"
	if path == "" {
		path, where = fromEnv, configEnv
	}
	if path == "" {
		return
	}
	content, err := l.read(l.path(path))
	if err != nil {
		l.problem(Problem{Setting: "config", Where: where, Got: quote(path) + ": " + err.Error(),
			Expected: "a YAML file of at most 64 KiB that can be read",
			Fix:      "check the path and its permissions; durward config example prints a file to begin with"})
		return
	}
	l.cfg.ConfigFile = path
	entries, wrong := parseYAML(content.data)
	if wrong != nil {
		l.problem(Problem{Setting: "config", Where: place(path, wrong.line), Expected: wrong.expected,
			Fix: "correct the line; durward config example prints a file to begin with"})
		return
	}
	l.takeEntries(path, entries)
	l.judgeConfigFile(path, content, entries)
}

func place(path string, line int) string { return plain(path) + ":" + strconv.Itoa(line) }

func (l *loader) takeEntries(path string, entries []entry) {
	taken, first := map[*setting]found{}, map[string]int{}
	for _, e := range entries {
		where := place(path, e.line)
		if line, twice := first[e.name]; twice {
			l.problem(Problem{Setting: plain(e.name), Where: where, Expected: "each name once",
				Fix: fmt.Sprintf("remove this line or line %d", line)})
			l.spoil(taken, e.name)
			continue
		}
		first[e.name] = e.line
		s, viaFile, ok := lookup(e.name)
		if !ok {
			l.unknown(byFile, e.name, where)
			continue
		}
		f := found{text: e.text, layer: byFile, where: where, viaFile: viaFile}
		f.bad = l.oddShape(s, e, f)
		l.take(taken, s, f)
	}
	l.merge(taken)
}

// spoil keeps the value of a name that was given twice from being used.
func (l *loader) spoil(taken map[*setting]found, name string) {
	if s, _, ok := lookup(name); ok {
		f := taken[s]
		f.bad = true
		taken[s] = f
	}
}

// oddShape reports a value that is no text, or a list where there can be one text only.
func (l *loader) oddShape(s *setting, e entry, f found) bool {
	odd := e.odd
	_, takesList := s.bind(&Config{}).(*networksValue)
	if odd == "" && e.list && (!takesList || f.viaFile) {
		odd = "a list"
	}
	if odd == "" {
		return false
	}
	fix := "write " + f.assign(s, s.sample())
	if odd == "nothing" {
		fix = "remove the line for the default, or " + fix
	}
	expected := s.bind(&Config{}).expects()
	if f.viaFile {
		expected = "the path of a file"
	}
	l.problem(Problem{Setting: e.name, Where: f.where, Got: odd, Expected: expected, Fix: fix})
	return true
}

// takeEnv takes the variables in alphabetical order, so that reports do not change from start to start.
func (l *loader) takeEnv(env map[string]string) {
	taken := map[*setting]found{}
	for _, name := range sortedKeys(env) {
		if name == configEnv || madeByKubernetes(name) {
			continue
		}
		setting := strings.TrimPrefix(name, envPrefix)
		s, viaFile, ok := lookup(strings.ToLower(setting))
		if !ok || setting != strings.ToUpper(setting) {
			l.unknown(byEnv, name, plain(name))
			continue
		}
		l.take(taken, s, found{text: env[name], layer: byEnv, where: name, viaFile: viaFile})
	}
	l.merge(taken)
}

// madeByKubernetes tells whether Kubernetes makes a variable of this name for a Service called durward.
func madeByKubernetes(name string) bool {
	return strings.HasPrefix(name, envPrefix+"SERVICE_") || strings.HasPrefix(name, envPrefix+"PORT")
}

func (l *loader) takeFlags() {
	taken := map[*setting]found{}
	for _, name := range sortedKeys(l.src.Flags) {
		s, viaFile, ok := lookup(name)
		if !ok {
			l.unknown(byFlag, name, plain(flagName(name)))
			continue
		}
		f := found{text: l.src.Flags[name], layer: byFlag, where: flagName(name), viaFile: viaFile}
		l.take(taken, s, f)
	}
	l.merge(taken)
}

// take notes a value of one source; both forms of a setting in the same source are a contradiction.
func (l *loader) take(taken map[*setting]found, s *setting, f found) {
	if other, both := taken[s]; both && other.viaFile != f.viaFile {
		l.problem(Problem{Setting: s.name, Where: other.where + " and " + f.where,
			Expected: "either the value or the file that holds it", Fix: "remove one of the two"})
		f.bad = true
	}
	taken[s] = f
}

func (l *loader) merge(taken map[*setting]found) {
	for s, f := range taken {
		l.found[s] = f
	}
}

// unknown reports a name that is no setting, without its value, which may be a secret under a misspelt name.
func (l *loader) unknown(from layer, name, where string) {
	p := Problem{Setting: plain(name), Where: where, Expected: "the name of a setting",
		Fix: "remove it; docs/configuration.md and durward config example list all settings"}
	if from == byEnv {
		p.Setting = where
	}
	if near := nearestName(name); near != "" {
		p.Fix = "write " + notation(from, near) + " if that is meant, otherwise remove it"
	} else if from == byEnv && serviceVariable(name) {
		p.Fix = "Kubernetes makes it for a Service whose name begins with durward-: set enableServiceLinks: false in " +
			"the pod's spec"
	}
	if name == configEnv+"_FILE" {
		p.Fix = "write " + configEnv + " with the path of the YAML file"
	}
	l.problem(p)
}

// serviceVariable recognises what Kubernetes makes for a Service called durward-something.
func serviceVariable(name string) bool {
	return strings.Contains(name, "_SERVICE_") || strings.Contains(name, "_PORT")
}

// apply understands the value that counts.
func (l *loader) apply(s *setting, f found) {
	readable := !f.bad && (!f.viaFile || l.resolve(s, &f))
	l.cfg.origins[s.name] = f.where
	if !readable {
		l.broken[s.name] = true
		return
	}
	v := s.bind(l.cfg)
	wrong := checkText(f.text)
	if wrong == nil {
		wrong = v.set(f.text)
	}
	if wrong != nil {
		l.broken[s.name] = true
		l.mismatch(s, f, v, wrong)
	}
}

func (l *loader) mismatch(s *setting, f found, v value, wrong *mismatch) {
	p := Problem{Setting: s.name, Where: f.where, Expected: wrong.expected}
	if p.Expected == "" {
		p.Expected = v.expects()
	}
	if !s.secret && !wrong.hide {
		p.Got = quote(f.text)
	}
	suggest := wrong.suggest
	if suggest == "" {
		suggest = s.sample()
	}
	p.Fix = f.correct(s, suggest)
	if wrong.advice != "" {
		p.Fix = wrong.advice + "; " + p.Fix
	}
	if wrong.alone {
		p.Fix = wrong.advice
	}
	l.problem(p)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
