package jwt

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

const claimsText = `{"iss":"https://id.example.org","sub":"42","aud":"https://id.example.org/api",` +
	`"client_id":"durward","scope":"account","exp":1800000900,"iat":1800000000,"nbf":1800000000,` +
	`"jti":"n8Rj0UmkT3yDq9V4S1zZkQ",` +
	`"sid":"ses_0123456789abcdefghjkmnpqrs","auth_time":1799999000,"amr":["pwd"],"acr":"urn:durward:acr:1fa",` +
	`"username":"ada","roles":["admin","viewer"]}`

func TestAccessClaims_TextIsGolden(t *testing.T) {
	got, err := someClaims().AppendJSON(nil)
	if err != nil || string(got) != claimsText {
		t.Fatalf("%v\n got %s\nwant %s", err, got, claimsText)
	}
}

func TestAccessClaims_WhatIsEmptyIsLeftOutButRoles(t *testing.T) {
	c := AccessClaims{Issuer: "i", Subject: "s", Audience: "a", ClientID: "c", ID: "j", Expires: 2, IssuedAt: 1}
	got, err := c.AppendJSON([]byte("before "))
	want := `before {"iss":"i","sub":"s","aud":"a","client_id":"c","exp":2,"iat":1,"jti":"j","roles":[]}`
	if err != nil || string(got) != want {
		t.Fatalf("%v\n got %s\nwant %s", err, got, want)
	}
}

func TestAccessClaims_ComeBackFromTheirText(t *testing.T) {
	text := rapid.String() // valid UTF-8, quotes and controls among it
	required := rapid.StringN(1, 40, -1)
	date := rapid.Int64Range(0, maxNumericDate)
	present := rapid.Int64Range(1, maxNumericDate)
	rapid.Check(t, func(t *rapid.T) {
		want := AccessClaims{
			Issuer: required.Draw(t, "iss"), Subject: required.Draw(t, "sub"), Audience: required.Draw(t, "aud"),
			ClientID: required.Draw(t, "client_id"), Scope: text.Draw(t, "scope"), Expires: present.Draw(t, "exp"),
			IssuedAt: present.Draw(t, "iat"), NotBefore: date.Draw(t, "nbf"), ID: required.Draw(t, "jti"),
			SessionID: text.Draw(t, "sid"), AuthTime: date.Draw(t, "auth_time"), ACR: text.Draw(t, "acr"),
			AMR: rapid.SliceOf(text).Draw(t, "amr"), Username: text.Draw(t, "username"),
			Roles: rapid.SliceOf(text).Draw(t, "roles"),
		}
		encoded, err := want.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseAccessClaims(encoded)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%v %s\n%s", err, encoded, diff)
		}
	})
}

func TestAccessClaims_AreNotEncodedWhenIncompleteOrUnwritable(t *testing.T) {
	for name, spoil := range map[string]func(*AccessClaims){
		"iss": func(c *AccessClaims) { c.Issuer = "" }, "sub": func(c *AccessClaims) { c.Subject = "" },
		"aud": func(c *AccessClaims) { c.Audience = "" }, "client_id": func(c *AccessClaims) { c.ClientID = "" },
		"jti": func(c *AccessClaims) { c.ID = "" }, "exp": func(c *AccessClaims) { c.Expires = 0 },
		"iat":       func(c *AccessClaims) { c.IssuedAt = 0 },
		"username":  func(c *AccessClaims) { c.Username = "a\xff" },
		"roles":     func(c *AccessClaims) { c.Roles = []string{"\xc0\x80"} },
		"nbf":       func(c *AccessClaims) { c.NotBefore = -1 },
		"auth_time": func(c *AccessClaims) { c.AuthTime = maxNumericDate + 1 },
	} {
		c := someClaims()
		spoil(&c)
		if got, err := c.AppendJSON(nil); err == nil || got != nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestParseAccessClaims_PassesOverWhatItDoesNotKnow(t *testing.T) {
	more := `{"cnf":{"jkt":"x","x":[1,{"y":[]}]},"act":null,"n":1.5e3,"b":true,"l":[[],{}],"ISS":"other",`
	got, err := ParseAccessClaims([]byte(more + claimsText[1:]))
	if diff := cmp.Diff(someClaims(), got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
}

func TestParseAccessClaims_Refuses(t *testing.T) {
	change := func(from, to string) string {
		if !strings.Contains(claimsText, from) {
			t.Fatalf("no %s in the claims", from)
		}
		return strings.Replace(claimsText, from, to, 1)
	}
	cases := map[string]string{
		"nothing":           ``,
		"no object":         `[]`,
		"text":              `"sub"`,
		"empty object":      `{}`,
		"two objects":       claimsText + `{}`,
		"trailing text":     claimsText + `x`,
		"cut":               claimsText[:len(claimsText)-1],
		"trailing comma":    change(`"viewer"]}`, `"viewer"],}`),
		"invalid UTF-8":     change(`ada`, "ad\xff"),
		"byte order mark":   "\ufeff" + claimsText,
		"sub twice":         change(`"sub":"42"`, `"sub":"42","sub":"1"`),
		"sub twice, same":   change(`"sub":"42"`, `"sub":"42","sub":"42"`),
		"sub twice, hidden": change(`"sub":"42"`, `"sub":"42","s\u0075b":"1"`),
		"unknown twice":     change(`"sub":"42"`, `"sub":"42","x":1,"x":1`),
		"sub a number":      change(`"42"`, `42`),
		"sub null":          change(`"42"`, `null`),
		"sub empty":         change(`"42"`, `""`),
		"no sub":            change(`"sub":"42",`, ``),
		"SUB":               change(`"sub"`, `"SUB"`),
		"aud an array":      change(`"https://id.example.org/api"`, `["https://id.example.org/api"]`),
		"aud two":           change(`"https://id.example.org/api"`, `["https://id.example.org/api","other"]`),
		"aud an object":     change(`"https://id.example.org/api"`, `{}`),
		"exp a string":      change(`1800000900`, `"1800000900"`),
		"exp a fraction":    change(`1800000900`, `1800000900.5`),
		"exp with .0":       change(`1800000900`, `1800000900.0`),
		"exp with exponent": change(`1800000900`, `18e8`),
		"exp negative":      change(`1800000900`, `-1`),
		"exp zero":          change(`1800000900`, `0`),
		"exp minus zero":    change(`1800000900`, `-0`),
		"exp huge":          change(`1800000900`, `253402300800`),
		"exp over 64 bits":  change(`1800000900`, `99999999999999999999`),
		"exp null":          change(`1800000900`, `null`),
		"exp true":          change(`1800000900`, `true`),
		"no exp":            change(`"exp":1800000900,`, ``),
		"no iat":            change(`"iat":1800000000,`, ``),
		"no jti":            change(`"jti":"n8Rj0UmkT3yDq9V4S1zZkQ",`, ``),
		"amr a string":      change(`["pwd"]`, `"pwd"`),
		"amr null":          change(`["pwd"]`, `null`),
		"amr of numbers":    change(`["pwd"]`, `[1]`),
		"roles nested":      change(`["admin"`, `[["admin"]`),
		"roles of objects":  change(`["admin"`, `[{"admin":1}`),
		"roles with null":   change(`["admin"`, `[null`),
		"roles an object":   change(`["admin","viewer"]`, `{"admin":true}`),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseAccessClaims([]byte(text))
			wantReason(t, err, ErrMalformed)
			if diff := cmp.Diff(AccessClaims{}, got); diff != "" {
				t.Errorf("gave claims with the refusal: %s", diff)
			}
		})
	}
}

func TestParseAccessClaims_SurvivesDepth(t *testing.T) {
	deep := `{"x":` + strings.Repeat("[", 6000) + strings.Repeat("]", 6000) + `,` + claimsText[1:]
	if _, err := ParseAccessClaims([]byte(deep)); err != nil {
		t.Fatal(err)
	}
	_, err := ParseAccessClaims([]byte(strings.Repeat(`{"x":`, 200_000)))
	wantReason(t, err, ErrMalformed)
}

func TestValidate_TimesToTheMicrosecond(t *testing.T) {
	c := someClaims()
	c.IssuedAt, c.NotBefore, c.Expires = 1_800_000_000, 1_800_000_010, 1_800_000_900
	e := Expectation{Issuer: c.Issuer, Audience: c.Audience, Client: c.ClientID}
	at := func(seconds int64, more time.Duration) time.Time { return time.Unix(seconds, 0).Add(more) }
	cases := []struct {
		name string
		now  time.Time
		want Reason
	}{
		{"in the middle", at(1_800_000_500, 0), ""},
		{"just before exp", at(c.Expires, -time.Microsecond), ""},
		{"at exp", at(c.Expires, 0), ErrExpired},
		{"after exp, inside what would be a leeway", at(c.Expires, time.Second), ErrExpired},
		{"30 s before nbf", at(c.NotBefore, -Leeway), ""},
		{"more than 30 s before nbf", at(c.NotBefore, -Leeway-time.Microsecond), ErrNotYetValid},
		{"long before", at(0, 0), ErrNotYetValid},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) { checkValidate(t, c, tt.now, e, tt.want) })
	}
	c.NotBefore = 0
	t.Run("30 s before iat", func(t *testing.T) { checkValidate(t, c, at(c.IssuedAt, -Leeway), e, "") })
	t.Run("more than 30 s before iat", func(t *testing.T) {
		checkValidate(t, c, at(c.IssuedAt, -Leeway-time.Microsecond), e, ErrNotYetValid)
	})
}

func checkValidate(t *testing.T, c AccessClaims, now time.Time, e Expectation, want Reason) {
	t.Helper()
	err := c.Validate(now, e)
	if want == "" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	wantReason(t, err, want)
}

func TestValidate_WhoseTokenItIs(t *testing.T) {
	c := someClaims()
	now := time.Unix(c.IssuedAt, 0)
	good := Expectation{Issuer: c.Issuer, Audience: c.Audience, Client: c.ClientID}
	for name, tt := range map[string]struct {
		spoil func(*Expectation)
		want  Reason
	}{
		"another issuer":       {func(e *Expectation) { e.Issuer = "https://evil.example" }, ErrIssuer},
		"issuer with slash":    {func(e *Expectation) { e.Issuer += "/" }, ErrIssuer},
		"issuer in upper case": {func(e *Expectation) { e.Issuer = strings.ToUpper(e.Issuer) }, ErrIssuer},
		"another API":          {func(e *Expectation) { e.Audience = "https://app.example" }, ErrAudience},
		"longer audience":      {func(e *Expectation) { e.Audience += "/v2" }, ErrAudience},
		"another client":       {func(e *Expectation) { e.Client = "app" }, ErrClient},
		"no issuer expected":   {func(e *Expectation) { e.Issuer = "" }, ErrIssuer},
		"no audience expected": {func(e *Expectation) { e.Audience = "" }, ErrAudience},
		"no client expected":   {func(e *Expectation) { e.Client = "" }, ErrClient},
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			tt.spoil(&e)
			checkValidate(t, c, now, e, tt.want)
		})
	}
	checkValidate(t, c, now, good, "")
	checkValidate(t, AccessClaims{}, now, Expectation{}, ErrIssuer)
}

func FuzzParseAccessClaims(f *testing.F) {
	f.Add([]byte(claimsText))
	f.Add([]byte(`{"iss":"i","sub":"s","aud":"a","client_id":"c","exp":2,"iat":1,"jti":"j","x":[{"y":[[]]}]}`))
	f.Add([]byte(`{"sub":"a","sub":"b"}`))
	f.Add([]byte(`{"roles":[null,1.5e9,{}]}`))
	f.Add([]byte(`{"exp":1e3,"iat":-0}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := ParseAccessClaims(payload)
		if err != nil {
			return
		}
		var plain map[string]any
		err = json.Unmarshal(payload, &plain)
		if err != nil || plain["sub"] != c.Subject || plain["aud"] != c.Audience {
			t.Fatalf("%q: encoding/json reads %v (%v), here it is %+v", payload, plain, err, c)
		}
		again, err := c.AppendJSON(nil)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", payload, err)
		}
		back, err := ParseAccessClaims(again)
		if diff := cmp.Diff(c, back, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%q: %v %s", payload, err, diff)
		}
	})
}
