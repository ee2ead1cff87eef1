package jwt

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// AccessClaims are the claims of an access token: those of RFC 9068 §2.2, and `sid`, `username` and `roles` of ours.
// Times are seconds since 1970; 0 stands for a claim that is not there. Issuer, Subject, Audience, ClientID, ID,
// Expires and IssuedAt are required.
type AccessClaims struct {
	Issuer    string   // iss
	Subject   string   // sub
	Audience  string   // aud: always one, written as a string
	ClientID  string   // client_id
	Scope     string   // scope
	Expires   int64    // exp
	IssuedAt  int64    // iat
	NotBefore int64    // nbf
	ID        string   // jti
	SessionID string   // sid
	AuthTime  int64    // auth_time
	AMR       []string // amr
	ACR       string   // acr
	Username  string   // username
	Roles     []string // roles: written also when there are none
}

// AppendJSON appends the claims as a JSON object, in a fixed order and without white space. It fails, with nothing to
// sign, where a required claim is missing, a text is not valid UTF-8 or a time lies outside 1970 to 9999.
func (c AccessClaims) AppendJSON(buf []byte) ([]byte, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("encode access token: %w", err)
	}
	if buf == nil {
		buf = make([]byte, 0, 768)
	}
	w := writer{buf: append(buf, '{')}
	w.text("iss", c.Issuer)
	w.text("sub", c.Subject)
	w.text("aud", c.Audience)
	w.text("client_id", c.ClientID)
	w.text("scope", c.Scope)
	w.date("exp", c.Expires)
	w.date("iat", c.IssuedAt)
	w.date("nbf", c.NotBefore)
	w.text("jti", c.ID)
	w.text("sid", c.SessionID)
	w.date("auth_time", c.AuthTime)
	if len(c.AMR) > 0 {
		w.texts("amr", c.AMR)
	}
	w.text("acr", c.ACR)
	w.text("username", c.Username)
	w.texts("roles", c.Roles)
	if w.bad != "" {
		return nil, fmt.Errorf("encode access token: claim %s is not valid UTF-8, or a time out of range", w.bad)
	}
	return append(w.buf, '}'), nil
}

// complete finds a required claim that is missing.
func (c AccessClaims) complete() error {
	for _, claim := range [...]struct {
		name    string
		missing bool
	}{
		{"iss", c.Issuer == ""}, {"sub", c.Subject == ""}, {"aud", c.Audience == ""}, {"client_id", c.ClientID == ""},
		{"jti", c.ID == ""}, {"exp", c.Expires == 0}, {"iat", c.IssuedAt == 0},
	} {
		if claim.missing {
			return fmt.Errorf("claim %s is required", claim.name)
		}
	}
	return nil
}

// writer appends the members of a JSON object. What is empty is left out.
type writer struct {
	buf []byte
	bad string // the member that could not be written
}

func (w *writer) name(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

func (w *writer) text(name, value string) {
	if value == "" {
		return
	}
	w.name(name)
	w.value(name, value)
}

func (w *writer) date(name string, value int64) {
	if value == 0 {
		return
	}
	if value < 0 || value > maxNumericDate {
		w.bad = name
		return
	}
	w.name(name)
	w.buf = strconv.AppendInt(w.buf, value, 10)
}

func (w *writer) texts(name string, values []string) {
	w.name(name)
	w.buf = append(w.buf, '[')
	for i, v := range values {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.value(name, v)
	}
	w.buf = append(w.buf, ']')
}

// value writes a JSON string. Few need escaping; for those the standard library knows how.
func (w *writer) value(name, value string) {
	if !plain(value) {
		if !utf8.ValidString(value) {
			w.bad = name
			return
		}
		quoted, _ := json.Marshal(value) // never fails for a string
		w.buf = append(w.buf, quoted...)
		return
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, value...)
	w.buf = append(w.buf, '"')
}

// plain tells whether a text is ASCII that stands for itself in a JSON string.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// ParseAccessClaims reads the claims of an access token whose signature has been checked. It wants each claim in the
// type that AppendJSON writes: an audience is one string, times are whole seconds, null is nothing's value. A claim
// that stands there twice is refused, one that is not known is passed over (RFC 7519 §4). Errors are *Error.
func ParseAccessClaims(payload []byte) (AccessClaims, error) {
	var c AccessClaims
	err := object(payload, c.set)
	if err == nil {
		err = c.complete()
	}
	if err != nil {
		return AccessClaims{}, refuse(ErrMalformed, "claims: %v", err)
	}
	return c, nil
}

func (c *AccessClaims) set(name string, value []byte) error {
	switch name {
	case "iss":
		return text(value, &c.Issuer)
	case "sub":
		return text(value, &c.Subject)
	case "aud":
		return text(value, &c.Audience)
	case "client_id":
		return text(value, &c.ClientID)
	case "scope":
		return text(value, &c.Scope)
	case "exp":
		return date(value, &c.Expires)
	case "iat":
		return date(value, &c.IssuedAt)
	case "nbf":
		return date(value, &c.NotBefore)
	case "jti":
		return text(value, &c.ID)
	case "sid":
		return text(value, &c.SessionID)
	case "auth_time":
		return date(value, &c.AuthTime)
	case "amr":
		return texts(value, &c.AMR)
	case "acr":
		return text(value, &c.ACR)
	case "username":
		return text(value, &c.Username)
	case "roles":
		return texts(value, &c.Roles)
	}
	return nil
}

// Leeway is how far `nbf` and `iat` may lie ahead, for the clocks of those who made the token. There is none on `exp`.
const Leeway = 30 * time.Second

// Expectation is whose token it has to be.
type Expectation struct{ Issuer, Audience, Client string }

// Validate checks issuer, audience, client and times at now (RFC 9068 §4). Errors are *Error.
func (c AccessClaims) Validate(now time.Time, e Expectation) error {
	for _, claim := range [...]struct {
		reason    Reason
		name      string
		got, want string
	}{
		{ErrIssuer, "iss", c.Issuer, e.Issuer},
		{ErrAudience, "aud", c.Audience, e.Audience},
		{ErrClient, "client_id", c.ClientID, e.Client},
	} {
		if claim.got != claim.want || claim.want == "" {
			return refuse(claim.reason, "%s %q, expected %q", claim.name, clip(claim.got), claim.want)
		}
	}
	return c.validateTimes(now)
}

func (c AccessClaims) validateTimes(now time.Time) error {
	if !now.Before(time.Unix(c.Expires, 0)) {
		return refuse(ErrExpired, "exp %d, it is %d", c.Expires, now.Unix())
	}
	latest := now.Add(Leeway)
	if latest.Before(time.Unix(c.NotBefore, 0)) {
		return refuse(ErrNotYetValid, "nbf %d, it is %d", c.NotBefore, now.Unix())
	}
	if latest.Before(time.Unix(c.IssuedAt, 0)) {
		return refuse(ErrNotYetValid, "iat %d, it is %d", c.IssuedAt, now.Unix())
	}
	return nil
}
