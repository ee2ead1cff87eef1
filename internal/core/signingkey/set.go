package signingkey

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// set is the keys at one load. It is never changed, only exchanged.
type set struct {
	entries  []*entry // the newest first, without those that were removed at the load
	byID     map[string]*entry
	document Document
	offset   time.Duration // the database's clock less this process's
	until    *time.Time    // when the first key leaves; nil if no end is set
}

// entry is a key with all that is derived from its private part.
type entry struct {
	key    Key
	sealed []byte
	public crypto.PublicKey
	jwk    jwt.JWK
	signer *jwt.Signer
}

// newSet opens the keys of rows. What the held set has opened already is taken from there.
func newSet(rows []row, box *secret.Box, held *set, now time.Time, offset time.Duration) (*set, error) {
	var entries []*entry
	for _, r := range rows {
		if r.StateAt(now) == Removed {
			continue
		}
		e, err := open(r, box, held.byID[string(r.ID)])
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return build(entries, now, offset)
}

// open unseals a row's private key, unless the one held is the same.
func open(r row, box *secret.Box, held *entry) (*entry, error) {
	if held != nil && held.key.Algorithm == r.Algorithm && bytes.Equal(held.sealed, r.sealed) {
		same := *held
		same.key = r.Key
		return &same, nil
	}
	der, err := unseal(box, r)
	if err != nil {
		return nil, err
	}
	private, err := jwt.ParsePrivate(r.Algorithm, der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", r.ID, err)
	}
	signer, err := jwt.NewSigner(r.Algorithm, string(r.ID), private)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", r.ID, err)
	}
	jwk, err := jwt.PublicJWK(r.Algorithm, string(r.ID), private.Public())
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", r.ID, err)
	}
	return &entry{key: r.Key, sealed: r.sealed, public: private.Public(), jwk: jwk, signer: signer}, nil
}

// build makes a set of those entries that are not removed at now, with its document.
func build(entries []*entry, now time.Time, offset time.Duration) (*set, error) {
	s := &set{byID: make(map[string]*entry, len(entries)), offset: offset}
	var jwks []jwt.JWK
	for _, e := range entries {
		if e.key.StateAt(now) == Removed {
			continue
		}
		s.entries = append(s.entries, e)
		s.byID[string(e.key.ID)] = e
		jwks = append(jwks, e.jwk)
		if end := e.key.RemoveAt; end != nil && (s.until == nil || end.Before(*s.until)) {
			s.until = end
		}
	}
	body, err := jwt.JWKS(jwks)
	if err != nil {
		return nil, fmt.Errorf("render the JWK Set: %w", err)
	}
	digest := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(digest[:16]) + `"`
	s.document = Document{Body: body, ETag: etag, MaxAge: JWKSMaxAge}
	return s, nil
}
