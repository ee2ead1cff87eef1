package accountapi

import (
	"net/http"

	"github.com/durwardhq/durward/internal/flow/signup"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/platform/secret"
	"github.com/durwardhq/durward/internal/surface/web"
)

type registerRequest struct {
	Username string        `json:"username" example:"alice" doc:"1 to 80 letters, marks and digits of one script, and . _ - '"`
	Email    string        `json:"email" example:"alice@example.com" doc:"Up to 120 characters; can be used to sign in."`
	Password secret.String `json:"password" example:"Correct-Horse-9" doc:"By default at least 8 characters with an upper-case letter, a lower-case letter, a digit and a special character; at most 1,024 bytes."`
}

func (in registerRequest) input() signup.Input {
	return signup.Input{Username: in.Username, Email: in.Email, Password: in.Password}
}

type registerAnswer struct {
	Message string       `json:"message" example:"User registered successfully"`
	UserID  ident.UserID `json:"user_id" example:"1" doc:"The number of the account, from 1, never given out twice."`
}

// Register is POST /register.
func (a *API) Register() web.Endpoint {
	op := web.Operation{
		OperationID: "registerUser", Tag: tagAccount, Summary: "Register an account", Success: http.StatusCreated,
		Description: "Makes an account. Usernames and email addresses are unique without regard to case. " +
			"A refusal names every rule that each field breaks.",
		Refusals: []web.Refusal{
			{Status: http.StatusConflict, Code: "username_taken", When: "the username is in use"},
			{Status: http.StatusConflict, Code: "email_taken", When: "the email address is in use"},
			{Status: http.StatusServiceUnavailable, Code: "busy", When: "too many passwords wait to be hashed"},
		},
	}
	check := func(_ *web.Request, in registerRequest) []errs.Field { return a.Signup.Problems(in.input()) }
	return web.JSONChecked(op, check, func(r *web.Request, in registerRequest) (registerAnswer, error) {
		id, err := a.Signup.Register(r.Context(), r.Actor(), in.input())
		return registerAnswer{Message: "User registered successfully", UserID: id}, err
	})
}
