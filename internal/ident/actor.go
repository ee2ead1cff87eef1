package ident

import "net/netip"

// ActorKind says what sort of party causes a change.
type ActorKind string

const (
	// ActorAnonymous is a caller who has not proved anything yet.
	ActorAnonymous ActorKind = "anonymous"
	// ActorUser is a signed-in person.
	ActorUser ActorKind = "user"
	// ActorOperator is somebody at the command line of the machine.
	ActorOperator ActorKind = "operator"
	// ActorSystem is the server itself: a job, a schedule, a start.
	ActorSystem ActorKind = "system"
)

// Actor is who causes a change and from where, as far as the server can tell. The address has already been read
// through the trusted proxies. Address and Device are personal data: they are logged and stored only sealed.
type Actor struct {
	Kind    ActorKind
	User    UserID    // set for ActorUser
	Session SessionID // set where the act comes through a session
	Request RequestID // empty outside HTTP
	Address netip.Addr
	Device  string // the User-Agent as sent, cut to 256 bytes
}

// AMR is an authentication method reference (RFC 8176 §2).
type AMR string

// AMRPassword is a password.
const AMRPassword AMR = "pwd"

// ACR is an authentication context class reference: how far a sign-in can be trusted.
type ACR string

// ACRSingleFactor is one factor, the lowest level that is given out.
const ACRSingleFactor ACR = "urn:durward:acr:1fa"

// Client is the OAuth client id that a token was made for.
type Client string

// FirstParty is the client of Durward's own account and admin APIs.
const FirstParty Client = "durward"
