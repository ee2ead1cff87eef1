package app

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/durwardhq/durward/internal/config"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// masterBox makes the Box of the configured master key. In development the key is kept in a file, made at the first
// start.
func masterBox(cfg *config.Config) (*secret.Box, error) {
	if !cfg.MasterKey.Empty() {
		return secret.NewBox([]byte(cfg.MasterKey.Reveal()))
	}
	if cfg.DevMasterKeyFile == "" {
		return nil, errors.New("DURWARD_MASTER_KEY is not set; make one with: openssl rand -base64 32")
	}
	key, err := devMasterKey(cfg.DevMasterKeyFile, cfg.SQLitePath())
	if err != nil {
		return nil, fmt.Errorf("master key of the development profile: %w", err)
	}
	return secret.NewBox([]byte(key.Reveal()))
}

// devMasterKey reads the key file, or makes it where there is neither key nor database. Of two processes that make it
// at once one wins and both use its key.
func devMasterKey(path, database string) (secret.String, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if exists(database) && !exists(path) {
			return secret.String{}, fmt.Errorf("%s is missing, and %s is sealed with it: restore the key, or delete the "+
				"database to begin anew", path, database)
		}
		making := makeMasterKey(path)
		if text, err = os.ReadFile(path); err != nil {
			return secret.String{}, errors.Join(making, err)
		}
	}
	if err != nil {
		return secret.String{}, err
	}
	key, err := config.ParseMasterKey(strings.TrimSpace(string(text)))
	if err != nil {
		return secret.String{}, fmt.Errorf("%s: %w; restore the file, or delete its folder to begin anew", path, err)
	}
	return key, removeUnfinished(path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return path != "" && err == nil
}

// unfinished begins the name of a key file that is being written.
const unfinished = ".master-"

// removeUnfinished deletes what a process left that was killed while it made the key. One that is making it now then
// finds that the name is taken, which is as well.
func removeUnfinished(path string) error {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), unfinished+"*"))
	for _, file := range left {
		if e := os.Remove(file); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// makeMasterKey writes the key whole or not at all: to a file of its own first, which is then linked to its name.
func makeMasterKey(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	text := base64.StdEncoding.EncodeToString(secret.Bytes(secret.MasterKeyLen)) + "\n"
	if _, err := f.WriteString(text); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path) // fails where the name is taken
}
