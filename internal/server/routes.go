package server

import (
	"github.com/durwardhq/durward/internal/surface/accountapi"
	"github.com/durwardhq/durward/internal/surface/ops"
	"github.com/durwardhq/durward/internal/surface/reference"
	"github.com/durwardhq/durward/internal/surface/web"
	"github.com/durwardhq/durward/internal/surface/wellknown"
)

// Surfaces are everything that answers.
type Surfaces struct {
	Account   *accountapi.API
	WellKnown *wellknown.Documents
	Ready     web.Endpoint // ops.Readyz with its checks, which both listeners share
	Metrics   web.Endpoint // ops.Metrics with its registry
}

// Public is every URL of the public listener, a line each. The reference describes all of them, itself included.
func Public(s Surfaces, info reference.Info) ([]web.Route, error) {
	docs := reference.New(info)
	routes := []web.Route{
		{Method: "POST", Path: "/register", Endpoint: s.Account.Register()},
		{Method: "POST", Path: "/login", Endpoint: s.Account.Login()},
		{Method: "POST", Path: "/refresh", Endpoint: s.Account.Refresh()},
		{Method: "POST", Path: "/logout", Endpoint: s.Account.Logout()},
		{Method: "POST", Path: "/logout/all", Endpoint: s.Account.LogoutAll()},
		{Method: "GET", Path: "/protected", Endpoint: s.Account.Protected()},
		{Method: "GET", Path: "/me", Endpoint: s.Account.Me()},

		{Method: "GET", Path: "/.well-known/jwks.json", Endpoint: s.WellKnown.JWKS()},

		{Method: "GET", Path: "/healthz", Endpoint: ops.Healthz()},
		{Method: "GET", Path: "/readyz", Endpoint: s.Ready},

		{Method: "GET", Path: "/", Endpoint: docs.Root()},
		{Method: "GET", Path: "/openapi.json", Endpoint: docs.Document()},
		{Method: "GET", Path: "/docs", Endpoint: docs.Page()},
		{Method: "GET", Path: "/docs/{asset}", Endpoint: docs.Asset()},
	}
	return routes, docs.Build(routes)
}

// Operations is every URL of the operations listener.
func Operations(s Surfaces) []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/healthz", Endpoint: ops.Healthz()},
		{Method: "GET", Path: "/readyz", Endpoint: s.Ready},
		{Method: "GET", Path: "/metrics", Endpoint: s.Metrics},
	}
}
