package web

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/durwardhq/durward/internal/ident"
)

// Request is a request as handlers see it: net/http's own, and what the kit found out about where it came from.
type Request struct {
	*http.Request
	ID      ident.RequestID
	Address netip.Addr // the client's, read through the trusted proxies; the zero Addr when unknown
	Device  string     // the User-Agent: at most 256 bytes of valid UTF-8 without controls

	answer http.Header
}

// AnswerHeader is the header of the answer, for what Operation.Headers promises, such as Location.
func (r *Request) AnswerHeader() http.Header {
	if r.answer == nil { // a request that the kit did not make
		r.answer = http.Header{}
	}
	return r.answer
}

// Actor is the caller before anything is proved: anonymous, with address, device and request id.
func (r *Request) Actor() ident.Actor {
	return ident.Actor{Kind: ident.ActorAnonymous, Request: r.ID, Address: r.Address, Device: r.Device}
}

// maxDevice is how many bytes of a User-Agent are kept.
const maxDevice = 256

// device makes a User-Agent fit for logs and tables: no controls, no invisible characters, valid UTF-8, 256 bytes.
func device(agent string) string {
	if len(agent) <= maxDevice && printable(agent) {
		return agent
	}
	clean := strings.Map(func(c rune) rune {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, agent[:min(len(agent), 4*maxDevice)])
	if len(clean) <= maxDevice {
		return clean
	}
	end := maxDevice
	for !utf8.RuneStart(clean[end]) {
		end--
	}
	return clean[:end]
}

// printable tells whether s is printable ASCII throughout, which nearly every User-Agent is.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// validRequestID tells whether a request id of a proxy may be taken over: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'.
func validRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if !tokenByte(id[i]) {
			return false
		}
	}
	return true
}

func tokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '.' || c == '_' || c == '-'
}
