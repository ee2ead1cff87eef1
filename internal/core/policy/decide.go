package policy

import "slices"

// check is one question of the policy: how it reads the facts, and which paths have to ask it.
type check struct {
	name   string
	asked  []Path
	answer func(Facts) (Decision, bool) // false: the fact has no value that the check knows
}

var (
	pass     = Decision{Outcome: Allow}
	everyone = Paths()
)

func refuse(r Reason) Decision { return Decision{Outcome: Refuse, Reason: r} }
func owe(r Reason) Decision    { return Decision{Outcome: Owe, Reason: r} }

// checks stand in the order in which they are asked; the first that does not pass decides. What is wrong for good
// comes before what the person can mend.
var checks = []check{
	one("client", everyone, func(f Facts) Client { return f.Client }, map[Client]Decision{
		ClientGood:     pass,
		ClientDisabled: refuse(ReasonClientDisabled),
		ClientUnknown:  refuse(ReasonClientUnknown),
	}),
	one("session", []Path{Refresh, Access}, func(f Facts) Session { return f.Session }, map[Session]Decision{
		SessionLive:    pass,
		SessionEnded:   refuse(ReasonSessionEnded),
		SessionIdle:    refuse(ReasonSessionIdle),
		SessionExpired: refuse(ReasonSessionExpired),
		SessionUnknown: refuse(ReasonSessionUnknown),
	}),
	one("account", everyone, func(f Facts) Account { return f.Account }, map[Account]Decision{
		AccountActive:      pass,
		AccountDeactivated: refuse(ReasonAccountDeactivated),
		AccountDeleted:     refuse(ReasonAccountDeleted),
	}),
	// A lock holds back an authenticator, not the person: whoever is signed in already stays so, or strangers could
	// sign people out by guessing.
	one("lock", []Path{SignIn}, func(f Facts) Lock { return f.Lock }, map[Lock]Decision{
		LockOpen:   pass,
		LockClosed: refuse(ReasonLocked),
	}),
	one("email", everyone, func(f Facts) Email { return f.Email }, map[Email]Decision{
		EmailSettled: pass,
		EmailOwed:    owe(ReasonEmailNotVerified),
	}),
	one("password", everyone, func(f Facts) Password { return f.Password }, map[Password]Decision{
		PasswordSettled:    pass,
		PasswordChangeOwed: owe(ReasonPasswordChangeNeeded),
	}),
	one("factor", everyone, func(f Facts) Factor { return f.Factor }, map[Factor]Decision{
		FactorSettled: pass,
		FactorOwed:    owe(ReasonFactorOwed),
	}),
}

func one[T comparable](name string, asked []Path, fact func(Facts) T, answers map[T]Decision) check {
	return check{name: name, asked: asked, answer: func(f Facts) (Decision, bool) {
		d, known := answers[fact(f)]
		return d, known
	}}
}

// Decide is the one policy. An unknown path, a fact that was not gathered and a value that nobody foresaw are refused.
func Decide(path Path, f Facts) Decision {
	if !slices.Contains(everyone, path) {
		return refuse(ReasonFactMissing)
	}
	for _, c := range checks {
		if !slices.Contains(c.asked, path) {
			continue
		}
		d, known := c.answer(f)
		if !known {
			return refuse(ReasonFactMissing)
		}
		if !d.Allowed() {
			return d
		}
	}
	return pass
}
