package sqliteconn

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Path reads the part of a URL after `sqlite:` and gives the absolute path of the file.
func Path(rest string) (string, error) {
	switch {
	case rest == "":
		return "", errors.New("`sqlite:` lacks the path of the file: write `sqlite:data/durward.db`")
	case strings.HasPrefix(rest, "//"):
		return "", errors.New("`sqlite://` may mean a relative or an absolute path: " +
			"write `sqlite:data/durward.db` or `sqlite:/var/lib/durward/durward.db`")
	case strings.HasPrefix(rest, ":memory:"):
		return "", errors.New("a database in memory would lose everything: give the path of a file after `sqlite:`")
	case strings.ContainsAny(rest, "?#\x00"):
		return "", errors.New("the path after `sqlite:` holds `?`, `#` or NUL: it takes no options, only a path")
	}
	path, err := filepath.Abs(rest)
	if err != nil {
		return "", fmt.Errorf("the path after `sqlite:` cannot be made absolute: %w", err)
	}
	return path, nil
}

// Create makes the file and its folder when they are missing, readable by their owner alone. An existing file is
// not opened: closing it again would drop the locks that this process may hold on it by another handle. A new one is
// closed before it gets its name, for the same reason.
func Create(path string) error {
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file: give the path of one", path)
		}
		return nil
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("cannot make the folder of the database: %w", err)
	}
	file, err := os.CreateTemp(folder, ".new-database-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("cannot make the database file: %w", err)
	}
	defer os.Remove(file.Name())
	if err := file.Close(); err != nil {
		return fmt.Errorf("cannot make the database file: %w", err)
	}
	if err := os.Link(file.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return createInPlace(path) // on a file system without links
}

func createInPlace(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot make the database file: %w", err)
	}
	return file.Close()
}

// dsn names an existing file for the driver: `mode=rw` keeps SQLite from making an empty one in its place.
func dsn(path string) string {
	return (&url.URL{Scheme: "file", Path: path, OmitHost: true, RawQuery: "mode=rw"}).String()
}
