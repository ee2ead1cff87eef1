// Package ident holds the words that every band shares: the identifiers of users, sessions and keys, who acts, and
// how somebody proved who they are. It owns no rule and no storage, and imports nothing but the standard library.
package ident

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// UserID is a person's number: the primary key of the user table, from 1 upwards, never given out twice.
// Its text form, used as the `sub` of tokens, is plain decimal.
type UserID int64

// ErrMalformed says that a text is not an identifier of the expected kind.
var ErrMalformed = errors.New("malformed identifier")

// String gives the decimal form: "1".
func (id UserID) String() string { return strconv.FormatInt(int64(id), 10) }

// ParseUserID reads exactly what String writes: decimal digits, no sign, no leading zero, at least 1.
func ParseUserID(s string) (UserID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("user id %w", ErrMalformed)
	}
	return UserID(n), nil
}

// SessionID names one sign-in: "ses_" and 26 characters that carry 128 random bits.
type SessionID string

// KeyID names a signing key, the `kid` of a token: "key_" and 26 characters.
type KeyID string

// EventID names a row of the audit log: "evt_" and 26 characters.
type EventID string

// RequestID names one request in answers and logs: "req_" and 26 characters.
type RequestID string

const (
	sessionPrefix = "ses_"
	keyPrefix     = "key_"
	eventPrefix   = "evt_"
	requestPrefix = "req_"
	// RawLen is the number of random bytes behind a text id.
	RawLen = 16
)

// encoding is Crockford's base 32 in lower case: no i, l, o or u, so that ids survive being read aloud.
var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewSessionID makes a fresh session id.
func NewSessionID() SessionID { return SessionID(random(sessionPrefix)) }

// NewKeyID makes a fresh key id.
func NewKeyID() KeyID { return KeyID(random(keyPrefix)) }

// NewEventID makes a fresh event id.
func NewEventID() EventID { return EventID(random(eventPrefix)) }

// NewRequestID makes a fresh request id.
func NewRequestID() RequestID { return RequestID(random(requestPrefix)) }

// ParseSessionID accepts exactly what NewSessionID can make.
func ParseSessionID(s string) (SessionID, error) {
	raw, err := decode(sessionPrefix, s)
	if err != nil {
		return "", fmt.Errorf("session id %w", err)
	}
	return SessionIDFrom(raw), nil
}

// SessionIDFrom builds the id that stands for these 16 bytes.
func SessionIDFrom(raw [RawLen]byte) SessionID {
	return SessionID(sessionPrefix + encoding.EncodeToString(raw[:]))
}

// Raw gives the 16 bytes behind the id, for compact forms such as the refresh token.
func (id SessionID) Raw() ([RawLen]byte, error) { return decode(sessionPrefix, string(id)) }

func random(prefix string) string {
	var raw [RawLen]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the process instead
	return prefix + encoding.EncodeToString(raw[:])
}

func decode(prefix, s string) (raw [RawLen]byte, err error) {
	text, ok := strings.CutPrefix(s, prefix)
	if !ok || len(text) != encoding.EncodedLen(RawLen) {
		return raw, ErrMalformed
	}
	if n, err := encoding.Decode(raw[:], []byte(text)); err != nil || n != RawLen {
		return raw, ErrMalformed
	}
	if encoding.EncodeToString(raw[:]) != text { // the last character has bits to spare: one text an id
		return raw, ErrMalformed
	}
	return raw, nil
}
