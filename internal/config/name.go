package config

import (
	"strconv"
	"strings"
)

func envName(name string) string  { return envPrefix + strings.ToUpper(name) }
func flagName(name string) string { return "--" + strings.ReplaceAll(name, "_", "-") }

// notation writes a setting's name as a source does.
func notation(from layer, name string) string {
	switch from {
	case byFile:
		return name
	case byFlag:
		return flagName(name)
	default:
		return envName(name)
	}
}

// assign writes a setting with a value as the source does that the wrong value came from.
func (f found) assign(s *setting, text string) string {
	name := s.name
	if f.viaFile {
		name, text = s.name+fileSuffix, "/path/of/a/file"
	}
	switch f.layer {
	case byFile:
		return name + ": " + yamlText(text)
	case byFlag:
		return flagName(name) + "=" + shellText(text)
	default:
		return envName(name) + "=" + shellText(text)
	}
}

// correct is the fix that puts another value where the wrong one is.
func (f found) correct(s *setting, text string) string {
	if !f.viaFile {
		return "write " + f.assign(s, text)
	}
	if text == "" {
		return "leave the file empty, or name none"
	}
	return "put " + text + " into the file"
}

// sample is a value to show: the default, or an example where there is none.
func (s *setting) sample() string {
	if s.def != "" {
		return s.def
	}
	return s.example
}

// yamlText quotes what YAML would not read back as the same text.
func yamlText(text string) string {
	if text == "" || strings.ContainsAny(text, " ,#\"'{}[]&*!|>%@`") || strings.HasSuffix(text, ":") {
		return strconv.Quote(text)
	}
	return text
}

// shellText quotes what a shell would not pass on as one word.
func shellText(text string) string {
	if strings.ContainsAny(text, " ?&*#$;\"'()<>|~`\\") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}
