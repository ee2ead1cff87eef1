package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/durwardhq/durward/internal/surface/web"
)

const fine = `{"username":"ada","email":"ada@example.org","password":"Tr0ub4dor&3"}`

// hush stands in bodies for what must never come back.
const hush = "hunter2"

func TestJSON_BodiesThatFitAreAccepted(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	for _, body := range []string{
		fine,
		" \n\t" + fine + "\r\n ",
		`{"password":"pa\u00df\n\ud83d\ude00","email":"","username":"ada"}`,
	} {
		if w := h.call("POST", "/sign-up", body); w.Code != http.StatusCreated {
			t.Errorf("%s: status %d, %s", body, w.Code, w.Body)
		}
	}
}

func TestJSON_EveryKindOfFieldArrives(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	body := `{"name":"n","age":-7,"ratio":0.5,"agree":true,"tags":["a","b"],` +
		`"address":{"street":"s","doors":[{"number":3}]},"since":"2026-01-02T03:04:05.000006Z","note":"x"}`
	w := h.call("POST", "/rich", body)
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != body {
		t.Errorf("status %d\n got %s\nwant %s", w.Code, w.Body, body)
	}
}

func TestJSON_SyntaxIsRefusedWithItsPlace(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	tests := []struct{ name, body, detail string }{
		{"empty body", ``, "The body is empty; a JSON object was expected."},
		{"white space alone", "  \n", "The body is not JSON: it ends too early, at line 2, column 1."},
		{"cut off", `{"username":"hunter2`, "The body is not JSON: it ends too early, at line 1, column 21."},
		{"cut off after a name", `{"username"`, "The body is not JSON: it ends too early, at line 1, column 12."},
		{"cut off after a comma", `{"username":"a",`, "The body is not JSON: it ends too early, at line 1, column 17."},
		{"a bare word", "{\n \"username\": hunter2}", "The body is not JSON: see line 2, column 14."},
		{"single quotes", `{'username':'hunter2'}`, "The body is not JSON: see line 1, column 2."},
		{"a comma too many", `{"username":"a",}`, "The body is not JSON: see line 1, column 16."},
		{"a comma too few", `{"username":"a" "email":"b"}`, "The body is not JSON: see line 1, column 17."},
		{"a comment", `{/* hunter2 */}`, "The body is not JSON: see line 1, column 2."},
		{"a byte order mark", "\ufeff{}", "The body is not JSON: see line 1, column 1."},
		{"a control in a string", "{\"username\":\"hunter2\n\"}", "The body is not JSON: see line 1, column 21."},
		{"a number as name", `{1:2}`, "The body is not JSON: see line 1, column 2."},
		{"NaN", `{"username":NaN}`, "The body is not JSON: see line 1, column 13."},
		{"trailing data", fine + ` {"x":"hunter2"}`,
			"There is more after the JSON object, which ends before line 1, column 70."},
		{"trailing garbage", fine + `hunter2`, "There is more after the JSON object, which ends before line 1, column 70."},
		{"an array", `["hunter2"]`, "The body must be a JSON object."},
		{"a string", `"hunter2"`, "The body must be a JSON object."},
		{"null", `null`, "The body must be a JSON object."},
		{"deep objects", `{"x":` + strings.Repeat(`{"x":`, 16), "The body nests deeper than 16 levels."},
		{"deep arrays", `{"username":` + strings.Repeat(`[`, 9999), "The body nests deeper than 16 levels."},
		{"a broken name", "{\"hunter2\xff\":1}", "The body has a field name that is not valid Unicode: line 1, column 12."},
		{"half a surrogate as name", `{"\ud800":1}`,
			"The body has a field name that is not valid Unicode: line 1, column 10."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := h.call("POST", "/sign-up", test.body)
			p := problemOf(t, w)
			if p.Status != http.StatusBadRequest || p.Code != web.CodeMalformedJSON || p.Detail != test.detail {
				t.Errorf("got %d %s %q, want 400 malformed_json %q", p.Status, p.Code, p.Detail, test.detail)
			}
			if strings.Contains(w.Body.String(), hush) || strings.Contains(h.log.String(), hush) {
				t.Errorf("the value came back: %s", w.Body)
			}
		})
	}
}

func TestJSON_FieldsAreRefusedByNameAndRule(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	tests := []struct {
		name, target, body string
		status             int
		rules              string
	}{
		{"nothing", "/sign-up", `{}`, 422, "username: required; email: required; password: required"},
		{"null", "/sign-up", `{"username":null,"email":"e","password":"p"}`, 422, "username: required"},
		{"null for an optional one", "/rich", `{"name":"n","tags":null,"address":null,"note":null}`, 422,
			"tags: wrong_type; address: wrong_type; note: wrong_type"},
		{"a stranger", "/sign-up", `{"username":"u","email":"e","password":"p","admin":"hunter2"}`, 422, "admin: unknown"},
		{"capitals", "/sign-up", `{"Username":"hunter2","email":"e","password":"p"}`, 422,
			"Username: unknown; username: required"},
		{"twice", "/sign-up", `{"username":"u","username":"hunter2","email":"e","password":"p"}`, 400,
			"username: duplicate"},
		{"twice by escape", "/sign-up", `{"username":"u","\u0075sername":"hunter2","email":"e","password":"p"}`, 400,
			"username: duplicate"},
		{"wrong types", "/sign-up", `{"username":1,"email":["hunter2"],"password":{"a":"hunter2"}}`, 422,
			"username: wrong_type; email: wrong_type; password: wrong_type"},
		{"wrong types of all kinds", "/rich",
			`{"name":true,"age":"7","ratio":"1","agree":"true","tags":"a","address":"s","since":7}`, 422,
			"name: wrong_type; age: wrong_type; ratio: wrong_type; agree: wrong_type; tags: wrong_type; " +
				"address: wrong_type; since: wrong_type"},
		{"numbers out of range", "/rich", `{"name":"n","age":128,"ratio":1e999}`, 422,
			"age: out_of_range; ratio: out_of_range"},
		{"a fraction", "/rich", `{"name":"n","age":1.0}`, 422, "age: wrong_type"},
		{"an exponent", "/rich", `{"name":"n","age":1e1}`, 422, "age: wrong_type"},
		{"not a time", "/rich", `{"name":"n","since":"hunter2"}`, 422, "since: malformed"},
		{"NUL", "/sign-up", `{"username":"hunter2\u0000","email":"e","password":"\u0000"}`, 422,
			"username: nul; password: nul"},
		{"NUL in a stranger", "/sign-up", `{"username":"u","email":"e","password":"p","x":["\u0000"]}`, 422,
			"x: unknown nul"},
		{"invalid UTF-8", "/sign-up", "{\"username\":\"hunter2\xff\",\"email\":\"e\",\"password\":\"p\"}", 400,
			"username: invalid_utf8"},
		{"an overlong form", "/sign-up", "{\"username\":\"\xc0\x80\",\"email\":\"e\",\"password\":\"p\"}", 400,
			"username: invalid_utf8"},
		{"half a surrogate", "/sign-up", `{"username":"\ud800","email":"e","password":"p"}`, 400,
			"username: invalid_utf8"},
		{"nested", "/rich", `{"name":"n","address":{"doors":[{"number":1},{"number":"hunter2","x":1},{}],"codes":[1]}}`,
			422, "address.doors[1].number: wrong_type; address.doors[1].x: unknown; address.doors[2].number: required; " +
				"address.codes[0]: wrong_type; address.street: required"},
		{"everything at once", "/sign-up", `{"username":1,"username":2,"Email":"hunter2","x":null}`, 400,
			"username: wrong_type duplicate; Email: unknown; x: unknown; email: required; password: required"},
		{"an empty name", "/sign-up", `{"":1,"username":"u","email":"e","password":"p"}`, 422, `"": unknown`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := h.call("POST", test.target, test.body)
			p := problemOf(t, w)
			code := web.CodeValidationFailed
			if test.status == http.StatusBadRequest {
				code = web.CodeMalformedJSON
			}
			if p.Status != test.status || p.Code != code || rules(p) != test.rules {
				t.Errorf("got %d %s %s\nwant %d %s %s", p.Status, p.Code, rules(p), test.status, code, test.rules)
			}
			if strings.Contains(w.Body.String(), hush) || strings.Contains(h.log.String(), hush) {
				t.Errorf("the value came back: %s", w.Body)
			}
		})
	}
}

func TestJSON_ADifferentlyWrittenNameIsExplained(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	for _, name := range []string{"Password", "PASSWORD", "pass_word", "pass-word"} {
		w := h.call("POST", "/sign-up", `{"username":"u","email":"e","`+name+`":"p"}`)
		if p := problemOf(t, w); !strings.Contains(p.Errors[0].Message, "did you mean password?") {
			t.Errorf("%s: %q", name, p.Errors[0].Message)
		}
	}
}

func TestJSON_NamesOfStrangersAreBoundedAndCleaned(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	w := h.call("POST", "/sign-up", `{"`+strings.Repeat("é", 100)+`":1,"a\u0007\u202eb":2}`)
	p := problemOf(t, w)
	if got := p.Errors[0].Field; got != strings.Repeat("é", 32)+"…" {
		t.Errorf("long name is shown as %q", got)
	}
	if got := p.Errors[1].Field; got != "a��b" {
		t.Errorf("controls are shown as %q", got)
	}
}

func TestJSON_AnswersStaySmallBesideRequests(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	var body strings.Builder
	for i := range 5000 {
		body.WriteString(`,"x` + strings.Repeat("y", i%9) + string(rune('a'+i%26)) + `":0`)
	}
	w := h.call("POST", "/sign-up", "{"+body.String()[1:]+"}")
	if p := problemOf(t, w); len(p.Errors) != 32 {
		t.Errorf("%d entries, want 32", len(p.Errors))
	}
}

func TestJSONChecked_ProblemsOfDecodingAndOfTheDomainComeTogether(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	p := problemOf(t, h.call("POST", "/checked", `{"username":7,"password":"short"}`))
	want := "username: wrong_type; email: required; password: too_short"
	if p.Status != 422 || rules(p) != want {
		t.Errorf("got %d %s, want 422 %s", p.Status, rules(p), want)
	}
	if w := h.call("POST", "/checked", fine); w.Code != 200 {
		t.Errorf("a fine body: %d %s", w.Code, w.Body)
	}
}

func TestJSON_MediaTypes(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	tests := []struct {
		name   string
		values []string
		status int
	}{
		{"plain", []string{"application/json"}, 201},
		{"capitals", []string{"Application/JSON"}, 201},
		{"charset", []string{"application/json; charset=utf-8"}, 201},
		{"charset in capitals", []string{"application/json;charset=UTF-8"}, 201},
		{"charset in quotes", []string{`application/json; charset="utf-8"`}, 201},
		{"another charset", []string{"application/json; charset=latin1"}, 415},
		{"another parameter", []string{"application/json; profile=x"}, 415},
		{"two parameters", []string{"application/json; charset=utf-8; x=y"}, 415},
		{"a form", []string{"application/x-www-form-urlencoded"}, 415},
		{"text", []string{"text/plain"}, 415},
		{"something like JSON", []string{"application/jsonp"}, 415},
		{"vendor JSON", []string{"application/vnd.api+json"}, 415},
		{"none", nil, 415},
		{"an empty one", []string{""}, 415},
		{"two", []string{"application/json", "application/json"}, 415},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := h.call("POST", "/sign-up", fine, func(r *http.Request) { r.Header["Content-Type"] = test.values })
			if w.Code != test.status {
				t.Fatalf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if w.Code == 415 && problemOf(t, w).Code != web.CodeUnsupportedMediaType {
				t.Errorf("body %s", w.Body)
			}
		})
	}
	if w := h.call("POST", "/sign-up", fine, header("Content-Encoding", "gzip")); w.Code != 415 {
		t.Errorf("compressed: status %d, want 415", w.Code)
	}
	unsized := func(r *http.Request) { r.ContentLength = -1; r.Header.Del("Content-Type") }
	if w := h.call("POST", "/sign-up", fine, unsized); w.Code != 415 {
		t.Errorf("no type, in chunks: status %d, want 415", w.Code)
	}
}

func TestJSON_BodiesOver64KiBAreRefused(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	sized := func(n int) string {
		frame := `{"username":"u","email":"e","password":""}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("p", n-len(frame))+`"`, 1)
	}
	unsized := func(r *http.Request) { r.ContentLength = -1 }
	if w := h.call("POST", "/sign-up", sized(64<<10), unsized); w.Code != 201 {
		t.Errorf("64 KiB exactly: status %d", w.Code)
	}
	for name, w := range map[string]string{
		"declared":  problemOf(t, h.call("POST", "/sign-up", sized(64<<10+1))).Code,
		"in chunks": problemOf(t, h.call("POST", "/sign-up", sized(64<<10+1), unsized)).Code,
	} {
		if w != web.CodeBodyTooLarge {
			t.Errorf("%s: %s, want body_too_large", name, w)
		}
	}
}

func TestJSON_AnOptionalBodyMayBeMissing(t *testing.T) {
	h := newHarness(web.Kit{}, routes())
	unsized := func(r *http.Request) { r.ContentLength = -1; r.Header.Del("Content-Type") }
	tests := []struct {
		body string
		edit func(*http.Request)
		want string
	}{
		{"", func(*http.Request) {}, "name:"},
		{"", unsized, "name:"},
		{"", header("Content-Type", "text/plain"), "name:"},
		{"{}", func(*http.Request) {}, "name:"},
		{`{"name":"x"}`, func(*http.Request) {}, "name:x"},
	}
	for _, test := range tests {
		w := h.call("POST", "/optional", test.body, test.edit)
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"`+test.want+`"`) {
			t.Errorf("%q: %d %s, want %s", test.body, w.Code, w.Body, test.want)
		}
	}
	if w := h.call("POST", "/optional", `{"nam":"x"}`); w.Code != 422 {
		t.Errorf("an optional body is held to its fields: status %d", w.Code)
	}
}

// FuzzJSON sends any body: the answer is a success or a problem of the kit's, and never holds what was sent.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{fine, `{}`, `[]`, ``, `{"name":"n","address":{"doors":[{"number":1}]}}`,
		`{"name":"n","name":1}`, "{\"name\":\"\xff\"}", `{"name":"\u0000"}`, `{"name":"\ud800"}`, `{"NAME":1e9}`,
		strings.Repeat(`{"address":`, 20), `{"tags":[[[[]]]],"x":{"y":{"z":null}}}`, `{"age":1e400,"ratio":-1e400}`} {
		f.Add(seed)
	}
	h := newHarness(web.Kit{}, routes())
	f.Fuzz(func(t *testing.T, body string) {
		h.log.Reset()
		w := h.call("POST", "/rich", body)
		if w.Code == 200 {
			return
		}
		p := problemOf(t, w)
		if p.Status != 400 && p.Status != 413 && p.Status != 422 {
			t.Errorf("status %d for %q", p.Status, body)
		}
		if len(p.Errors) > 32 {
			t.Errorf("%d entries", len(p.Errors))
		}
	})
}

// FuzzJSON_NeverEchoes puts any text where values stand in bodies of every sort of wrongness.
func FuzzJSON_NeverEchoes(f *testing.F) {
	frames := []string{`{"name":§}`, `{"name":"n","name":§}`, `{"name":["§"]}`, `{"nam":"§"}`,
		`{"name":"§","age":"§"}`,
		`{"name":"n","since":"§"}`, `{"name":"n"} §`, `["§"]`, `{"name":{"a":"§"}}`, `§`}
	f.Add("secret", uint8(0))
	f.Add("\xff\x00", uint8(2))
	f.Add(`",}`, uint8(4))
	h := newHarness(web.Kit{}, routes())
	f.Fuzz(func(t *testing.T, value string, frame uint8) {
		const marker = "Zq8vWx"
		h.log.Reset()
		body := strings.ReplaceAll(frames[int(frame)%len(frames)], "§", marker+value+marker)
		w := h.call("POST", "/rich", body)
		escaped := strings.Contains(value, `"`) // it closes its quotes, and may become the name of a field
		if w.Code != 200 && strings.Contains(w.Body.String(), marker) && !escaped {
			t.Errorf("%q came back in %s", body, w.Body)
		}
		if strings.Contains(h.log.String(), marker) {
			t.Errorf("%q is in the log %s", body, h.log)
		}
	})
}
