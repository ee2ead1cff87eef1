package floors

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/durwardhq/durward/internal/core/password"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// cryptFloors are the pieces of work that are arithmetic alone.
type cryptFloors struct {
	key       *ecdsa.PrivateKey
	signer    *jwt.Signer
	digest    [sha256.Size]byte
	signature []byte
	hasher    *password.Hasher
}

func newCryptFloors() (*cryptFloors, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &cryptFloors{key: key, digest: sha256.Sum256([]byte("what is signed"))}
	if c.signer, err = jwt.NewSigner(jwt.ES256, "floor", key); err != nil {
		return nil, err
	}
	if c.signature, err = ecdsa.SignASN1(rand.Reader, key, c.digest[:]); err != nil {
		return nil, err
	}
	c.hasher, err = password.New(password.Config{Workers: 1})
	return c, err
}

func (c *cryptFloors) close() { c.hasher.Close() }

// Password is hashed by every floor and owned by every account of the bench.
const Password = "Correct-Horse-9"

// argon2 is the hash as it is computed in the server, on a worker that does nothing else.
func (c *cryptFloors) argon2(ctx context.Context, _ int) error {
	return c.hasher.VerifyAbsent(ctx, secret.New(Password))
}

// argon2Other is the same hash by golang.org/x/crypto.
func (c *cryptFloors) argon2Other(context.Context, int) error {
	d := password.DefaultArgon2
	argon2.IDKey([]byte(Password), c.digest[:16], d.Time, d.MemoryKiB, uint8(d.Threads), 32)
	return nil
}

func (c *cryptFloors) sign(context.Context, int) error {
	_, err := ecdsa.SignASN1(rand.Reader, c.key, c.digest[:])
	return err
}

func (c *cryptFloors) verify(context.Context, int) error {
	if !ecdsa.VerifyASN1(&c.key.PublicKey, c.digest[:], c.signature) {
		return errors.New("a signature that was good is refused")
	}
	return nil
}

// token is no floor but the server's own making of an access token, which is set beside the bare signature.
func (c *cryptFloors) token(context.Context, int) error {
	now := time.Now().Unix()
	claims, err := jwt.AccessClaims{
		Issuer: "http://localhost:8080", Subject: "1", Audience: "http://localhost:8080/api", ClientID: "durward",
		Scope: "account", Expires: now + 900, IssuedAt: now, NotBefore: now, ID: rand.Text(),
		SessionID: "ses_0123456789abcdefghjkmnpqrs", AuthTime: now, AMR: []string{"pwd"}, ACR: "1", Username: "alice",
		Roles: []string{"admin"},
	}.AppendJSON(nil)
	if err != nil {
		return err
	}
	_, err = c.signer.Sign(jwt.TypeAccessToken, claims)
	return err
}

var hello = []byte("hello, world\n")

// handle puts the floors on URLs that include net/http.
func (c *cryptFloors) handle(mux *http.ServeMux, s floorStore) {
	serve := func(path string, work ...floor) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			for _, do := range work {
				if err := do(r.Context(), 0); err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
			}
			_, _ = w.Write(hello) // who asked has gone, or has it
		})
	}
	serve(pathHello)
	serve(pathSign, c.sign)
	serve(pathCheck, c.verify, s.read)
	serve(pathRenew, s.read, s.update, c.sign)
}
