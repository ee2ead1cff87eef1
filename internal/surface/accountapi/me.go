package accountapi

import (
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/surface/web"
)

type protectedAnswer struct {
	Message string `json:"message" example:"Welcome, alice! You have access to protected data."`
}

// Protected is GET /protected.
func (a *API) Protected() web.Endpoint {
	op := web.Operation{
		OperationID: "getProtected", Tag: tagAccount, Summary: "Something only signed-in people see", Auth: web.Bearer,
		Description: "Answers whoever sends a good access token. Signature, type, issuer, audience, client and times are " +
			"checked, and session and user as they are now.",
	}
	return web.Query(op, func(r *web.Request) (protectedAnswer, error) {
		p, err := a.principal(r)
		if err != nil {
			return protectedAnswer{}, err
		}
		return protectedAnswer{Message: "Welcome, " + p.Username + "! You have access to protected data."}, nil
	})
}

type meAnswer struct {
	ID        ident.UserID `json:"id" example:"1"`
	Username  string       `json:"username" example:"alice"`
	Email     string       `json:"email" example:"alice@example.com"`
	Roles     []string     `json:"roles" doc:"As they are now, in alphabetical order."`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

// Me is GET /me.
func (a *API) Me() web.Endpoint {
	op := web.Operation{
		OperationID: "getMe", Tag: tagAccount, Summary: "The signed-in account", Auth: web.Bearer,
		Description: "The account that the access token stands for, as it is now.",
	}
	return web.Query(op, func(r *web.Request) (meAnswer, error) {
		p, err := a.principal(r)
		if err != nil {
			return meAnswer{}, err
		}
		return meAnswer{ID: p.User, Username: p.Username, Email: p.Email, Roles: append([]string{}, p.Roles...),
			CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}, nil
	})
}
