package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// How a client's address is found behind proxies.
//
// Only a trusted peer's headers are read at all. The chain of addresses is then followed from the right, that is from
// us outwards, for as long as the hops are trusted: the first that is not is the client. Whatever stands further left
// was written by somebody unknown. A hop that is not an address (an obfuscated identifier, "unknown", garbage) ends
// the walk at the last trusted hop, and so does a line that cannot be parsed.
//
// Both Forwarded (RFC 7239) and X-Forwarded-For are understood. A proxy writes one of them and may pass the other on as
// a client sent it, and nothing in a request tells which. So when both are there and disagree, neither is believed: the
// address is then the peer's. Let proxies remove the one that they do not write.

// peerAddress is the address of the other end of the connection, or the zero Addr for a socket without one.
func peerAddress(remote string) netip.Addr {
	pair, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return plain(pair.Addr())
}

// plain gives an address one form: IPv4 within IPv6 is IPv4, and there are no zones.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func (h *handler) trusted(a netip.Addr) bool {
	for _, p := range h.kit.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientAddress follows the chain from a trusted peer.
func (h *handler) clientAddress(peer netip.Addr, header http.Header) netip.Addr {
	standard, common := header["Forwarded"], header["X-Forwarded-For"]
	switch {
	case len(standard) == 0 && len(common) == 0:
		return peer
	case len(standard) == 0:
		return h.follow(peer, common, forwardedForHops)
	case len(common) == 0:
		return h.follow(peer, standard, forwardedHops)
	}
	a, b := h.follow(peer, standard, forwardedHops), h.follow(peer, common, forwardedForHops)
	if a == b {
		return a
	}
	return peer
}

// follow walks the hops of all lines from the right. Several lines of a header are one list (RFC 9110 §5.3).
func (h *handler) follow(peer netip.Addr, lines []string, split func(string) ([]netip.Addr, bool)) netip.Addr {
	last := peer
	for _, line := range slices.Backward(lines) {
		hops, ok := split(line)
		if !ok {
			return last
		}
		for _, hop := range slices.Backward(hops) {
			if !hop.IsValid() {
				return last
			}
			last = hop
			if !h.trusted(hop) {
				return last
			}
		}
	}
	return last
}

// forwardedForHops reads a line of X-Forwarded-For. Hops that are no address are zero.
func forwardedForHops(line string) ([]netip.Addr, bool) {
	hops := make([]netip.Addr, 0, 4)
	for part := range strings.SplitSeq(line, ",") {
		hops = append(hops, nodeAddress(trim(part)))
	}
	return hops, true
}

// forwardedHops reads a line of Forwarded (RFC 7239 §4): the for= of each element, zero where there is none. A line
// that breaks the grammar is refused whole: a quote that a client left open must not swallow what a proxy appended.
func forwardedHops(line string) ([]netip.Addr, bool) {
	hops := make([]netip.Addr, 0, 4)
	for {
		hop, rest, ok := forwardedElement(line)
		if !ok {
			return nil, false
		}
		hops = append(hops, hop)
		if rest == "" {
			return hops, true
		}
		line = rest[1:] // the comma
	}
}

// forwardedElement reads up to the next comma outside quotes, or the end.
func forwardedElement(s string) (hop netip.Addr, rest string, ok bool) {
	seen := false
	for {
		name, value, after, ok := forwardedPair(strings.TrimLeft(s, " \t"))
		if !ok {
			return netip.Addr{}, "", false
		}
		if strings.EqualFold(name, "for") {
			if seen { // RFC 7239 §4: once in an element
				return netip.Addr{}, "", false
			}
			seen, hop = true, nodeAddress(value)
		}
		after = strings.TrimLeft(after, " \t")
		if after == "" || after[0] == ',' {
			return hop, after, true
		}
		if after[0] != ';' {
			return netip.Addr{}, "", false
		}
		s = after[1:]
	}
}

// forwardedPair reads name=value, where the value is a token or a quoted string.
func forwardedPair(s string) (name, value, rest string, ok bool) {
	end := tokenEnd(s)
	if end == 0 || end == len(s) || s[end] != '=' {
		return "", "", "", false
	}
	name, s = s[:end], s[end+1:]
	if s != "" && s[0] == '"' {
		value, rest, ok = quoted(s[1:])
		return name, value, rest, ok
	}
	end = tokenEnd(s)
	return name, s[:end], s[end:], end > 0
}

// quoted reads a quoted string (RFC 9110 §5.6.4) after its first quote.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c < ' ' && c != '\t':
			return "", "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// tokenEnd gives the length of the token (RFC 9110 §5.6.2) that s begins with.
func tokenEnd(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return i
		}
	}
	return len(s)
}

// nodeAddress reads an address as proxies write them: with or without a port, IPv6 with or without brackets. Anything
// else is the zero Addr.
func nodeAddress(s string) netip.Addr {
	if a, err := netip.ParseAddr(s); err == nil {
		return plain(a)
	}
	if pair, err := netip.ParseAddrPort(s); err == nil {
		return plain(pair.Addr())
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		if a, err := netip.ParseAddr(s[1 : len(s)-1]); err == nil && a.Is6() {
			return plain(a)
		}
	}
	return netip.Addr{}
}
