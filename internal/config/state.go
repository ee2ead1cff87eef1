package config

import "path/filepath"

// state is what a Load knows so far: it is shared by the loader, which gathers, and the checker, which judges.
type state struct {
	src    Source
	cfg    *Config
	report *Report
	found  map[*setting]found
	broken map[string]bool // settings that have a problem, so that no second one follows from it
}

func newState(src Source) *state {
	return &state{
		src:    src,
		cfg:    &Config{Dev: src.Dev, origins: map[string]string{}},
		report: &Report{Problems: []Problem{}, Warnings: []Problem{}},
		found:  map[*setting]found{},
		broken: map[string]bool{},
	}
}

func (s *state) problem(p Problem) { s.report.Problems = append(s.report.Problems, p) }
func (s *state) warn(p Problem)    { s.report.Warnings = append(s.report.Warnings, p) }

// unsafe is a problem in production and a warning in development.
func (s *state) unsafe(p Problem) {
	if s.src.Dev {
		s.warn(p)
		return
	}
	s.problem(p)
}

// path resolves a path of the source against its folder.
func (s *state) path(p string) string {
	if s.src.Dir == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.src.Dir, p)
}

// about starts a problem with what is known of a setting: its place, and its value if that is no secret.
func (s *state) about(name, expected, fix string) Problem {
	row, _, _ := lookup(name)
	p := Problem{Setting: name, Where: s.cfg.origins[name], Expected: expected, Fix: fix}
	if text := row.bind(s.cfg).String(); !row.secret && text != "" {
		p.Got = quote(text)
	}
	return p
}

func (s *state) refuse(name, expected, fix string) { s.problem(s.about(name, expected, fix)) }

// good tells whether all these settings were understood.
func (s *state) good(names ...string) bool {
	for _, name := range names {
		if s.broken[name] {
			return false
		}
	}
	return true
}

// set writes a fix in the notation of the source that the value came from.
func (s *state) set(name, text string) string {
	row, _, _ := lookup(name)
	return s.found[row].correct(row, text)
}
