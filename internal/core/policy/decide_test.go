package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/platform/golden"
)

// settled are facts with which every path goes on.
func settled() Facts {
	return Facts{
		Account: AccountActive, Lock: LockOpen, Email: EmailSettled, Factor: FactorSettled,
		Password: PasswordSettled, Client: ClientGood, Session: SessionLive,
	}
}

// variants are every value of every fact, the empty and an unforeseen one included, each in otherwise settled facts.
func variants() []struct {
	name  string
	facts Facts
} {
	var all []struct {
		name  string
		facts Facts
	}
	add := func(fact, value string, set func(*Facts)) {
		f := settled()
		set(&f)
		all = append(all, struct {
			name  string
			facts Facts
		}{fact + "=" + value, f})
	}
	for _, v := range []Account{AccountActive, AccountDeactivated, AccountDeleted, "", "surprise"} {
		add("account", string(v), func(f *Facts) { f.Account = v })
	}
	for _, v := range []Lock{LockOpen, LockClosed, "", "surprise"} {
		add("lock", string(v), func(f *Facts) { f.Lock = v })
	}
	for _, v := range []Email{EmailSettled, EmailOwed, "", "surprise"} {
		add("email", string(v), func(f *Facts) { f.Email = v })
	}
	for _, v := range []Factor{FactorSettled, FactorOwed, "", "surprise"} {
		add("factor", string(v), func(f *Facts) { f.Factor = v })
	}
	for _, v := range []Password{PasswordSettled, PasswordChangeOwed, "", "surprise"} {
		add("password", string(v), func(f *Facts) { f.Password = v })
	}
	for _, v := range []Client{ClientGood, ClientDisabled, ClientUnknown, "", "surprise"} {
		add("client", string(v), func(f *Facts) { f.Client = v })
	}
	for _, v := range []Session{SessionLive, SessionEnded, SessionIdle, SessionExpired, SessionUnknown, "", "surprise"} {
		add("session", string(v), func(f *Facts) { f.Session = v })
	}
	return all
}

func TestDecide_EveryPathAnswersEveryFact(t *testing.T) {
	var b strings.Builder
	for _, path := range append(Paths(), "unheard_of") {
		for _, v := range variants() {
			d := Decide(path, v.facts)
			if d.Outcome != Allow && d.Reason == ReasonNone {
				t.Errorf("%s with %s: %s without a reason", path, v.name, d.Outcome)
			}
			fmt.Fprintf(&b, "%-10s %-28s %s %s\n", path, v.name, d.Outcome, d.Reason)
		}
	}
	golden.Check(t, "testdata/decisions.golden", b.String())
}

func TestDecide_NothingGatheredIsRefusedOnEveryPath(t *testing.T) {
	for _, path := range Paths() {
		if d := Decide(path, Facts{}); d.Allowed() || d.Reason != ReasonFactMissing {
			t.Errorf("%s with no facts: %+v", path, d)
		}
	}
}

func TestDecide_WhatIsWrongForGoodComesBeforeWhatCanBeMended(t *testing.T) {
	f := settled()
	f.Account, f.Factor, f.Email = AccountDeactivated, FactorOwed, EmailOwed
	if d := Decide(SignIn, f); d.Reason != ReasonAccountDeactivated {
		t.Errorf("got %+v", d)
	}
}

func TestChecks_EveryPathAsksAboutClientAndAccount(t *testing.T) {
	for _, path := range Paths() {
		asked := map[string]bool{}
		for _, c := range checks {
			for _, p := range c.asked {
				if p == path {
					asked[c.name] = true
				}
			}
		}
		if !asked["client"] || !asked["account"] || !asked["factor"] {
			t.Errorf("%s asks only %v", path, asked)
		}
	}
}
