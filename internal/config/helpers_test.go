package config

import (
	"encoding/base64"
	"io/fs"
	"strings"
	"testing"
)

// goodKey is 32 bytes without a pattern.
var goodKey = []byte("\x8f\x1c\xd2\x05\x6b\xe7\x90\x3a\x44\xfb\x12\xa9\x5e\xc6\x77\x01" +
	"\xbd\x2f\x88\xe3\x19\x64\xf0\x9b\x3d\xd8\x50\xa2\x0e\xc1\x7a\x95")

var goodKeyText = base64.StdEncoding.EncodeToString(goodKey)

// memory is a loader's file system: content by path, of mode 0600 unless modes says otherwise.
type memory struct {
	files map[string]string
	modes map[string]fs.FileMode
}

func (m memory) read(path string) (fileContent, error) {
	text, ok := m.files[path]
	if !ok {
		return fileContent{}, fs.ErrNotExist
	}
	if len(text) > maxFile {
		return fileContent{}, errTooLarge
	}
	mode := fs.FileMode(0o600)
	if set, ok := m.modes[path]; ok {
		mode = set
	}
	return fileContent{data: []byte(text), mode: mode}, nil
}

// load runs the loader on files in memory.
func load(src Source, files map[string]string) (*Config, *Report) {
	return newLoader(src, memory{files: files}.read).load()
}

// production is an environment without problems, with more variables after it.
func production(more ...string) []string {
	return append([]string{
		"DURWARD_PUBLIC_URL=https://id.example.com",
		"DURWARD_DATABASE_URL=sqlite:/var/lib/durward/durward.db",
		"DURWARD_MASTER_KEY=" + goodKeyText,
		"DURWARD_TRUSTED_PROXIES=192.0.2.7",
	}, more...)
}

func wantNoProblems(t *testing.T, r *Report) {
	t.Helper()
	if err := r.Err(); err != nil {
		t.Fatalf("expected no problems, got:\n%v", err)
	}
}

// wantOne fails unless list is one problem about setting that holds all the words somewhere.
func wantOne(t *testing.T, list []Problem, setting string, words ...string) {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("expected one entry about %s, got %d:\n%s", setting, len(list), render("entry", list))
	}
	if list[0].Setting != setting {
		t.Errorf("expected the setting %s, got %s", setting, list[0].Setting)
	}
	text := render("entry", list)
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("expected %q in:\n%s", word, text)
		}
	}
}
