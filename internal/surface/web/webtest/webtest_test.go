package webtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/durwardhq/durward/internal/surface/web/webtest"
)

const document = `{
"openapi": "3.1.0",
"paths": {
  "/things": {"post": {"operationId": "makeThing",
    "requestBody": {"content": {"application/json": {
      "schema": {"$ref": "#/components/schemas/ThingRequest"}, "example": {"name": "x"}}}},
    "responses": {
      "201": {"headers": {"Location": {"required": true}, "X-Maybe": {}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}, "example": {"id": 1}}}},
      "409": {"$ref": "#/components/responses/Conflict"}}}},
  "/things/{id}": {
    "get": {"operationId": "getThing", "responses": {
      "200": {"content": {"application/json; charset=utf-8": {"schema": {"$ref": "#/components/schemas/Thing"}}}}}},
    "delete": {"operationId": "dropThing", "responses": {"204": {"description": "Gone."}}}},
  "/things/all": {"get": {"operationId": "page", "responses": {
    "200": {"content": {"text/html": {"schema": {"type": "string"}}}}}}}
},
"components": {
  "schemas": {
    "ThingRequest": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
      "additionalProperties": false},
    "Thing": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
    "Problem": {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}},
  "responses": {
    "Conflict": {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"},
      "examples": {"taken": {"value": {"code": "taken"}}, "late": {"value": {"code": "late"}}}}}},
    "UnknownPath": {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
    "UnknownMethod": {"headers": {"Allow": {"$ref": "#/components/headers/Allow"}},
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
  "headers": {"Allow": {"required": true}}
}}`

// reply makes an exchange with the headers that every answer has, and more.
func reply(method, path string, status int, body string, headers ...string) webtest.Exchange {
	h := http.Header{"X-Content-Type-Options": {"nosniff"}, "Referrer-Policy": {"no-referrer"}, "X-Request-Id": {"r"},
		"Cache-Control": {"no-store"}, "Content-Security-Policy": {"default-src 'none'"}}
	if body != "" {
		h.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			h.Del(headers[i])
			continue
		}
		h.Set(headers[i], headers[i+1])
	}
	return webtest.Exchange{Method: method, Path: path, Status: status, Header: h, Body: []byte(body)}
}

func with(x webtest.Exchange, request string) webtest.Exchange {
	x.RequestBody = []byte(request)
	return x
}

const problem = "application/problem+json"

func TestCheck(t *testing.T) {
	tests := []struct {
		name     string
		exchange webtest.Exchange
		want     string // part of the error; empty is none
	}{
		{"as promised", with(reply("POST", "/things", 201, `{"id":1}`, "Location", "/things/1"), `{"name":"x"}`), ""},
		{"a refusal as promised", reply("POST", "/things", 409, `{"code":"taken"}`, "Content-Type", problem), ""},
		{"no body as promised", reply("DELETE", "/things/1", 204, ""), ""},
		{"a page", reply("GET", "/things/all", 200, "<p>", "Content-Type", "text/html; charset=utf-8"), ""},
		{"HEAD", reply("HEAD", "/things/1", 200, "", "Content-Type", "application/json"), ""},
		{"OPTIONS", reply("OPTIONS", "/things/1", 204, "", "Allow", "GET"), ""},
		{"an unknown path", reply("GET", "/nothing", 404, `{"code":"not_found"}`, "Content-Type", problem), ""},
		{"an unknown method", reply("PUT", "/things", 405, `{"code":"x"}`, "Content-Type", problem, "Allow", "POST"), ""},

		{"another status", reply("POST", "/things", 200, `{"id":1}`), "no answer 200"},
		{"a field too many", reply("POST", "/things", 201, `{"id":1,"x":2}`, "Location", "/"), "additional properties"},
		{"a wrong type", reply("POST", "/things", 201, `{"id":"1"}`, "Location", "/"), "breaks"},
		{"not JSON", reply("POST", "/things", 201, `{`, "Location", "/"), "not JSON"},
		{"a missing header", reply("POST", "/things", 201, `{"id":1}`), "Location is missing"},
		{"another type", reply("GET", "/things/1", 200, `{"id":1}`, "Content-Type", "text/plain"), "does not name"},
		{"a body where there is none", reply("DELETE", "/things/1", 204, `{}`), "says that there is none"},
		{"a body to HEAD", reply("HEAD", "/things/1", 200, `{"id":1}`), "HEAD has a body"},
		{"no nosniff", reply("DELETE", "/things/1", 204, "", "X-Content-Type-Options", ""), "X-Content-Type-Options"},
		{"no request id", reply("DELETE", "/things/1", 204, "", "X-Request-Id", ""), "X-Request-Id"},
		{"an unknown path that is found", reply("GET", "/nothing", 200, `{}`), "expected 404"},
		{"an unknown method that is taken", reply("PUT", "/things", 200, `{}`), "expected 405"},
		{"405 without Allow", reply("PUT", "/things", 405, `{"code":"x"}`, "Content-Type", problem), "Allow is missing"},
		{"OPTIONS without Allow", reply("OPTIONS", "/things", 204, ""), "204 with Allow"},
		{"a request against the document is accepted",
			with(reply("POST", "/things", 201, `{"id":1}`, "Location", "/"), `{"nam":"x"}`), "was accepted"},
	}
	v, err := webtest.New([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := v.Check(test.exchange)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestUnseen_GivesWhatNobodyHasShown(t *testing.T) {
	v, err := webtest.New([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"DELETE /things/{id} 204", "GET /things/all 200", "GET /things/{id} 200", "POST /things 201",
		"POST /things 409 late", "POST /things 409 taken"}
	if diff := cmp.Diff(want, v.Unseen()); diff != "" {
		t.Error(diff)
	}
	for _, x := range []webtest.Exchange{
		reply("POST", "/things", 409, `{"code":"taken"}`, "Content-Type", problem),
		reply("DELETE", "/things/7", 204, ""), reply("GET", "/things/7", 500, ""),
	} {
		_ = v.Check(x)
	}
	want = slices.DeleteFunc(want, func(s string) bool {
		return s == "DELETE /things/{id} 204" || strings.HasSuffix(s, "taken")
	})
	if diff := cmp.Diff(want, v.Unseen()); diff != "" {
		t.Error(diff)
	}
}

func TestTransport_ReportsAndPassesOn(t *testing.T) {
	v, err := webtest.New([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte("got "), sent...))
	}))
	defer server.Close()
	var reports []error
	report := func(err error) { reports = append(reports, err) }
	client := http.Client{Transport: v.Transport(http.DefaultTransport, report)}
	response, err := client.Post(server.URL+"/things", "application/json", strings.NewReader(`{"name":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != `got {"name":"x"}` || len(reports) != 1 {
		t.Errorf("%s %v, reports %v", body, err, reports)
	}
}

func TestNew_RefusesADocumentThatIsNotTrueInItself(t *testing.T) {
	for name, edit := range map[string][2]string{
		"not JSON":                     {`{`, ``},
		"another version":              {`"3.1.0"`, `"3.0.3"`},
		"a broken reference":           {`schemas/Thing"}`, `schemas/Nothing"}`},
		"a broken schema":              {`"type": "integer"`, `"type": 7`},
		"a wrong example":              {`"example": {"id": 1}`, `"example": {"id": "1"}`},
		"a wrong example of a problem": {`{"value": {"code": "late"}}`, `{"value": {"code": 7}}`},
	} {
		if _, err := webtest.New([]byte(strings.ReplaceAll(document, edit[0], edit[1]))); err == nil {
			t.Errorf("%s: the document was accepted", name)
		}
	}
}
