package config

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/durwardhq/durward/internal/platform/secret"
)

// fewestDistinct is how many different bytes a random key of 32 has at the very least: fewer than that come up once in
// more than 10^16 keys.
const fewestDistinct = 16

type masterKeyValue struct{ p *secret.String }

func (v *masterKeyValue) set(text string) *mismatch {
	key, wrong := decodeMasterKey(text)
	if wrong != nil {
		return wrong
	}
	*v.p = secret.New(string(key))
	return nil
}

func (v *masterKeyValue) String() string {
	if v.p.Empty() {
		return ""
	}
	return v.p.String()
}

func (v *masterKeyValue) expects() string {
	return "32 bytes in base64 (43 characters, or 44 with the = at the end)"
}
func (v *masterKeyValue) kind() Kind { return KindText }

// ParseMasterKey decodes a master key as DURWARD_MASTER_KEY and the file of the development profile hold it: base64
// with either alphabet, padded or not. The error never holds the text.
func ParseMasterKey(text string) (secret.String, error) {
	var key secret.String
	v := masterKeyValue{&key}
	if wrong := v.set(text); wrong != nil {
		return key, fmt.Errorf("master key: expected %s; %s", v.expects(), wrong.advice)
	}
	return key, nil
}

func decodeMasterKey(text string) ([]byte, *mismatch) {
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(text)
	plain = strings.TrimSuffix(plain, "=")
	key, err := base64.RawStdEncoding.Strict().DecodeString(plain)
	if err != nil || len(key) != secret.MasterKeyLen {
		return nil, &mismatch{advice: makeMasterKey, alone: true}
	}
	return key, nil
}

// onlyZeros is the weakness that nobody has by chance.
const onlyZeros = "all zero"

// weakness says what is not random about a key, or nothing. A random key is called weak less than once in 10^13.
func weakness(key string) string {
	distinct, printable := map[byte]bool{}, true
	steps := map[byte]bool{}
	for i := range len(key) {
		distinct[key[i]] = true
		printable = printable && key[i] >= ' ' && key[i] <= '~'
		if i > 0 {
			steps[key[i]-key[i-1]] = true
		}
	}
	switch {
	case strings.Trim(key, "\x00") == "":
		return onlyZeros
	case len(distinct) == 1:
		return "one byte repeated"
	case len(steps) == 1:
		return "a plain sequence"
	case len(distinct) < fewestDistinct:
		return "few bytes repeated"
	case printable:
		return "readable text"
	}
	return ""
}
