package web

import (
	"net/http"
	"slices"
	"strings"
)

// The codes of the kit's own refusals, and of those that several surfaces share.
const (
	CodeMalformedJSON        = "malformed_json"
	CodeValidationFailed     = "validation_failed"
	CodeBodyTooLarge         = "body_too_large"
	CodeUnsupportedMediaType = "unsupported_media_type"
	CodeRequestTimeout       = "request_timeout"
	CodeNotFound             = "not_found"
	CodeMethodNotAllowed     = "method_not_allowed"
	CodeTokenMissing         = "token_missing"
	CodeInvalidToken         = "invalid_token"
	CodeInternal             = "internal"
	CodeUnavailable          = "database_unavailable"
	CodeTimeout              = "timeout"
	CodeNotReady             = "not_ready"
)

// Code is one entry of the catalogue: a stable word that a program may branch on, and what it means to a person.
type Code struct {
	Code    string
	Status  int
	Title   string // the `title` of the problem: the same for every occurrence (RFC 9457 §3.1.3)
	Meaning string // what has happened
	Remedy  string // what the caller can do
}

// catalogue is every error code that any answer may carry, by status and code. docs/errors.md and the page at /docs are
// made from it; a route that refuses with a code that is not here does not start.
var catalogue = []Code{
	{CodeMalformedJSON, http.StatusBadRequest, "Malformed JSON",
		"The body is empty, is not one JSON object, or is ambiguous: a field given twice, text that is not UTF-8, " +
			"nesting that is too deep.",
		"Correct the body; the detail says at which line and column the problem is, errors which field it is in."},
	{"invalid_credentials", http.StatusUnauthorized, "Invalid credentials",
		"The name or address and the password do not belong together. The answer is the same whether or not there is " +
			"such an account.",
		"Ask for both again."},
	{"invalid_refresh_token", http.StatusUnauthorized, "Invalid refresh token",
		"The refresh token is not one of ours, or its session has ended or run out.",
		"Sign in again."},
	{CodeInvalidToken, http.StatusUnauthorized, "Invalid access token",
		"The access token is malformed, expired or not meant for this API, or its session has ended.",
		"Get a new access token with the refresh token, or sign in again."},
	{"refresh_token_reused", http.StatusUnauthorized, "Refresh token reused",
		"A refresh token that had been replaced was used again. That is what theft looks like, so the session has ended.",
		"Sign in again."},
	{CodeTokenMissing, http.StatusUnauthorized, "Access token missing",
		"The operation needs an access token and the request has none.",
		"Send the header Authorization: Bearer and the token."},
	{"forbidden", http.StatusForbidden, "Forbidden",
		"The caller is known and may not do this.",
		"Ask an administrator for the role that it takes."},
	{CodeNotFound, http.StatusNotFound, "Not found",
		"There is nothing under this path. Paths are exact: no doubled or trailing slash, no dot segments.",
		"Compare the path with the reference."},
	{CodeMethodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed",
		"The path exists and does not take this method.",
		"Use a method that the Allow header names."},
	{CodeRequestTimeout, http.StatusRequestTimeout, "Request timeout",
		"The body did not arrive in time. The connection is closed.",
		"Send the request again."},
	{"email_taken", http.StatusConflict, "Email taken",
		"Another account has this email address.",
		"Use another address, or sign in."},
	{"username_taken", http.StatusConflict, "Username taken",
		"Another account has this username. Names that differ only in case are the same.",
		"Choose another name."},
	{CodeBodyTooLarge, http.StatusRequestEntityTooLarge, "Body too large",
		"The body is larger than 64 KiB.",
		"Send less."},
	{CodeUnsupportedMediaType, http.StatusUnsupportedMediaType, "Unsupported media type",
		"The body is not declared as JSON, or is compressed.",
		"Send Content-Type: application/json and no Content-Encoding."},
	{CodeValidationFailed, http.StatusUnprocessableEntity, "Validation failed",
		"The body is understood, but fields are missing, unknown or break rules. Every such field has an entry in errors " +
			"with all the rules that it breaks.",
		"Correct the fields that errors names."},
	{"too_many_requests", http.StatusTooManyRequests, "Too many requests",
		"The caller has asked too often.",
		"Wait for as long as the Retry-After header says."},
	{CodeInternal, http.StatusInternalServerError, "Internal error",
		"Something went wrong on our side. It is in the server's log under the request id.",
		"Try again; if it stays, tell the administrator the request id."},
	{"busy", http.StatusServiceUnavailable, "Busy",
		"More passwords wait to be checked than the server can check soon.",
		"Try again after the time that the Retry-After header says."},
	{CodeNotReady, http.StatusServiceUnavailable, "Not ready",
		"The server runs, but something that it needs does not work; the detail names it.",
		"Wait, and look at what the detail names."},
	{CodeTimeout, http.StatusServiceUnavailable, "Timeout",
		"The server could not finish the request in the time that it allows itself.",
		"Try again after the time that the Retry-After header says."},
	{CodeUnavailable, http.StatusServiceUnavailable, "Unavailable",
		"Something that the server needs, usually its database, does not answer at the moment.",
		"Try again after the time that the Retry-After header says."},
}

var catalogued = func() map[string]Code {
	byCode := make(map[string]Code, len(catalogue))
	for _, c := range catalogue {
		byCode[c.Code] = c
	}
	return byCode
}()

// Catalogue gives every error code, ordered by status and then by code.
func Catalogue() []Code {
	all := slices.Clone(catalogue)
	slices.SortFunc(all, func(a, b Code) int {
		if a.Status != b.Status {
			return a.Status - b.Status
		}
		return strings.Compare(a.Code, b.Code)
	})
	return all
}

// LookupCode finds a code in the catalogue.
func LookupCode(code string) (Code, bool) {
	c, ok := catalogued[code]
	return c, ok
}

// The words for broken rules that decoding itself gives; domains add their own.
const (
	ruleUnknown     = "unknown"
	ruleDuplicate   = "duplicate"
	ruleRequired    = "required"
	ruleWrongType   = "wrong_type"
	ruleOutOfRange  = "out_of_range"
	ruleMalformed   = "malformed"
	ruleNUL         = "nul"
	ruleInvalidUTF8 = "invalid_utf8"
)

// Rule is a word that stands in the rules of a field.
type Rule struct {
	Rule    string
	Meaning string
}

// Rules gives the words that decoding gives for any field of any operation.
func Rules() []Rule {
	return []Rule{
		{ruleDuplicate, "The field is given more than once."},
		{ruleInvalidUTF8, "The text is not valid Unicode."},
		{ruleMalformed, "The text does not have the form that the field needs, such as a date and time."},
		{ruleNUL, "The text contains the NUL character."},
		{ruleOutOfRange, "The number is too large or too small."},
		{ruleRequired, "The field is missing, or null."},
		{ruleUnknown, "The operation has no such field. Names are exact, capitals included."},
		{ruleWrongType, "The value has another JSON type than the field."},
	}
}
