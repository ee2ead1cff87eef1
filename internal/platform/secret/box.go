package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// MasterKeyLen is the length of the master key in bytes.
const MasterKeyLen = 32

// boxVersion is the first byte of everything sealed, so that the form can change.
const boxVersion = 1

// ErrSealBroken says that a sealed value does not open: another master key, another place, or altered bytes.
var ErrSealBroken = errors.New("sealed value does not open with this master key")

// Box seals values with AES-256-GCM. Each purpose has a key of its own, derived from the master key by HKDF-SHA-256
// (RFC 5869). The form is version (1 byte), nonce (12), ciphertext and tag (16).
type Box struct{ master []byte }

// NewBox makes a Box from a master key of 32 bytes.
func NewBox(master []byte) (*Box, error) {
	if len(master) != MasterKeyLen {
		return nil, fmt.Errorf("master key: expected %d bytes, got %d", MasterKeyLen, len(master))
	}
	return &Box{master: append([]byte(nil), master...)}, nil
}

// Seal encrypts plain for a purpose. place names where it will be stored (table, column, row), so that a sealed value
// moved elsewhere does not open.
func (b *Box) Seal(purpose, place string, plain []byte) ([]byte, error) {
	aead, err := b.aead(purpose)
	if err != nil {
		return nil, err
	}
	return SealWith(aead, place, plain), nil
}

// Open decrypts what Seal made for the same purpose and place, or returns ErrSealBroken.
func (b *Box) Open(purpose, place string, sealed []byte) ([]byte, error) {
	aead, err := b.aead(purpose)
	if err != nil {
		return nil, err
	}
	return OpenWith(aead, place, sealed)
}

func (b *Box) aead(purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, b.master, nil, "durward/seal/"+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	return NewAEAD(key)
}

// NewAEAD makes the cipher that SealWith and OpenWith take, from a key of 32 bytes.
func NewAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// SealWith seals under a key other than the master key, in the same form.
func SealWith(aead cipher.AEAD, place string, plain []byte) []byte {
	nonce := Bytes(aead.NonceSize())
	out := make([]byte, 0, 1+len(nonce)+len(plain)+aead.Overhead())
	out = append(out, boxVersion)
	out = append(out, nonce...)
	return aead.Seal(out, nonce, plain, []byte(place))
}

// OpenWith opens what SealWith made, or returns ErrSealBroken.
func OpenWith(aead cipher.AEAD, place string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+aead.NonceSize()+aead.Overhead() || sealed[0] != boxVersion {
		return nil, ErrSealBroken
	}
	nonce, text := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, text, []byte(place))
	if err != nil {
		return nil, ErrSealBroken
	}
	return plain, nil
}
