// Package accountapi is the JSON that people and their applications speak: registering, signing in, refreshing,
// signing out, and what a signed-in person sees of themselves. It translates between HTTP and the flows and decides
// nothing.
package accountapi

import (
	"time"

	"github.com/durwardhq/durward/internal/flow/issue"
	"github.com/durwardhq/durward/internal/flow/session"
	"github.com/durwardhq/durward/internal/flow/signin"
	"github.com/durwardhq/durward/internal/flow/signup"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/surface/web"
)

// API holds the flows that the endpoints call.
type API struct {
	Signup  *signup.Flow
	Signin  *signin.Flow
	Session *session.Flow
}

const (
	tagAccount = "Account"
	tagSession = "Session"
)

// tokens is the answer of every call that gives tokens.
type tokens struct {
	AccessToken      string `json:"access_token" example:"eyJhbGciOiJFUzI1NiIsImtpZCI6ImtleV8wMTIzIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiIxIn0.c2ln" doc:"A JWT (RFC 9068) for the header Authorization: Bearer."`
	TokenType        string `json:"token_type" enum:"Bearer" doc:"How the access token is sent."`
	ExpiresIn        int64  `json:"expires_in" example:"900" doc:"Seconds until the access token expires."`
	RefreshToken     string `json:"refresh_token" example:"dwr_AUZ8wP-pTGJgP6xm6DDmyOEAAAAAAAAAAC0FdbG6b0IR1s-ZRhOMbv1y93cngVDEYA2hk_3_4Ig3" doc:"Gives new tokens once; each refresh replaces it."`
	RefreshExpiresIn int64  `json:"refresh_expires_in" example:"86400" doc:"Seconds until the refresh token expires unless it is used."`
	SessionID        string `json:"session_id" example:"ses_0123456789abcdefghjkmnpqrs" doc:"The session that the tokens belong to."`
}

func tokensOf(t issue.Tokens) tokens {
	return tokens{
		AccessToken: t.Access.Reveal(), TokenType: "Bearer", ExpiresIn: seconds(t.AccessExpires),
		RefreshToken: t.Refresh.Reveal(), RefreshExpiresIn: seconds(t.RefreshExpires), SessionID: string(t.Session),
	}
}

// seconds rounds down: a token must not be thought good for longer than it is.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// actor is the caller of a request whose access token was good.
func actor(r *web.Request, p issue.Principal) ident.Actor {
	a := r.Actor()
	a.Kind, a.User, a.Session = ident.ActorUser, p.User, p.Session
	return a
}

// principal checks the access token of a request.
func (a *API) principal(r *web.Request) (issue.Principal, error) {
	token, err := web.BearerToken(r)
	if err != nil {
		return issue.Principal{}, err
	}
	return a.Session.Authenticate(r.Context(), token.Reveal())
}
