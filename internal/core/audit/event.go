// Package audit owns the log of security events (tables audit_events and subject_keys) and is the only way into a
// write transaction for the flows above it: InTx stores the event with the change, so a change without its event does
// not compile. What an event means, and who may read it, is left to others.
package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/durwardhq/durward/internal/ident"
)

// Type is what happened. The vocabulary is closed; docs/events.md lists it.
type Type string

// The events.
const (
	AccountRegistered Type = "account.registered"
	AccountCreated    Type = "account.created"
	PasswordSet       Type = "password.set"
	PasswordRehashed  Type = "password.rehashed"
	RoleGranted       Type = "role.granted"
	RoleRevoked       Type = "role.revoked"
	SessionStarted    Type = "session.started"
	SessionRefreshed  Type = "session.refreshed"
	SessionEnded      Type = "session.ended"
	SessionsEnded     Type = "session.all_ended"
	RefreshReused     Type = "session.refresh_reused"
	KeyCreated        Type = "signing_key.created"
	SealedKeyCreated  Type = "sealed_key.created"
	KeyRotated        Type = "signing_key.rotated"
	KeysRemoved       Type = "signing_key.removed"
	SessionsExpired   Type = "session.expired_deleted"
)

// Meaning explains each event; its keys are the whole vocabulary.
func Meaning() map[Type]string {
	return map[Type]string{
		AccountRegistered: "Somebody registered, or tried to with a name that is taken.",
		AccountCreated:    "An operator made an account.",
		PasswordSet:       "An operator set an account's password; its sessions ended.",
		PasswordRehashed:  "A password was hashed anew at sign-in, since the scheme or its parameters had changed.",
		RoleGranted:       "A role was given to an account.",
		RoleRevoked:       "A role was taken from an account.",
		SessionStarted:    "Somebody signed in, or tried to.",
		SessionRefreshed:  "Tokens were refreshed. Counted, not stored.",
		SessionEnded:      "A session was ended by its owner.",
		SessionsEnded:     "All sessions of an account were ended.",
		RefreshReused:     "An old refresh token was presented: a copy is in other hands. The session was ended.",
		KeyCreated:        "The first signing key was made.",
		SealedKeyCreated:  "The first key of another purpose (MAC of refresh tokens, …) was made.",
		KeyRotated:        "A new signing key was published.",
		KeysRemoved:       "Signing keys past their use were deleted.",
		SessionsExpired:   "Sessions past their end were deleted. Counted, not stored.",
	}
}

// Outcome tells whether what was attempted took place.
type Outcome string

// The outcomes.
const (
	Success Outcome = "success"
	Refused Outcome = "refused"
)

// Event is one entry of the log. Reason is the true one, also where the answer must not tell it. Address and Device of
// the actor are personal and stored sealed; Details are not personal.
type Event struct {
	ID      ident.EventID
	At      time.Time
	Type    Type
	Outcome Outcome
	Reason  string
	Actor   ident.Actor
	Subject ident.UserID // 0 where no account is concerned
	Session ident.SessionID
	Client  ident.Client
	Details map[string]string

	moot bool
}

// Moot notes that nothing was changed and nothing attempted that is not in the log already: no row is stored.
func (e *Event) Moot() { e.moot = true }

// Refuse notes that the attempt was refused and why.
func (e *Event) Refuse(reason string) { e.Outcome, e.Reason = Refused, reason }

// Detail adds a fact that is not personal.
func (e *Event) Detail(name, value string) {
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details[name] = value
}

// personal is the part of an event that is sealed under the subject's key.
type personal struct {
	Address string `json:"address,omitempty"`
	Device  string `json:"device,omitempty"`
}

// anonymousPrefix begins the subject of events that concern no account; they share a key a day, so that they too can
// be forgotten.
const anonymousPrefix = "day:"

func (e *Event) keySubject() string {
	if e.Subject == 0 {
		return anonymousPrefix + e.At.Format(time.DateOnly)
	}
	return userSubject(e.Subject)
}

func userSubject(id ident.UserID) string { return "user:" + id.String() }

func (e *Event) personal() ([]byte, error) {
	p := personal{Device: e.Actor.Device}
	if e.Actor.Address.IsValid() {
		p.Address = e.Actor.Address.String()
	}
	return json.Marshal(p)
}

// detailsText is the canonical form of the details: a JSON object whose members stand in the order of their names.
func (e *Event) detailsText() (string, error) {
	if len(e.Details) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(e.Details) // sorts by key
	return string(text), err
}

// canonical gives the bytes that the digest of an event is taken over: a line "name=value" for each field in a fixed
// order, values as quoted JSON strings, times in RFC 3339 with microseconds. The form is frozen by a golden file:
// digests that were stored must stay true.
func canonical(e *Event, details, sealedFor string, sealed []byte) ([]byte, error) {
	fields := []struct{ name, value string }{
		{"id", string(e.ID)},
		{"at", e.At.UTC().Format("2006-01-02T15:04:05.000000Z")},
		{"type", string(e.Type)},
		{"outcome", string(e.Outcome)},
		{"reason", e.Reason},
		{"actor_kind", string(e.Actor.Kind)},
		{"actor_id", optionalID(e.Actor.User)},
		{"subject_id", optionalID(e.Subject)},
		{"session_id", string(e.Session)},
		{"client", string(e.Client)},
		{"request_id", string(e.Actor.Request)},
		{"details", details},
		{"sealed_for", sealedFor},
		{"sealed", fmt.Sprintf("%x", sealed)},
	}
	var b strings.Builder
	b.WriteString("durward-audit-event v1\n")
	for _, f := range fields {
		quoted, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b.WriteString(f.name + "=" + string(quoted) + "\n")
	}
	return []byte(b.String()), nil
}

func optionalID(id ident.UserID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}

// Types lists the vocabulary in order.
func Types() []Type {
	var all []Type
	for t := range Meaning() {
		all = append(all, t)
	}
	slices.Sort(all)
	return all
}
