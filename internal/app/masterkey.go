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
	key, err := devMasterKey(cfg.DevMasterKeyFile)
	if err != nil {
		return nil, fmt.Errorf("master key of the development profile: %w", err)
	}
	return secret.NewBox(key)
}

// devMasterKey reads the key file, or makes it where there is none. Of two processes that make it at once one wins and
// both use its key.
func devMasterKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeMasterKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != secret.MasterKeyLen {
		return nil, fmt.Errorf("%s: expected %d bytes in base64; restore the file, or delete the folder to begin anew", path,
			secret.MasterKeyLen)
	}
	return key, nil
}

// makeMasterKey writes the key whole or not at all: to a file of its own first, which is then linked to its name.
func makeMasterKey(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".master-*") // mode 0600
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
