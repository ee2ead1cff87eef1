package issue

import (
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"log/slog"
	"time"

	"github.com/durwardhq/durward/internal/core/policy"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/platform/logx"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// Principal is who a request acts for, as the database has it at this request.
type Principal struct {
	User      ident.UserID
	Session   ident.SessionID
	Username  string
	Email     string
	Roles     []string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ErrRefused is the one answer to an access token that is not good. The true reason is on the request's log line.
var ErrRefused = errors.New("the access token is not valid, has expired or was revoked")

// Verifier checks access tokens of our own API. It remembers nothing but signatures that it has found good: whether a
// token still counts is read from the database at each request.
type Verifier struct {
	issuer *Issuer
	seen   *signatureCache
}

// NewVerifier makes a Verifier beside an Issuer.
func NewVerifier(i *Issuer) *Verifier { return &Verifier{issuer: i, seen: newSignatureCache()} }

// Verify checks an access token whole: signature, type, issuer, audience, client and times, and in one statement
// session, user and roles as they are now.
func (v *Verifier) Verify(ctx context.Context, q db.Querier, token string) (Principal, error) {
	claims, err := v.signed(ctx, token)
	if err != nil {
		return refused(ctx, "token_invalid", err)
	}
	id, err := ident.ParseSessionID(claims.SessionID)
	if err != nil {
		return refused(ctx, "token_invalid", err)
	}
	j, err := v.issuer.Judge(ctx, q, policy.Access, id)
	if err != nil {
		return Principal{}, err
	}
	if !j.Found || !j.Decision.Allowed() {
		return refused(ctx, string(j.Decision.Reason), nil)
	}
	if err := claims.Validate(j.Facts.At, v.expectation()); err != nil {
		return refused(ctx, "claims_invalid", err)
	}
	if claims.Subject != j.Facts.User.String() {
		return refused(ctx, "subject_mismatch", nil)
	}
	logx.Add(ctx, slog.Int64("user_id", int64(j.Facts.User)), slog.String("session_id", string(id)))
	f := j.Facts
	return Principal{User: f.User, Session: f.Session, Username: f.Username, Email: f.Email, Roles: f.Roles,
		CreatedAt: f.UserCreatedAt, UpdatedAt: f.UserUpdatedAt}, nil
}

func (v *Verifier) expectation() jwt.Expectation {
	s := v.issuer.settings
	return jwt.Expectation{Issuer: s.Issuer, Audience: s.Audience, Client: string(ident.FirstParty)}
}

func refused(ctx context.Context, reason string, cause error) (Principal, error) {
	attrs := []slog.Attr{slog.String("reason", reason)}
	if cause != nil {
		attrs = append(attrs, slog.String("cause", cause.Error()))
	}
	logx.Add(ctx, attrs...)
	return Principal{}, ErrRefused
}

// signed gives the claims of a token whose signature is good, from memory if it was found good before with a key that
// is still published.
func (v *Verifier) signed(ctx context.Context, token string) (jwt.AccessClaims, error) {
	digest := sha256.Sum256([]byte(token))
	if hit, ok := v.seen.get(digest); ok && v.issuer.keys.Has(hit.key) {
		return hit.claims, nil
	}
	var used string
	payload, err := jwt.Verify(token, jwt.TypeAccessToken, func(kid string, alg jwt.Algorithm) (crypto.PublicKey, bool) {
		key, ok := v.issuer.keys.KeyFor(ctx, kid, alg)
		used = kid
		return key, ok
	})
	if err != nil {
		return jwt.AccessClaims{}, err
	}
	claims, err := jwt.ParseAccessClaims(payload)
	if err != nil {
		return jwt.AccessClaims{}, err
	}
	v.seen.put(digest, signature{key: used, claims: claims})
	return claims, nil
}
