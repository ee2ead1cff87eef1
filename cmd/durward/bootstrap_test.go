package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/core/password"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
)

// bootstrapping is a shell whose server shall make the first administrator.
func bootstrapping(s shell) shell {
	return s.with("DURWARD_BOOTSTRAP_ADMIN_EMAIL=Ada.Lovelace@example.com",
		"DURWARD_BOOTSTRAP_PASSWORD_FILE=first/password")
}

func makeFolder(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// readSecret gives the content of a file of mode 0600 that is alone in its folder.
func readSecret(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v: want a file of mode 0600", err, info)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v: files were left over: %v", err, entries)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s shell) users(t *testing.T) []userView {
	t.Helper()
	return decode[userPage](t, s.ok(t, "user", "list", "--json")).Items
}

func TestBootstrap_MakesTheFirstAdministratorAndWritesThePasswordToAFile(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		makeFolder(t, "first")
		s = bootstrapping(s)
		r := s.serve(t)
		base := "http://" + r.listens().Listen
		text := readSecret(t, "first/password")
		word := strings.TrimSuffix(text, "\n")
		if len(word) < 40 || text == word {
			t.Errorf("the file holds %q", text)
		}
		_, me := get(t, base+"/me", signIn(t, base, "ada.lovelace@example.com", word))
		roles, _ := me["roles"].([]any)
		if me["username"] != "Ada.Lovelace" || len(roles) != 1 || roles[0] != "admin" {
			t.Errorf("got %v", me)
		}
		r.stops()
		contains(t, r.err.String(), "first administrator made", `"password_file":"first/password"`,
			`"username":"Ada.Lovelace"`)
		lacks(t, r.err.String()+r.out.String(), word)
	})
}

func TestBootstrap_HappensOnceAndLeavesLaterStartsAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		makeFolder(t, "first")
		s = bootstrapping(s)
		first := s.serve(t)
		first.listens()
		first.stops()
		before := readSecret(t, "first/password")
		second := s.serve(t)
		second.listens()
		second.stops()
		if got := readSecret(t, "first/password"); got != before {
			t.Error("the password file has changed")
		}
		if err := os.Remove("first/password"); err != nil {
			t.Fatal(err)
		}
		third := s.serve(t)
		third.listens()
		third.stops()
		if exists("first/password") || len(s.users(t)) != 1 {
			t.Error("a later start made another one")
		}
	})
}

func TestBootstrap_IsForADatabaseWithoutAccounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		makeFolder(t, "first")
		s.createUser(t, "alice")
		r := bootstrapping(s).serve(t)
		r.listens()
		r.stops()
		if exists("first/password") || len(s.users(t)) != 1 {
			t.Error("an administrator was made")
		}
	})
}

func TestBootstrap_OfManyInstancesAtOnceMakesOneAdministrator(t *testing.T) {
	for _, files := range []string{"one file", "a file each"} {
		t.Run(files, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, s shell) {
				makeFolder(t, "first")
				s = bootstrapping(s)
				s.ok(t, "migrate", "up")
				var all []*running
				for i := range 4 {
					if files == "a file each" {
						all = append(all, s.serve(t, "--bootstrap-password-file=first/password"+string(rune('0'+i))))
						continue
					}
					all = append(all, s.serve(t))
				}
				made := 0
				for _, r := range all {
					r.listens()
					r.stops()
					made += strings.Count(r.err.String(), "first administrator made")
				}
				entries, err := os.ReadDir("first")
				if err != nil || len(entries) != 1 || made != 1 || len(s.users(t)) != 1 {
					t.Errorf("%v: %d instances made one, there are the files %v and the accounts %v", err, made, entries, s.users(t))
				}
			})
		})
	}
}

func TestBootstrap_NeverOverwritesAFile(t *testing.T) {
	s := bootstrapping(production(t, db.SQLite))
	makeFolder(t, "first")
	if err := os.WriteFile("first/password", []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.serve(t).fails(exitFailed, "first/password already", "DURWARD_BOOTSTRAP_PASSWORD_FILE")
	if got := readSecret(t, "first/password"); got != "precious" || len(s.users(t)) != 0 {
		t.Errorf("the file holds %q, the accounts are %v", got, s.users(t))
	}
	begun, err := writePassword("first/password", secret.New("other"))
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(begun, "first/password"); err == nil || !exists(begun) {
		t.Errorf("published over a file that was there: %v", err)
	}
}

func TestBootstrap_ThatCannotWriteTheFileMakesNothing(t *testing.T) {
	s := bootstrapping(production(t, db.SQLite)) // without the folder
	s.serve(t).fails(exitFailed, "password cannot be written", "DURWARD_BOOTSTRAP_PASSWORD_FILE")
	if len(s.users(t)) != 0 {
		t.Error("an account was made")
	}
}

func TestBootstrap_WithAnAddressThatNoAccountMayHaveMakesNothing(t *testing.T) {
	makeFirst := func(t *testing.T) shell {
		s := bootstrapping(production(t, db.SQLite))
		makeFolder(t, "first")
		return s
	}
	s := makeFirst(t)
	s.serve(t, "--bootstrap-admin-email=admin@localhost").fails(exitFailed, "DURWARD_BOOTSTRAP_ADMIN_EMAIL", "email: ")
	if entries, err := os.ReadDir("first"); err != nil || len(entries) != 0 || len(s.users(t)) != 0 {
		t.Errorf("%v: something was made: %v", err, entries)
	}
}

func TestBootstrap_ThatFailsHalfwayKeepsThePasswordAndSaysWhere(t *testing.T) {
	newShell(t)
	begun, err := writePassword("password", secret.New("word"))
	if err != nil {
		t.Fatal(err)
	}
	err = notMade(errs.New(errs.Unavailable, "database_unavailable", "The database is away."), begun)
	f := explain(t.Context(), err)
	if f.exit != exitFailed || !exists(begun) || !strings.Contains(f.Message, begun) ||
		!strings.Contains(f.Cause, "The database is away.") {
		t.Errorf("got %+v", f)
	}
}

func TestAdminName_IsTheLocalPartWhereThatIsAUsername(t *testing.T) {
	for email, want := range map[string]string{
		"ada@example.com": "ada", "ada.lovelace@example.com": "ada.lovelace", "ada+id@example.com": "admin",
		`"a b"@example.com`: "admin", "@example.com": "admin", "nobody": "admin", "": "admin", "a@b@example.com": "admin",
	} {
		if got := adminName(email); got != want {
			t.Errorf("%s: got %s, want %s", email, got, want)
		}
	}
}

func TestOneTimePassword_KeepsTheStrictestRuleAndNeverRepeats(t *testing.T) {
	seen := map[string]bool{}
	for _, length := range []int{8, 43, 44, 47, 48, 128} {
		rules := password.DefaultRules()
		rules.MinLength = length
		policy, err := password.NewPolicy(rules)
		if err != nil {
			t.Fatal(err)
		}
		word := oneTimePassword(length)
		if wrong := policy.Check(word); wrong != nil || seen[word.Reveal()] {
			t.Errorf("length %d: %v, or it came twice", length, wrong)
		}
		seen[word.Reveal()] = true
	}
}
