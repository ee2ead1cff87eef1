package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	//lint:ignore SA1019 bcrypt is made of Blowfish, and its pre-hashed form has to know the salt first
	"golang.org/x/crypto/blowfish"
)

// bcryptMaxBytes is how much of its input bcrypt looks at. What is longer is never given to it.
const bcryptMaxBytes = 72

// bcrypt64 is bcrypt's own base64: another alphabet, no padding, and, by Strict, no stray bits.
var bcrypt64 = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").
	WithPadding(base64.NoPadding).Strict()

// bcryptSum is bcrypt (Provos and Mazières, "A Future-Adaptable Password Scheme", 1999) in the $2b$ variant: a key of
// up to 72 bytes without NUL, 23 bytes of result. golang.org/x/crypto/bcrypt picks the salt itself, but the pre-hashed
// form needs to know it beforehand, hence this outer part over its Blowfish.
func bcryptSum(key []byte, cost int, salt [saltLen]byte) ([]byte, error) {
	key = append(key[:len(key):len(key)], 0)
	c, err := blowfish.NewSaltedCipher(key, salt[:])
	if err != nil {
		return nil, err
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(salt[:], c)
	}
	sum := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(sum); i += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(sum[i:], sum[i:])
		}
	}
	return sum[:bcryptSumLen], nil
}

// preHash is what passlib's bcrypt_sha256, version 2, gives to bcrypt: 44 characters of base64 over the HMAC-SHA-256
// of the password, keyed with the salt as it is written. The key keeps digests that leaked from elsewhere from being
// tried as passwords here; base64 keeps NULs out.
func preHash(password string, salt [saltLen]byte) []byte {
	mac := hmac.New(sha256.New, []byte(bcrypt64.EncodeToString(salt[:])))
	mac.Write([]byte(password))
	return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil))
}
