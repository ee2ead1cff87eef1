package archtest

import (
	"os"
	"path/filepath"
	"testing"
)

// The rules hold for this tree.
func TestTree_KeepsTheRules(t *testing.T) {
	tree, err := Load(os.DirFS(root(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages) < 20 {
		t.Fatalf("found %d packages: this is not the whole tree", len(tree.Packages))
	}
	for _, p := range Check(tree, Exceptions) {
		t.Error(p)
	}
}

// root gives the folder of the module, which is where go.mod is.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("found no go.mod above this folder")
		}
		dir = up
	}
}
