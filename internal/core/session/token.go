package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"

	"github.com/durwardhq/durward/internal/ident"
)

// A refresh token is "dwr_" and 76 characters of base64url over
//
//	generation of the MAC key  1 byte
//	session id                16 bytes
//	rotation                   8 bytes, big endian
//	HMAC-SHA-256 of the above 32 bytes
//
// It carries no secret of its own: what makes it hard to forge is the MAC key, which the database holds only sealed.
// Since the token of a rotation is always the same text, answering a repeated refresh needs no storage.
const (
	refreshPrefix = "dwr_"
	bodyLen       = 1 + ident.RawLen + 8
	rawTokenLen   = bodyLen + sha256.Size
)

// ErrNotAToken says that a text is not a refresh token that this installation made.
var ErrNotAToken = errors.New("not a refresh token of this installation")

// Codec makes and reads refresh tokens.
type Codec struct {
	current uint8
	keys    map[uint8][]byte
}

// NewCodec takes the MAC keys by generation; the highest makes new tokens.
func NewCodec(keys map[uint8][]byte) (*Codec, error) {
	c := &Codec{keys: keys}
	for generation := range keys {
		c.current = max(c.current, generation)
	}
	if c.current == 0 {
		return nil, errors.New("refresh tokens: no MAC key")
	}
	return c, nil
}

// Token is what a refresh token says.
type Token struct {
	Session  ident.SessionID
	Rotation int64
}

// Mint writes the token of a session's rotation.
func (c *Codec) Mint(t Token) (string, error) {
	id, err := t.Session.Raw()
	if err != nil {
		return "", err
	}
	raw := make([]byte, 0, rawTokenLen)
	raw = append(raw, c.current)
	raw = append(raw, id[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.Rotation))
	raw = append(raw, mac(c.keys[c.current], raw)...)
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

// Parse reads a token and checks its MAC. Everything that Mint did not write is ErrNotAToken.
func (c *Codec) Parse(text string) (Token, error) {
	encoded, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(rawTokenLen) {
		return Token{}, ErrNotAToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) != rawTokenLen { // the decoder passes over line breaks, which shortens what is left
		return Token{}, ErrNotAToken
	}
	key, ok := c.keys[raw[0]]
	if !ok || !hmac.Equal(mac(key, raw[:bodyLen]), raw[bodyLen:]) {
		return Token{}, ErrNotAToken
	}
	rotation := binary.BigEndian.Uint64(raw[1+ident.RawLen : bodyLen])
	if rotation > math.MaxInt64 {
		return Token{}, ErrNotAToken
	}
	return Token{
		Session:  ident.SessionIDFrom([ident.RawLen]byte(raw[1 : 1+ident.RawLen])),
		Rotation: int64(rotation),
	}, nil
}

func mac(key, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("durward/refresh-token\x00"))
	h.Write(body)
	return h.Sum(nil)
}
