package issue

import (
	"crypto/sha256"

	"github.com/maypok86/otter/v2"

	"github.com/durwardhq/durward/internal/proto/jwt"
)

// signatureCacheSize bounds the memory of verified signatures: about 1 KiB each.
const signatureCacheSize = 16384

// signature is a token's claims and the key that was found to have signed them.
type signature struct {
	key    string
	claims jwt.AccessClaims
}

// signatureCache remembers signatures that were verified, by the digest of the whole token. That a signature is good
// never changes; whether the token still counts is not kept here.
type signatureCache struct {
	cache *otter.Cache[[sha256.Size]byte, signature]
}

func newSignatureCache() *signatureCache {
	return &signatureCache{cache: otter.Must(&otter.Options[[sha256.Size]byte, signature]{
		MaximumSize: signatureCacheSize,
	})}
}

func (c *signatureCache) get(digest [sha256.Size]byte) (signature, bool) {
	return c.cache.GetIfPresent(digest)
}

func (c *signatureCache) put(digest [sha256.Size]byte, s signature) { c.cache.Set(digest, s) }
