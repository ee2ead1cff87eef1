package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/role"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/db/dbtest"
	"github.com/durwardhq/durward/internal/platform/secret"
)

func TestUserCreate_MakesAnAccountWithItsRoles(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		out := s.typing(goodPassword+"\n").ok(t, "user", "create", "--username", "Alice", "--email", "alice@example.com",
			"--role", "admin", "--role", "viewer", "--password-stdin", "--json")
		made := decode[userView](t, out)
		if made.ID != 1 || made.Username != "Alice" || made.Email != "alice@example.com" || made.Status != "active" ||
			fmt.Sprint(made.Roles) != "[admin viewer]" || made.CreatedAt.IsZero() {
			t.Errorf("got %+v", made)
		}
		text := s.typing(goodPassword).ok(t, "user", "create", "--username=bob", "--email=bob@example.com",
			"--password-stdin")
		if text != "Account 2 was made: bob, bob@example.com, roles: none.\n" {
			t.Errorf("got %q", text)
		}
	})
}

func TestUserCreate_TellsEverythingThatIsWrongALineAField(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		words := []string{"user", "create", "--username", "a b", "--email", "nowhere", "--role", "root", "--password-stdin"}
		r := s.typing("short").run(t, words...)
		refused(t, r, exitRefused, "durward: The account cannot be made like this.\n", "\n  username: White space",
			"\n  email: ", "\n  password: The password needs at least 8 characters", "\n  role: A role is one of")
		lacks(t, r.err, "short\n", "root")
		f := decode[failure](t, s.typing("short").run(t, append(words, "--json")...).err)
		if f.Code != "validation_failed" || len(f.Errors) != 4 || f.Errors[2].Field != "password" ||
			fmt.Sprint(f.Errors[2].Rules) != "[too_short no_upper no_digit no_special]" {
			t.Errorf("got %+v", f)
		}
		if page := decode[userPage](t, s.ok(t, "user", "list", "--json")); len(page.Items) != 0 {
			t.Errorf("an account was made: %+v", page)
		}
	})
}

func TestUserCreate_RefusesNamesThatAreTaken(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		r := s.typing(goodPassword).run(t, "user", "create", "--username=ALICE", "--email=Alice@Example.com",
			"--password-stdin", "--role=admin")
		refused(t, r, exitRefused, "username: This username is in use", "email: This email address is in use")
		if u := decode[userView](t, s.ok(t, "user", "show", "alice", "--json")); len(u.Roles) != 0 {
			t.Errorf("the account that was there got roles: %+v", u)
		}
	})
}

func TestUserCreate_SaysThatItMakesANewDatabase(t *testing.T) {
	s := newShell(t).typing(goodPassword)
	words := []string{"user", "create", "--dev", "--username=alice", "--email=alice@example.com", "--password-stdin"}
	contains(t, s.run(t, words...).err, "making a new database at .durward/durward.db", "migration 1 (foundation) applied")
	if r := s.run(t, append(words, "--json")...); strings.Contains(r.err, "migration") {
		t.Errorf("the second time: %s", r.err)
	}
}

func TestPassword_IsAskedForOnlyWhereThereIsATerminal(t *testing.T) {
	s := newShell(t)
	for _, words := range []string{
		"user create --dev --username=alice --email=alice@example.com", "user set-password --dev alice",
	} {
		refused(t, s.run(t, strings.Fields(words)...), exitMisused, "no terminal", "--password-stdin", "See: durward user ")
	}
	if exists(".durward") {
		t.Error("something was made")
	}
}

func TestPassword_FromStandardInputIsBounded(t *testing.T) {
	s := newShell(t).typing(strings.Repeat("x", maxPasswordInput+1))
	refused(t, s.run(t, "user", "set-password", "--dev", "alice", "--password-stdin"), exitFailed, "more than 64 KiB")
}

func TestPassword_LosesOneNewlineAndNothingElse(t *testing.T) {
	for typed, want := range map[string]string{
		"a": "a", "a\n": "a", "a\r\n": "a", "a\n\n": "a\n", " a ": " a ", "a\nb\n": "a\nb", "": "", "\n": "",
	} {
		got, err := passwordFrom(strings.NewReader(typed))
		if err != nil || got.Reveal() != want {
			t.Errorf("%q: got %q, %v; want %q", typed, got.Reveal(), err, want)
		}
	}
}

func TestUserShow_FindsByUsernameAddressAndNumber(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice", "--role=editor")
		s.createUser(t, "1")
		for reference, want := range map[string]string{
			"alice": "alice", "ALICE": "alice", "Alice@EXAMPLE.com": "alice", "id:1": "alice", "1": "1", "id:2": "1",
		} {
			if u := decode[userView](t, s.ok(t, "user", "show", reference, "--json")); u.Username != want {
				t.Errorf("%s is %s, want %s", reference, u.Username, want)
			}
		}
		contains(t, s.ok(t, "user", "show", "alice"), "id        1\n", "username  alice\n",
			"roles     editor\n", "status    active\n")
	})
}

func TestUserReferences_ThatNameNobodySayWhatToDo(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		for _, reference := range []string{"bob", "bob@example.com", "7", "id:7", "id:0", "id:x", "", "a\nb"} {
			for _, command := range []string{"show", "grant", "revoke", "set-password"} {
				words := []string{"user", command, reference}
				switch command {
				case "grant", "revoke":
					words = append(words, "admin")
				case "set-password":
					words = append(words, "--password-stdin")
				}
				refused(t, s.typing(goodPassword).run(t, words...), exitRefused, "There is no account", "durward user list")
			}
		}
		contains(t, s.run(t, "user", "show", "7").err, "write id:7")
	})
}

func TestUserGrantAndRevoke_ChangeRolesAndSayWhetherTheyDid(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		for _, step := range []struct{ command, says string }{
			{"grant alice admin", "alice has the role admin now.\n"},
			{"grant alice admin", "alice had the role admin already.\n"},
			{"grant alice viewer", "alice has the role viewer now.\n"},
			{"revoke alice admin", "alice has the role admin no more.\n"},
			{"revoke alice admin", "alice did not have the role admin.\n"},
		} {
			if got := s.ok(t, strings.Fields("user "+step.command)...); got != step.says {
				t.Errorf("%s: got %q, want %q", step.command, got, step.says)
			}
		}
		got := decode[roleChanged](t, s.ok(t, "user", "grant", "id:1", "editor", "--json"))
		if got.UserID != 1 || got.Role != role.Editor || !got.Changed || fmt.Sprint(got.Roles) != "[editor viewer]" {
			t.Errorf("got %+v", got)
		}
		refused(t, s.run(t, "user", "grant", "alice", "Admin"), exitRefused, "There is no such role.",
			"  role: A role is one of")
		refused(t, s.run(t, "user", "revoke", "alice", "root"), exitRefused, "There is no such role.")
	})
}

func TestUserSetPassword_RefusesAWeakOne(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		s.createUser(t, "alice")
		refused(t, s.typing("weak").run(t, "user", "set-password", "alice", "--password-stdin"), exitRefused,
			"  password: The password needs at least 8 characters")
		text := s.typing("Another-Horse-9").ok(t, "user", "set-password", "alice", "--password-stdin")
		if text != "The password of alice was set. 0 sessions were ended.\n" {
			t.Errorf("got %q", text)
		}
		out := s.typing(goodPassword).ok(t, "user", "set-password", "id:1", "--password-stdin", "--json")
		if got := decode[passwordSet](t, out); got != (passwordSet{UserID: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestUserList_GivesEveryAccountOnceOverItsPages(t *testing.T) {
	const all = 2*account.MaxPage + 5
	eachEngine(t, func(t *testing.T, s shell) {
		s.ok(t, "migrate", "up")
		insertUsers(t, s, all)
		s.ok(t, "user", "grant", "user300", "viewer")
		for _, limit := range []int{1 + all/3, account.MaxPage, all - 1, all, 500} {
			seen, after := 0, "0"
			for pages := 0; after != ""; pages++ {
				page := decode[userPage](t, s.ok(t, "user", "list", "--json", fmt.Sprint("--limit=", limit), "--after="+after))
				for _, u := range page.Items {
					if seen++; u.Username != fmt.Sprint("user", seen) || (len(u.Roles) == 1) != (seen == 300) {
						t.Fatalf("limit %d: account %d in order is %+v", limit, seen, u)
					}
				}
				after = ""
				if page.NextCursor != nil {
					after = page.NextCursor.String()
				}
				if len(page.Items) == 0 || pages > all {
					t.Fatalf("limit %d: page %d is %+v", limit, pages, page)
				}
			}
			if seen != all {
				t.Errorf("limit %d: %d accounts, want %d", limit, seen, all)
			}
		}
		text := s.ok(t, "user", "list")
		contains(t, text, "ID ", "USERNAME", "user50@example.com", "There are more: --after 50\n")
		lacks(t, text, "user51")
	})
}

func TestUserList_OfNobodyIsEmptyAndNotNull(t *testing.T) {
	s := production(t, db.SQLite)
	s.ok(t, "migrate", "up")
	if got := s.ok(t, "user", "list", "--json"); got != "{\n  \"items\": [],\n  \"next_cursor\": null\n}\n" {
		t.Errorf("got %q", got)
	}
}

// insertUsers makes accounts without the cost of hashing.
func insertUsers(t *testing.T, s shell, n int) {
	t.Helper()
	d := dbtest.Open(t, secret.New(s.databaseURL()), db.Options{})
	_, err := db.Write(t.Context(), d, func(ctx context.Context, tx *db.Tx) (struct{}, error) {
		for i := 1; i <= n; i++ {
			username, _ := account.ParseUsername(fmt.Sprint("user", i))
			email, _ := account.ParseEmail(fmt.Sprintf("user%d@example.com", i))
			if _, taken, err := account.Insert(ctx, tx, username, email, "none"); err != nil || taken.Any() {
				return struct{}{}, fmt.Errorf("account %d: %v, %w", i, taken, err)
			}
		}
		return struct{}{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCommands_InAFolderWithoutADatabaseMakeNone(t *testing.T) {
	s := newShell(t).typing(goodPassword)
	for _, command := range []string{
		"user list", "user show alice", "user grant alice admin", "user revoke alice admin",
		"user set-password alice --password-stdin", "keys list", "keys rotate", "migrate status",
	} {
		refused(t, s.run(t, strings.Fields(command+" --dev")...), exitRefused, "There is no database at .durward/durward.db",
			"--config")
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("%v: something was made: %v", err, entries)
	}
}

func TestCommands_OnADatabaseThatIsAwaySaySo(t *testing.T) {
	const url = "postgres://durward:hunter2@127.0.0.1:1/durward"
	s := production(t, db.SQLite).with("DURWARD_DATABASE_URL=" + url).typing(goodPassword)
	for _, command := range []string{
		"user list", "user grant alice admin", "migrate status", "migrate up", "keys list", "serve",
	} {
		r := s.run(t, strings.Fields(command+" --listen=127.0.0.1:0 --ops-listen=")...)
		if r.code != exitFailed {
			t.Errorf("%s: exit code %d, want %d", command, r.code, exitFailed)
		}
		contains(t, r.err, "The database cannot be reached", "Cause: ", "connection refused")
		lacks(t, r.err, "hunter2")
	}
}

func TestCommands_ThatLookDoNotMigrate(t *testing.T) {
	eachEngine(t, func(t *testing.T, s shell) {
		d := dbtest.Open(t, secret.New(s.databaseURL()), db.Options{})
		for _, command := range []string{"user list", "user show alice", "keys list"} {
			refused(t, s.run(t, strings.Fields(command)...), exitFailed, "of this release's migrations", "durward migrate up")
		}
		all, err := d.Status(t.Context())
		if err != nil || newSchema(all).Schema != 0 {
			t.Errorf("%v: the database was migrated: %+v", err, all)
		}
	})
}
