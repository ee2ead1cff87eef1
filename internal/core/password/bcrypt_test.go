package password

import (
	"bytes"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Published vectors: those of jBCrypt, and of crypt_blowfish for keys that are no UTF-8.
func TestBcryptSum_GivesThePublishedHashes(t *testing.T) {
	for _, v := range []struct{ key, encoded string }{
		{"", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."},
		{"a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"},
		{"a", "$2a$08$cfcvVd2aQ8CMvoMpP2EBfeodLEkkFJ9umNEfPD18.hUF62qqlC/V."},
		{"abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"},
		{"abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"},
		{"~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO"},
		{"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		{"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
		{"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
		{"\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
		{"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
		{"\xff\xa334\xff\xff\xff\xa3345", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.o./n25XVfn6oAPaUvHe.Csk4zRfsYPi"},
		{
			"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
			"$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
		},
	} {
		h, err := parse(v.encoded)
		if err != nil {
			t.Fatalf("%s: %v", v.encoded, err)
		}
		sum, err := bcryptSum([]byte(v.key), h.bcrypt, h.salt)
		if err != nil || !bytes.Equal(sum, h.sum) {
			t.Errorf("%q: the sum differs from %s (%v)", v.key, v.encoded, err)
		}
	}
}

func TestBcryptSum_EqualsAnotherImplementation(t *testing.T) {
	for n := 0; n <= bcryptMaxBytes; n += 8 {
		key := bytes.Repeat([]byte{0xa3, 'x', 1, 0x80}, 18)[:n]
		salt := newSalt()
		sum, err := bcryptSum(key, leastBcryptCost, salt)
		if err != nil {
			t.Fatal(err)
		}
		h := hash{costs: costs{form: formBcrypt, bcrypt: leastBcryptCost, minor: 'b'}, salt: salt, sum: sum}
		if err := bcrypt.CompareHashAndPassword([]byte(h.String()), key); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
