// Package session owns the sessions table and the form of refresh tokens. A session is one sign-in of one person
// through one client: a single row, changed in place for as long as it lasts. Who may have one is policy's matter, and
// making the tokens that go with it is flow/issue's.
package session

import (
	"time"

	"github.com/durwardhq/durward/internal/ident"
)

// State is what a session is at a moment. It follows from the row and the clock; no column holds it.
//
//	         sign-in
//	            │
//	            ▼          refresh
//	         ┌──────┐ ◀──────────────┐
//	         │ live │ ───────────────┘
//	         └──────┘
//	sign-out,│  │  │ absolute end reached
//	theft, … │  │  └────────────▶ expired
//	         │  └─ not refreshed for the idle timeout ─▶ idle
//	         ▼
//	       ended
//
// Nothing leads out of ended, expired and idle; the row leaves later, by a job.
type State string

// The states of a session.
const (
	Live    State = "live"
	Ended   State = "ended"
	Idle    State = "idle"
	Expired State = "expired"
)

// EndReason says why a session was ended before its time.
type EndReason string

// The reasons for which sessions are ended.
const (
	EndSignOut    EndReason = "sign_out"
	EndSignOutAll EndReason = "sign_out_all"
	EndReuse      EndReason = "refresh_reuse"
	EndPassword   EndReason = "password_set"
)

// Limits are how long sessions last: Idle since sign-in or the last refresh, Absolute since sign-in.
type Limits struct{ Idle, Absolute time.Duration }

// Session is a row of the table. Rotation counts the refreshes so far; RefreshedAt is the time of the last one, or of
// the sign-in. ExpiresAt is the absolute end.
type Session struct {
	ID          ident.SessionID
	User        ident.UserID
	Client      ident.Client
	AMR         ident.AMR
	ACR         ident.ACR
	CreatedAt   time.Time
	AuthTime    time.Time
	RefreshedAt time.Time
	Rotation    int64
	ExpiresAt   time.Time
	EndedAt     *time.Time
	EndReason   EndReason
}

// Begin makes the session of a sign-in at now.
func Begin(user ident.UserID, client ident.Client, amr ident.AMR, acr ident.ACR, now time.Time, l Limits) Session {
	return Session{
		ID: ident.NewSessionID(), User: user, Client: client, AMR: amr, ACR: acr,
		CreatedAt: now, AuthTime: now, RefreshedAt: now, ExpiresAt: now.Add(l.Absolute),
	}
}

// StateAt tells the state at now. An end that was caused comes before one that time brings.
func (s Session) StateAt(now time.Time, l Limits) State {
	switch {
	case s.EndedAt != nil:
		return Ended
	case !now.Before(s.ExpiresAt):
		return Expired
	case !now.Before(s.RefreshedAt.Add(l.Idle)):
		return Idle
	}
	return Live
}

// End is when the session ends if nobody refreshes it: the earlier of the idle and the absolute limit.
func (s Session) End(l Limits) time.Time {
	if idle := s.RefreshedAt.Add(l.Idle); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}

// Verdict is what a presented refresh token means for a live session.
type Verdict string

// The verdicts on a refresh token.
const (
	// Rotate: it is the newest token; the session moves on and a successor is given.
	Rotate Verdict = "rotate"
	// Repeat: it was replaced a moment ago, by another tab or in an answer that got lost; the same successor again.
	Repeat Verdict = "repeat"
	// Stolen: it was replaced longer ago, or more than once: somebody holds a copy, and the session has to end.
	Stolen Verdict = "stolen"
	// Foreign: a token from the future of this row, as after a restore of an older backup. It proves no theft.
	Foreign Verdict = "foreign"
)

// Judge decides on a token of rotation presented against a live session. The window counts from the last rotation and
// is not extended by repeating.
func (s Session) Judge(presented int64, now time.Time, window time.Duration) Verdict {
	switch {
	case presented == s.Rotation:
		return Rotate
	case presented > s.Rotation:
		return Foreign
	case presented == s.Rotation-1 && now.Before(s.RefreshedAt.Add(window)):
		return Repeat
	}
	return Stolen
}
