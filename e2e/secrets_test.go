package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// secrets is everything that the tests of this run made or were given and that nobody may find in a log.
var secrets = newRegister()

// register keeps secrets by what they are.
type register struct {
	mu    sync.Mutex
	kinds map[string]string // from the secret to its kind
}

func newRegister() *register { return &register{kinds: map[string]string{}} }

// shortest is how long a secret has to be for a find to mean anything, in bytes.
const shortest = 6

func (r *register) add(kind string, values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range values {
		if len(v) >= shortest {
			r.kinds[v] = kind
		}
	}
}

// addToken registers a token whole, and of an access token also what follows its header: claims and signature alone
// would do for a thief, too.
func (r *register) addToken(token string) {
	r.add("token", token)
	if parts := strings.Split(token, "."); len(parts) == 3 {
		r.add("claims of a token", parts[1])
		r.add("signature of a token", parts[2])
	}
}

func (r *register) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kinds)
}

// forms are the ways in which a text may come to stand in a log: as it is, in JSON, quoted, in a URL, in hexadecimal,
// and within something that was encoded in base64, wherever in it.
func forms(text string) []string {
	all := []string{text, url.QueryEscape(text), url.PathEscape(text), hex.EncodeToString([]byte(text))}
	if quoted, err := json.Marshal(text); err == nil {
		all = append(all, string(quoted[1:len(quoted)-1]))
	}
	quoted := strconv.QuoteToASCII(text)
	all = append(all, quoted[1:len(quoted)-1])
	for shift := range 3 {
		all = append(all, within(base64.RawStdEncoding, text, shift), within(base64.RawURLEncoding, text, shift))
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(f string) bool { return len(f) < shortest })
}

// within is the part of a text's base64 that does not depend on what stands around it, where shift bytes of three stand
// before it.
func within(e *base64.Encoding, text string, shift int) string {
	encoded := e.EncodeToString([]byte(strings.Repeat("x", shift) + text))
	first := []int{0, 2, 3}[shift]
	last := len(encoded)
	if (shift+len(text))%3 != 0 {
		last--
	}
	return encoded[min(first, last):last]
}

// searched tells how much was searched.
type searched struct {
	files, forms int
	bytes        int
}

// index finds any of many texts in one pass: it looks at each place's first bytes.
type index map[string][]form

type form struct{ text, kind string }

func (r *register) index() (index, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x, n := index{}, 0
	for value, kind := range r.kinds {
		for _, f := range forms(value) {
			x[f[:shortest]] = append(x[f[:shortest]], form{f, kind})
			n++
		}
	}
	return x, n
}

// search gives the kinds of secret in a text, with the line that each stands in. The line itself is not told.
func (x index) search(name string, text []byte) (finds []string) {
	line := 1
	for i := range text {
		if text[i] == '\n' {
			line++
		}
		if i+shortest > len(text) {
			break
		}
		for _, f := range x[string(text[i:i+shortest])] {
			if len(text)-i >= len(f.text) && string(text[i:i+len(f.text)]) == f.text {
				finds = append(finds, fmt.Sprintf("%s:%d: %s", name, line, f.kind))
			}
		}
	}
	return finds
}

func (r *register) searchFolder(folder string) (finds []string, s searched, err error) {
	x, n := r.index()
	s.forms = n
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return nil, s, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, s, err
		}
		s.files++
		s.bytes += len(text)
		finds = append(finds, x.search(filepath.Base(file), text)...)
	}
	return finds, s, nil
}

// randomText is n random letters and digits.
func randomText(n int) string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	raw := make([]byte, n)
	rand.Read(raw) // never fails
	for i := range raw {
		raw[i] = letters[int(raw[i])%len(letters)]
	}
	return string(raw)
}

// newPassword makes a password that the founding rule accepts, and that no other test has. Its characters have other
// forms in URLs and in JSON.
func newPassword() string {
	p := `Aa1 +/"\ü` + randomText(12)
	secrets.add("password", p)
	return p
}

// weakPassword makes one that is too short and has neither capital, digit nor special character.
func weakPassword() string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	raw := make([]byte, 7)
	rand.Read(raw) // never fails
	for i := range raw {
		raw[i] = letters[int(raw[i])%len(letters)]
	}
	secrets.add("password", string(raw))
	return string(raw)
}

// newMasterKey makes a master key as its file holds it.
func newMasterKey() string {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	key := base64.StdEncoding.EncodeToString(raw)
	secrets.add("master key", key, strings.TrimSuffix(key, "="))
	return key
}

func TestSearch_FindsASecretInEveryFormAndWherever(t *testing.T) {
	const password = `Pä ss+w/o"r\d-9z`
	r := newRegister()
	r.add("password", password)
	x, _ := r.index()
	quoted, err := json.Marshal(map[string]string{"p": password})
	if err != nil {
		t.Fatal(err)
	}
	basic := func(user string) string {
		return base64.StdEncoding.EncodeToString([]byte(user + ":" + password + "!"))
	}
	for name, text := range map[string]string{
		"as it is":              "before " + password + " after",
		"at the end":            password,
		"in JSON":               string(quoted),
		"quoted for Go":         fmt.Sprintf("%q %+q", password, password),
		"in a query":            "GET /?" + url.Values{"p": {password}}.Encode(),
		"in a path":             url.PathEscape(password),
		"in hexadecimal":        fmt.Sprintf("%x", password),
		"in base64":             base64.StdEncoding.EncodeToString([]byte(password)),
		"in base64 for URLs":    base64.RawURLEncoding.EncodeToString([]byte(password)),
		"within base64, 0 by 3": basic("ab"),
		"within base64, 1 by 3": basic("abc"),
		"within base64, 2 by 3": basic("abcd"),
	} {
		if finds := x.search("log", []byte("first line\n"+text)); len(finds) == 0 || finds[0] != "log:2: password" {
			t.Errorf("%s: %v", name, finds)
		}
	}
}

func TestSearch_FindsEachPartOfAnAccessTokenThatMatters(t *testing.T) {
	r := newRegister()
	r.addToken("eyJoZWFkZXI.eyJjbGFpbXM.c2lnbmF0dXJl")
	x, _ := r.index()
	for _, text := range []string{"eyJoZWFkZXI.eyJjbGFpbXM.c2lnbmF0dXJl", "eyJjbGFpbXM", "sig=c2lnbmF0dXJl"} {
		if len(x.search("log", []byte(text))) == 0 {
			t.Errorf("%s is not found", text)
		}
	}
	if finds := x.search("log", []byte("eyJoZWFkZXI, and nothing of the rest")); len(finds) > 0 {
		t.Errorf("found %v where there is no secret", finds)
	}
}

func TestSearch_AFolderWithASecretInOneFileFailsTheRun(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"clean": "nothing\n", "leaky": "ok\nkey=" + "sEcReT-of-the-test\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := newRegister()
	r.add("master key", "sEcReT-of-the-test")
	finds, s, err := r.searchFolder(folder)
	if err != nil || s.files != 2 || len(finds) != 1 || finds[0] != "leaky:2: master key" {
		t.Errorf("%v in %+v, %v", finds, s, err)
	}
}
