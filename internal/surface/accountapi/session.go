package accountapi

import (
	"errors"
	"net/http"

	"github.com/durwardhq/durward/internal/flow/session"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/surface/web"
)

type refreshRequest struct {
	RefreshToken secret.String `json:"refresh_token" example:"dwr_…"`
}

// Refresh is POST /refresh.
func (a *API) Refresh() web.Endpoint {
	op := web.Operation{
		OperationID: "refreshTokens", Tag: tagSession, Summary: "Refresh the tokens", Success: http.StatusOK,
		Description: "Replaces the refresh token and gives a new access token. The token just replaced gives the same " +
			"successor for a few seconds more, so that two tabs or a lost answer do no harm. Any older one is taken " +
			"for theft and ends the session.",
		Refusals: []web.Refusal{
			{Status: http.StatusUnauthorized, Code: "invalid_refresh_token", When: "the token is not valid or its session has ended"},
			{Status: http.StatusUnauthorized, Code: "refresh_token_reused", When: "the token was replaced before; the session has been ended"},
		},
	}
	check := func(_ *web.Request, in refreshRequest) (wrong []errs.Field) {
		if in.RefreshToken.Empty() {
			wrong = append(wrong, required("refresh_token", "Give the refresh token."))
		}
		return wrong
	}
	return web.JSONChecked(op, check, func(r *web.Request, in refreshRequest) (tokens, error) {
		t, err := a.Session.Refresh(r.Context(), r.Actor(), in.RefreshToken)
		if err != nil {
			return tokens{}, err
		}
		return tokensOf(t), nil
	})
}

type logoutRequest struct {
	RefreshToken secret.String `json:"refresh_token,omitempty" example:"dwr_…" doc:"Instead of an access token, when that has expired."`
}

// Logout is POST /logout. A good access token decides; without one, the refresh token of the body does.
func (a *API) Logout() web.Endpoint {
	op := web.Operation{
		OperationID: "signOut", Tag: tagSession, Summary: "Sign out", Auth: web.BearerOptional, OptionalBody: true,
		Description: "Ends the session: its access and refresh tokens are refused from the very next request. " +
			"Send the access token, or the refresh token alone when the access token has expired.",
		Refusals: []web.Refusal{
			{Status: http.StatusUnauthorized, Code: "invalid_token", When: "the access token is not valid and no refresh token was sent"},
			{Status: http.StatusUnauthorized, Code: "token_missing", When: "neither an access token nor a refresh token was sent"},
			{Status: http.StatusUnauthorized, Code: "invalid_refresh_token", When: "the refresh token is not valid or its session has ended"},
		},
	}
	return web.JSON(op, func(r *web.Request, in logoutRequest) (web.NoContent, error) {
		p, err := a.principal(r)
		switch {
		case err == nil:
			return web.NoContent{}, a.Session.SignOut(r.Context(), actor(r, p), p)
		case unauthenticated(err) && !in.RefreshToken.Empty():
			return web.NoContent{}, a.Session.SignOutByRefresh(r.Context(), r.Actor(), in.RefreshToken)
		case errors.Is(err, web.ErrNoToken):
			return web.NoContent{}, errNothingToEnd
		}
		return web.NoContent{}, err
	})
}

var errNothingToEnd = errs.New(errs.Unauthenticated, web.CodeTokenMissing,
	"Send the access token in the Authorization header, or the refresh token as refresh_token in the body.")

func unauthenticated(err error) bool {
	return errors.Is(err, session.ErrAccessToken) || errors.Is(err, web.ErrNoToken)
}

// LogoutAll is POST /logout/all.
func (a *API) LogoutAll() web.Endpoint {
	op := web.Operation{
		OperationID: "signOutEverywhere", Tag: tagSession, Summary: "Sign out everywhere", Auth: web.Bearer,
		Description: "Ends all of the user's sessions, this one included. Their tokens are refused from the very next request.",
	}
	return web.Query(op, func(r *web.Request) (web.NoContent, error) {
		p, err := a.principal(r)
		if err != nil {
			return web.NoContent{}, err
		}
		return web.NoContent{}, a.Session.SignOutAll(r.Context(), actor(r, p), p)
	})
}
