package main

import (
	"io"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/platform/clock"
	"github.com/durwardhq/durward/internal/server"
	"github.com/durwardhq/durward/internal/surface/accountapi"
	"github.com/durwardhq/durward/internal/surface/ops"
	"github.com/durwardhq/durward/internal/surface/reference"
	"github.com/durwardhq/durward/internal/surface/web"
	"github.com/durwardhq/durward/internal/surface/wellknown"
)

type routesCmd struct{ jsonFlag }

func (routesCmd) examples() []example {
	return []example{
		{"every URL:", "durward routes"},
		{"what needs an access token:", `durward routes --json | grep -B 3 '"auth": "bearer"'`},
	}
}

// route is a line of the URL table as programs read it.
type route struct {
	Listener string `json:"listener"`
	Method   string `json:"method"`
	Path     string `json:"path"`
	Auth     string `json:"auth"`
	Summary  string `json:"summary"`
}

type routeList struct {
	Routes []route `json:"routes"`
}

// The words for how an operation knows its caller.
var authWords = map[web.Auth]string{web.None: "none", web.Bearer: "bearer", web.BearerOptional: "bearer_or_body"}

func (routesCmd) Run(c *call) error {
	surfaces := server.Surfaces{ // described, never called
		Account: &accountapi.API{}, WellKnown: &wellknown.Documents{},
		Ready: ops.Readyz(clock.System{}), Metrics: ops.Metrics(ops.NewRegistry(ops.Build{})),
	}
	public, err := server.Public(surfaces, reference.Info{Title: "Durward", Version: app.Version()})
	if err != nil {
		return err
	}
	list := routeList{append(routesOf("public", public), routesOf("operations", server.Operations(surfaces))...)}
	return c.answer(list, func(w io.Writer) {
		var rows [][]string
		for _, r := range list.Routes {
			rows = append(rows, []string{r.Listener, r.Method, r.Path, r.Auth, r.Summary})
		}
		table(w, []string{"LISTENER", "METHOD", "PATH", "AUTH", "SUMMARY"}, rows)
	})
}

func routesOf(listener string, routes []web.Route) []route {
	list := make([]route, 0, len(routes))
	for _, r := range routes {
		op := r.Endpoint.Operation()
		list = append(list, route{listener, r.Method, r.Path, authWords[op.Auth], op.Summary})
	}
	return list
}
