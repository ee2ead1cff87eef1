package app

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestDevMasterKey_IsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "master.key")
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 16 {
		wg.Go(func() {
			key, err := devMasterKey(path, "")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[key.Reveal()] = true
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%d keys made at once", len(seen))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestDevMasterKey_ALostKeyIsNotReplacedBesideItsDatabase(t *testing.T) {
	folder := t.TempDir()
	path, database := filepath.Join(folder, "master.key"), filepath.Join(folder, "durward.db")
	if err := os.WriteFile(database, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := devMasterKey(path, database)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), database) || exists(path) {
		t.Errorf("got %v", err)
	}
}

func TestDevMasterKey_NamesABrokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(path, []byte("half a key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devMasterKey(path, ""); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestDevMasterKey_LeavesNoUnfinishedFile(t *testing.T) {
	folder := t.TempDir()
	left := filepath.Join(folder, unfinished+"123")
	if err := os.WriteFile(left, []byte("half a key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devMasterKey(filepath.Join(folder, "master.key"), ""); err != nil || exists(left) {
		t.Errorf("%v, still there: %v", err, exists(left))
	}
}
