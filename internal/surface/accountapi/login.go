package accountapi

import (
	"net/http"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/surface/web"
)

type loginRequest struct {
	UsernameOrEmail string        `json:"username_or_email" example:"alice"`
	Password        secret.String `json:"password" example:"Correct-Horse-9"`
}

// blank tells which fields were sent empty, which can be no account's.
func (in loginRequest) blank() (wrong []errs.Field) {
	if in.UsernameOrEmail == "" {
		wrong = append(wrong, required("username_or_email", "Give a username or an email address."))
	}
	if in.Password.Empty() {
		wrong = append(wrong, required("password", "Give the password."))
	}
	return wrong
}

func required(field, message string) errs.Field {
	return errs.Field{Field: field, Rules: []string{"required"}, Message: message}
}

// Login is POST /login.
func (a *API) Login() web.Endpoint {
	op := web.Operation{
		OperationID: "signIn", Tag: tagSession, Summary: "Sign in", Success: http.StatusOK,
		Description: "Begins a session and gives its tokens. The answer to wrong credentials is the same, in words and " +
			"in time, whether or not the account exists.",
		Refusals: []web.Refusal{
			{Status: http.StatusUnauthorized, Code: "invalid_credentials", When: "name and password do not belong together"},
			{Status: http.StatusServiceUnavailable, Code: "busy", When: "too many passwords wait to be verified"},
		},
	}
	check := func(_ *web.Request, in loginRequest) []errs.Field { return in.blank() }
	return web.JSONChecked(op, check, func(r *web.Request, in loginRequest) (tokens, error) {
		t, err := a.Signin.SignIn(r.Context(), r.Actor(), in.UsernameOrEmail, in.Password)
		if err != nil {
			return tokens{}, err
		}
		return tokensOf(t), nil
	})
}
