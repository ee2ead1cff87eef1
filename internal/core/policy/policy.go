// Package policy decides whether a path may give out, or go on honouring, a session or a token. It is pure: facts in,
// a decision out; it owns no table and reads no clock. Every path that issues something asks it, so that a check can
// not be present on one path and missing on its sibling.
//
// Each fact is a word of its own type whose empty value means "nobody asked"; a fact that a path needs and did not
// gather is a refusal, never a pass.
package policy

// Path is a way to a session or token, or a use of one.
type Path string

// The paths. A new one is added here and in needs; the tests then demand an answer for it against every fact.
const (
	SignIn  Path = "sign_in" // a password was proven; a session is about to begin
	Refresh Path = "refresh" // a refresh token was proven; new tokens for a session that exists
	Access  Path = "access"  // an access token was proven; a request on its behalf
)

// Paths lists all of them.
func Paths() []Path { return []Path{SignIn, Refresh, Access} }

// Account is whether the person's account may be used.
type Account string

// The states of an account that matter here.
const (
	AccountActive      Account = "active"
	AccountDeactivated Account = "deactivated"
	AccountDeleted     Account = "deleted"
)

// Lock is whether the authenticator that was used is held back after failures.
type Lock string

// The states of a lock.
const (
	LockOpen   Lock = "open"
	LockClosed Lock = "locked"
)

// Email is whether the address satisfies the installation's rule on verification.
type Email string

// The states of an address.
const (
	EmailSettled Email = "settled" // verified, or nobody demands it
	EmailOwed    Email = "verification_owed"
)

// Factor is whether the factors that were proven suffice.
type Factor string

// The states of the factors.
const (
	FactorSettled Factor = "settled"
	FactorOwed    Factor = "factor_owed"
)

// Password is whether the password may go on being used.
type Password string

// The states of the password.
const (
	PasswordSettled    Password = "settled"
	PasswordChangeOwed Password = "change_owed"
)

// Client is whether the client that asks may be given anything.
type Client string

// The states of a client.
const (
	ClientGood     Client = "good"
	ClientDisabled Client = "disabled"
	ClientUnknown  Client = "unknown"
)

// Session is what the session is that the path rests on. SignIn rests on none.
type Session string

// The states of a session.
const (
	SessionLive    Session = "live"
	SessionEnded   Session = "ended"
	SessionIdle    Session = "idle"
	SessionExpired Session = "expired"
	SessionUnknown Session = "unknown"
)

// Facts are what a path found out, all read in the transaction or statement that the decision is for.
type Facts struct {
	Account  Account
	Lock     Lock
	Email    Email
	Factor   Factor
	Password Password
	Client   Client
	Session  Session
}

// Outcome is the kind of a decision.
type Outcome string

const (
	// Allow lets the path go on.
	Allow Outcome = "allow"
	// Refuse ends it.
	Refuse Outcome = "refuse"
	// Owe ends it for now: the person first has to do what Reason says.
	Owe Outcome = "owe"
)

// Reason says why a decision is not Allow, in a stable word for the audit log.
type Reason string

// The reasons.
const (
	ReasonNone                 Reason = ""
	ReasonClientUnknown        Reason = "client_unknown"
	ReasonClientDisabled       Reason = "client_disabled"
	ReasonSessionUnknown       Reason = "session_unknown"
	ReasonSessionEnded         Reason = "session_ended"
	ReasonSessionIdle          Reason = "session_idle"
	ReasonSessionExpired       Reason = "session_expired"
	ReasonAccountDeactivated   Reason = "account_deactivated"
	ReasonAccountDeleted       Reason = "account_deleted"
	ReasonLocked               Reason = "locked"
	ReasonEmailNotVerified     Reason = "email_not_verified"
	ReasonPasswordChangeNeeded Reason = "password_change_required"
	ReasonFactorOwed           Reason = "factor_owed"
	ReasonFactMissing          Reason = "fact_missing"
)

// Decision is an outcome with its reason.
type Decision struct {
	Outcome Outcome
	Reason  Reason
}

// Allowed tells whether the path may go on.
func (d Decision) Allowed() bool { return d.Outcome == Allow }
