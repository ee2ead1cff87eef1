// Package issue is the one way to a session or a token. It gathers the facts, asks core/policy, makes the session and
// mints the tokens that go with it; the flows above it prove who somebody is and decide nothing about issuance.
package issue

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/durwardhq/durward/internal/core/account"
	"github.com/durwardhq/durward/internal/core/lookup"
	"github.com/durwardhq/durward/internal/core/policy"
	"github.com/durwardhq/durward/internal/core/session"
	"github.com/durwardhq/durward/internal/core/signingkey"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// APIScope is the scope of first-party access tokens: the account and admin APIs. What it allows is decided by the
// roles in the database, never by the token.
const APIScope = "account"

// Settings are what issuance needs to know of the installation. Issuer is the public URL; Audience that of our own API.
type Settings struct {
	Issuer      string
	Audience    string
	AccessTTL   time.Duration
	ReuseWindow time.Duration
	Sessions    session.Limits
}

// Issuer makes sessions and tokens.
type Issuer struct {
	settings Settings
	keys     *signingkey.Ring
	codec    *session.Codec
}

// New makes an Issuer.
func New(s Settings, keys *signingkey.Ring, codec *session.Codec) *Issuer {
	return &Issuer{settings: s, keys: keys, codec: codec}
}

// Settings gives what the Issuer was made with.
func (i *Issuer) Settings() Settings { return i.settings }

// Tokens are what a client gets for a sign-in or a refresh.
type Tokens struct {
	Access         secret.String
	AccessExpires  time.Duration // from now
	Refresh        secret.String
	RefreshExpires time.Duration // from now: the smaller of what is left of the idle and the absolute limit
	Session        ident.SessionID
	User           ident.UserID
}

// Subject is a person as read in the transaction that issues.
type Subject struct {
	User  account.User
	Roles []string
}

// Opened is a session that the policy has allowed. Only this package can make one, so tokens cannot be minted without
// the policy having been asked.
type Opened struct {
	session  session.Session
	username string
	roles    []string
	now      time.Time
}

// SessionID names the session.
func (o Opened) SessionID() ident.SessionID { return o.session.ID }

// User is whose session it is.
func (o Opened) User() ident.UserID { return o.session.User }

// Open asks the policy and, where it allows, stores a new session for a person who has just proven a password. The
// tokens are minted with Mint after the transaction, since signing has no place inside one.
func (i *Issuer) Open(ctx context.Context, tx *db.Tx, who Subject, amr ident.AMR) (Opened, policy.Decision, error) {
	decision := policy.Decide(policy.SignIn, policy.Facts{
		Account:  policy.Account(who.User.Status),
		Lock:     policy.LockOpen,
		Email:    policy.EmailSettled,
		Factor:   policy.FactorSettled,
		Password: policy.PasswordSettled,
		Client:   policy.ClientGood,
	})
	if !decision.Allowed() {
		return Opened{}, decision, nil
	}
	s := session.Begin(who.User.ID, ident.FirstParty, amr, ident.ACRSingleFactor, tx.Now(), i.settings.Sessions)
	if err := session.Insert(ctx, tx, s); err != nil {
		return Opened{}, policy.Decision{}, err
	}
	return Opened{session: s, username: who.User.Username, roles: who.Roles, now: tx.Now()}, decision, nil
}

// Judged is a session as it stands, with the policy's decision about it for one path.
type Judged struct {
	Facts    lookup.SessionFacts
	Session  session.Session
	Found    bool
	Decision policy.Decision
}

// Judge reads a session, its user and roles as they are now, in one statement, and asks the policy.
func (i *Issuer) Judge(ctx context.Context, q db.Querier, path policy.Path, id ident.SessionID) (Judged, error) {
	facts, found, err := lookup.Session(ctx, q, id)
	if err != nil {
		return Judged{}, err
	}
	j := Judged{Facts: facts, Found: found}
	if !found {
		// The account hangs on the session, so there is none to ask about either.
		j.Decision = policy.Decision{Outcome: policy.Refuse, Reason: policy.ReasonSessionUnknown}
		return j, nil
	}
	j.Session = sessionOf(facts)
	j.Decision = policy.Decide(path, policy.Facts{
		Account:  policy.Account(facts.UserStatus),
		Lock:     policy.LockOpen,
		Email:    policy.EmailSettled,
		Factor:   policy.FactorSettled,
		Password: policy.PasswordSettled,
		Client:   clientFact(facts.Client),
		Session:  policy.Session(j.Session.StateAt(facts.At, i.settings.Sessions)),
	})
	return j, nil
}

func clientFact(c ident.Client) policy.Client {
	if c == ident.FirstParty {
		return policy.ClientGood
	}
	return policy.ClientUnknown
}

// Reopen turns a session that the policy has allowed into one that tokens can be minted for, as it is after a refresh
// to rotation at refreshedAt.
func (j Judged) Reopen(rotation int64, refreshedAt time.Time) (Opened, error) {
	if !j.Decision.Allowed() {
		return Opened{}, fmt.Errorf("session %s may not be reopened: %s", j.Session.ID, j.Decision.Reason)
	}
	s := j.Session
	s.Rotation, s.RefreshedAt = rotation, refreshedAt
	return Opened{session: s, username: j.Facts.Username, roles: j.Facts.Roles, now: j.Facts.At}, nil
}

func sessionOf(f lookup.SessionFacts) session.Session {
	return session.Session{
		ID: f.Session, User: f.User, Client: f.Client, AMR: f.AMR, ACR: f.ACR, CreatedAt: f.CreatedAt,
		AuthTime: f.AuthTime, RefreshedAt: f.RefreshedAt, Rotation: f.Rotation, ExpiresAt: f.ExpiresAt,
		EndedAt: f.EndedAt, EndReason: session.EndReason(f.EndReason),
	}
}

// Mint signs an access token and writes the refresh token of an opened session. The access token never outlives the
// session.
func (i *Issuer) Mint(o Opened) (Tokens, error) {
	signer, err := i.keys.Signer()
	if err != nil {
		return Tokens{}, fmt.Errorf("sign an access token: %w", err)
	}
	end := o.session.End(i.settings.Sessions)
	expires := o.now.Add(i.settings.AccessTTL)
	if end.Before(expires) {
		expires = end
	}
	claims, err := i.claims(o, expires).AppendJSON(nil)
	if err != nil {
		return Tokens{}, err
	}
	access, err := signer.Sign(jwt.TypeAccessToken, claims)
	if err != nil {
		return Tokens{}, fmt.Errorf("sign an access token: %w", err)
	}
	refresh, err := i.codec.Mint(session.Token{Session: o.session.ID, Rotation: o.session.Rotation})
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		Access: secret.New(access), AccessExpires: wholeSeconds(expires).Sub(wholeSeconds(o.now)), Refresh: secret.New(refresh),
		RefreshExpires: end.Sub(o.now), Session: o.session.ID, User: o.session.User,
	}, nil
}

// wholeSeconds is a time as tokens carry it.
func wholeSeconds(t time.Time) time.Time { return t.Truncate(time.Second) }

func (i *Issuer) claims(o Opened, expires time.Time) jwt.AccessClaims {
	return jwt.AccessClaims{
		Issuer: i.settings.Issuer, Subject: o.session.User.String(), Audience: i.settings.Audience,
		ClientID: string(o.session.Client), Scope: APIScope,
		Expires: expires.Unix(), IssuedAt: o.now.Unix(), NotBefore: o.now.Unix(), ID: tokenID(),
		SessionID: string(o.session.ID), AuthTime: o.session.AuthTime.Unix(), AMR: []string{string(o.session.AMR)},
		ACR: string(o.session.ACR), Username: o.username, Roles: o.roles,
	}
}

func tokenID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
