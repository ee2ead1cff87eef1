package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// maxFile bounds the YAML file and every file that holds a value.
const maxFile = 64 << 10

var errTooLarge = errors.New("larger than 64 KiB")

type fileContent struct {
	data []byte
	mode fs.FileMode
}

// readFile reads a whole file and its permissions from the same open file. Errors do not repeat the path.
func readFile(path string) (fileContent, error) {
	f, err := os.Open(path)
	if err != nil {
		return fileContent{}, bare(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fileContent{}, bare(err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return fileContent{}, bare(err)
	}
	if len(data) > maxFile {
		return fileContent{}, errTooLarge
	}
	return fileContent{data, info.Mode()}, nil
}

func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// resolve puts the content of the named file in the place of its path. One newline at the end is cut, since editors
// and echo leave it there.
func (l *loader) resolve(s *setting, f *found) bool {
	path := f.text
	content, err := l.read(l.path(path))
	if err != nil {
		l.problem(Problem{Setting: s.name, Where: f.where, Got: quote(path) + ": " + err.Error(),
			Expected: "the path of a file of at most 64 KiB that can be read",
			Fix:      "check the path, and that the user who runs the server may read it"})
		return false
	}
	f.where += " → " + plain(path)
	l.judgeValueFile(s, f.where, path, content.mode)
	f.text = strings.TrimSuffix(strings.TrimSuffix(string(content.data), "\n"), "\r")
	return true
}

// Permissions that others than owner and group have.
const (
	othersAny   fs.FileMode = 0o007
	othersWrite fs.FileMode = 0o002
)

const modeFix = "chmod 0600 %s (Kubernetes: defaultMode: 0400 on the secret's volume; Docker Swarm: mode: 0400)"

// judgeValueFile refuses a secret that others may read and any value that others may change. The group is left alone:
// Kubernetes gives it the right to read with fsGroup, and who is in it is the operator's choice.
func (l *loader) judgeValueFile(s *setting, where, path string, mode fs.FileMode) {
	forbidden, expected := othersWrite, "a file that others may not change"
	if s.secret {
		forbidden, expected = othersAny, "a file that others may neither read nor change, since it holds a secret"
	}
	l.judgeMode(s.name, where, path, mode, forbidden, expected)
}

func (l *loader) judgeConfigFile(path string, content fileContent, entries []entry) {
	forbidden, expected := othersWrite, "a file that others may not change"
	for _, e := range entries {
		if s, viaFile, ok := lookup(e.name); ok && s.secret && !viaFile {
			forbidden = othersAny
			expected = fmt.Sprintf("a file that others may neither read nor change, since line %d holds a secret", e.line)
			break
		}
	}
	l.judgeMode("config", plain(path), path, content.mode, forbidden, expected)
}

// judgeMode looks at regular files only, each once: a pipe has no readers but its own, and on Windows the bits mean
// nothing.
func (l *loader) judgeMode(name, where, path string, mode, forbidden fs.FileMode, expected string) {
	if runtime.GOOS == "windows" || !mode.IsRegular() || mode&forbidden == 0 || l.exposed[path] {
		return
	}
	l.exposed[path] = true
	l.unsafe(Problem{Setting: name, Where: where, Got: fmt.Sprintf("mode %04o", mode.Perm()), Expected: expected,
		Fix: fmt.Sprintf(modeFix, shellText(path))})
}
