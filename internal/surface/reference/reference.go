// Package reference tells the outside what the API is: the OpenAPI 3.1 document at /openapi.json, the page at /docs
// that people read, and docs/errors.md. All three are made from the same routes that the server serves, once, at the
// start; nothing about an operation is written down twice. It owns how operations are described; what they are is
// said by the surfaces, in web.Operation and in the types of their bodies and answers.
package reference

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/durwardhq/durward/internal/platform/errs"
	"github.com/durwardhq/durward/internal/surface/web"
)

// Info is what the routes do not know.
type Info struct {
	Title     string // "Durward"
	Version   string // of the program
	PublicURL string // base of every URL in examples; empty is relative
}

// Reference serves the document and the page. New makes it, so that its endpoints can stand in the table of routes;
// Build fills it with that table.
type Reference struct {
	info     Info
	document web.Content
	page     web.Content
	assets   map[string]asset
}

// New makes an empty reference, to be filled by Build before the first request.
func New(info Info) *Reference {
	info.PublicURL = strings.TrimRight(info.PublicURL, "/")
	return &Reference{info: info, assets: loadAssets()}
}

// Build makes document and page from the routes. Mistakes in the table are errors: an operation without id, two types
// of one name, an example that cannot be read.
func (r *Reference) Build(routes []web.Route) (err error) {
	defer func() {
		if p := recover(); p != nil { // web.FieldsOf panics on types that cannot go over the wire
			err = fmt.Errorf("reference: %v", p)
		}
	}()
	m, err := newModel(r.info, routes)
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	document, err := m.document()
	if err != nil {
		return fmt.Errorf("reference: write the document: %w", err)
	}
	page, err := m.page(r.assets)
	if err != nil {
		return fmt.Errorf("reference: write the page: %w", err)
	}
	r.document = web.Content{Body: document, ETag: web.ETag(document)}
	r.page = web.Content{Body: page, ETag: web.ETag(page)}
	return nil
}

const (
	tag = "Reference"
	// revalidate lets browsers keep a copy that they ask about before each use.
	revalidate = "no-cache"
)

// Document is GET /openapi.json.
func (r *Reference) Document() web.Endpoint {
	op := web.Operation{
		OperationID: "getOpenAPI", Tag: tag, Summary: "This API as an OpenAPI 3.1 document",
		Description: "Made from the routes and types that the server itself uses.",
		Produces:    "application/json", CacheControl: revalidate, Answer: map[string]any{},
	}
	return web.Bytes(op, func(*web.Request) (web.Content, error) { return r.document, nil })
}

// Page is GET /docs.
func (r *Reference) Page() web.Endpoint {
	op := web.Operation{
		OperationID: "getDocs", Tag: tag, Summary: "This API as a page for people",
		Description: "Every operation with its fields, answers and a curl command, and every error code.",
		Produces:    "text/html; charset=utf-8", CacheControl: revalidate, ContentSecurityPolicy: pagePolicy,
	}
	return web.Bytes(op, func(*web.Request) (web.Content, error) { return r.page, nil })
}

// Root is GET /: it leads people who open the server's own URL to the page.
func (r *Reference) Root() web.Endpoint {
	op := web.Operation{OperationID: "getRoot", Tag: tag, Summary: "Leads to /docs", Success: http.StatusSeeOther, Unlisted: true}
	return web.Raw(op, func(w http.ResponseWriter, _ *web.Request) error {
		w.Header().Set("Location", "/docs")
		w.WriteHeader(http.StatusSeeOther)
		return nil
	})
}

// pagePolicy lets the page load its own style sheet and mark, and nothing else; it runs no script.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'"

// Asset is GET /docs/{asset}: the page's style sheet and mark, under names that change with their content.
func (r *Reference) Asset() web.Endpoint {
	op := web.Operation{
		OperationID: "getDocsAsset", Tag: tag, Summary: "Style of the page", Unlisted: true,
		CacheControl: "public, max-age=31536000, immutable",
	}
	return web.Bytes(op, func(q *web.Request) (web.Content, error) {
		a, ok := r.assets[q.PathValue("asset")]
		if !ok {
			return web.Content{}, errs.New(errs.NotFound, web.CodeNotFound, "There is nothing under this path.")
		}
		return a.content, nil
	})
}
