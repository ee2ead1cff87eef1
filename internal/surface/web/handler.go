package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/clock"
)

// Kit is what the kit needs. Zero values are useful: a log that goes nowhere, the machine's clock, no trusted proxy,
// no metrics, 15 seconds for a request.
type Kit struct {
	Logger *slog.Logger
	Clock  clock.Clock
	// TrustedProxies are the networks whose word on client addresses and request ids is taken.
	TrustedProxies []netip.Prefix
	Metrics        *Metrics
	// Budget is how long a handler may take before its context ends.
	Budget time.Duration
	// DocsURL is where error codes are explained: problems' `type` is DocsURL#error-<code>. Empty is "/docs".
	DocsURL string
}

func (k Kit) withDefaults() Kit {
	if k.Logger == nil {
		k.Logger = slog.New(slog.DiscardHandler)
	}
	if k.Clock == nil {
		k.Clock = clock.System{}
	}
	if k.Budget <= 0 {
		k.Budget = 15 * time.Second
	}
	if k.DocsURL == "" {
		k.DocsURL = "/docs"
	}
	return k
}

// unmatched stands in logs and metrics for every path that is not in the table.
const unmatched = "unmatched"

type handler struct {
	kit     Kit
	mux     *http.ServeMux
	methods string // every method that some path takes, for OPTIONS * and CONNECT
}

// resource is one path with the endpoints of its methods.
type resource struct {
	path      string
	literal   bool
	endpoints map[string]*Endpoint
	allow     string
}

// NewHandler serves the routes. It panics when the table is wrong: paths that are not canonical, a method twice, a code
// that is not in the catalogue. The table is code, so this is seen at the first start.
func NewHandler(kit Kit, routes []Route) http.Handler {
	h := &handler{kit: kit.withDefaults(), mux: http.NewServeMux()}
	resources := map[string]*resource{}
	var methods []string
	for _, route := range routes {
		if err := route.check(); err != nil {
			panic(fmt.Sprintf("web: route %s %s: %v", route.Method, route.Path, err))
		}
		res := resources[route.Path]
		if res == nil {
			res = &resource{path: route.Path, endpoints: map[string]*Endpoint{},
				literal: !strings.Contains(route.Path, "{")}
			resources[route.Path] = res
			h.mux.Handle(muxPattern(route.Path), res)
		}
		if res.endpoints[route.Method] != nil {
			panic(fmt.Sprintf("web: route %s %s is there twice", route.Method, route.Path))
		}
		e := route.Endpoint
		res.endpoints[route.Method] = &e
		methods = append(methods, route.Method)
	}
	for _, res := range resources {
		res.allow = res.allowed()
	}
	h.methods = allowHeader(methods)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.(*writer).x.fail(errNotFound) })
	return h
}

// muxPattern makes "/" mean the root alone.
func muxPattern(path string) string {
	if path == "/" {
		return "/{$}"
	}
	return path
}

func (res *resource) allowed() string {
	var methods []string
	for m := range res.endpoints {
		methods = append(methods, m)
	}
	return allowHeader(methods)
}

func allowHeader(methods []string) string {
	methods = append(methods, http.MethodOptions)
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}

var errNotFound = &refusal{status: http.StatusNotFound, code: CodeNotFound, detail: "There is nothing under this path."}

func notAllowed(allow string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: CodeMethodNotAllowed, allow: allow,
		detail: "This path takes " + allow + "."}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{handler: h, began: h.kit.Clock.Now(), route: unmatched}
	x.writer = writer{ResponseWriter: w, x: x, head: r.Method == http.MethodHead}
	x.request.Request = r
	h.identify(&x.request)
	header := w.Header()
	x.request.answer = header
	header["X-Content-Type-Options"] = nosniff
	header["Referrer-Policy"] = noReferrer
	header["Content-Security-Policy"] = closedCSP
	header["Cache-Control"] = noStore
	header["X-Request-Id"] = []string{string(x.request.ID)}
	h.kit.Metrics.enter()
	defer h.kit.Metrics.leave()
	defer x.finish()
	h.dispatch(x)
}

// dispatch sends a request to its resource. ServeMux would redirect a path that is not canonical: here it is not found.
func (h *handler) dispatch(x *exchange) {
	r := x.request.Request
	switch {
	case r.RequestURI == "*" && r.Method == http.MethodOptions:
		x.options(h.methods)
	case r.Method == http.MethodConnect:
		x.fail(notAllowed(h.methods))
	case !canonical(r.URL.Path) || !canonical(r.URL.EscapedPath()):
		x.fail(errNotFound)
	default:
		h.mux.ServeHTTP(&x.writer, r)
	}
}

// canonical tells whether a path is absolute and without empty and dot segments.
func canonical(p string) bool {
	if p == "/" {
		return true
	}
	return strings.HasPrefix(p, "/") && path.Clean(p) == p
}

// ServeHTTP implements http.Handler for ServeMux, which is always given the kit's own writer.
func (res *resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := w.(*writer).x
	x.request.Request = r
	if res.literal && r.URL.RawPath != "" {
		x.fail(errNotFound) // letters of a fixed path written as %xx: one path, one spelling
		return
	}
	x.route = res.path
	if r.Method == http.MethodOptions {
		x.options(res.allow)
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	e := res.endpoints[method]
	if e == nil {
		x.fail(notAllowed(res.allow))
		return
	}
	x.op, x.auth = &e.op, e.op.Auth
	x.serve(e)
}

func (x *exchange) options(allow string) {
	x.writer.Header().Set("Allow", allow)
	x.writer.WriteHeader(http.StatusNoContent)
}

// identify finds out where a request comes from and gives it a name.
func (h *handler) identify(r *Request) {
	peer := peerAddress(r.RemoteAddr)
	r.Address = peer
	r.Device = device(r.UserAgent())
	if h.trusted(peer) {
		r.Address = h.clientAddress(peer, r.Header)
		if id := r.Header["X-Request-Id"]; len(id) == 1 && validRequestID(id[0]) {
			r.ID = ident.RequestID(id[0])
			return
		}
	}
	r.ID = ident.NewRequestID()
}

// check finds the mistakes of one line of the table.
func (route Route) check() error {
	op := route.Endpoint.op
	switch {
	case route.Endpoint.serve == nil:
		return fmt.Errorf("no endpoint: make it with web.JSON, web.Query or web.Raw")
	case !slices.Contains(routable, route.Method):
		return fmt.Errorf("method: expected one of %s", strings.Join(routable, ", "))
	case !canonical(route.Path) || strings.Contains(route.Path, "...}"):
		return fmt.Errorf("path: expected an absolute path without empty or dot segments, slash at the end or {name...}")
	case route.Endpoint.in != nil && route.Method == http.MethodGet:
		return fmt.Errorf("a GET takes no body: use web.Query")
	}
	for _, refusal := range op.Refusals {
		if c, ok := LookupCode(refusal.Code); !ok || c.Status != refusal.Status {
			return fmt.Errorf("refusal %d %s is not in the catalogue (codes.go)", refusal.Status, refusal.Code)
		}
	}
	return nil
}

var routable = []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut}

// knownMethod bounds what logs and metrics see of a method.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "other"
}
