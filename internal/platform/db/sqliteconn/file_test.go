package sqliteconn

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCreate_WithAndWithoutLinksMakesAFileForItsOwnerAloneAndKeepsAnExistingOne(t *testing.T) {
	for name, create := range map[string]func(string) error{"Create": Create, "createInPlace": createInPlace} {
		path := filepath.Join(t.TempDir(), "durward.db")
		if err := create(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 600", name, info, err)
		}
		if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := create(path); err != nil {
			t.Errorf("%s: a second time: %v", name, err)
		}
		if text, err := os.ReadFile(path); string(text) != "kept" {
			t.Errorf("%s: the file holds %q, %v", name, text, err)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("%s: the folder holds %v, %v", name, entries, err)
		}
	}
}

func TestPath_IsAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	got, err := Path("data/../durward.db")
	if err != nil || !filepath.IsAbs(got) || filepath.Base(got) != "durward.db" {
		t.Errorf("got %q, %v", got, err)
	}
}
