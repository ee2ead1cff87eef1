package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

type publicURLValue struct{ p *string }

func (v *publicURLValue) set(text string) *mismatch {
	canonical, wrong := parsePublicURL(text)
	if wrong != nil {
		return wrong
	}
	*v.p = canonical
	return nil
}

func (v *publicURLValue) String() string  { return *v.p }
func (v *publicURLValue) kind() Kind      { return KindText }
func (v *publicURLValue) expects() string { return "a URL of scheme, host and port alone" }

// parsePublicURL takes only the one way to write a URL of scheme, host and port, since applications compare the issuer
// character by character (RFC 9207 §2.4). Anything else is refused, with that one way as the suggestion.
func parsePublicURL(text string) (string, *mismatch) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", &mismatch{expected: "an http or https URL of scheme, host and port alone",
			hide: strings.Contains(text, "@")}
	}
	host, ok := canonicalHost(u.Hostname())
	if !ok || !validPort(u.Port(), true) {
		return "", &mismatch{expected: "a URL whose host is a name in ASCII (xn--… for others) or an address",
			hide: u.User != nil}
	}
	canonical := u.Scheme + "://" + joinPort(host, u.Port(), u.Scheme)
	if canonical == text {
		return canonical, nil
	}
	return "", &mismatch{suggest: canonical, expected: urlFault(u), hide: u.User != nil}
}

// urlFault names the first thing that makes a URL more than scheme, host and port.
func urlFault(u *url.URL) string {
	switch {
	case u.User != nil:
		return "a URL without a user or password"
	case u.RawQuery != "" || u.ForceQuery:
		return "a URL without a query"
	case u.Fragment != "":
		return "a URL without a fragment"
	case u.Path == "/":
		return "a URL without a slash at its end"
	case u.Path != "":
		return "a URL without a path, since the server answers at the root of its host"
	default:
		return "the URL in lower case, without the usual port of its scheme"
	}
}

func joinPort(host, port, scheme string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || (scheme == "http" && port == "80") || (scheme == "https" && port == "443") {
		return host
	}
	return host + ":" + port
}

// canonicalHost gives an address in its shortest form or a name in lower case, and whether it is either.
func canonicalHost(host string) (string, bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.String(), a.Zone() == ""
	}
	return strings.ToLower(host), validHostname(host)
}

// validHostname takes the names of RFC 1123 §2.1, with the underscore that container networks use. A name whose last
// label is a number would be read as an address by some.
func validHostname(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !validLabel(label) {
			return false
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1])
	return err != nil
}

func validLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for _, c := range []byte(label) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func validPort(port string, mayBeEmpty bool) bool {
	if port == "" {
		return mayBeEmpty
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}

// loopback tells whether a host is this machine whatever the network says (RFC 6761 §6.3 for localhost).
func loopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	name := strings.ToLower(host)
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

type addressValue struct {
	p          *string
	mayBeEmpty bool
}

func (v *addressValue) set(text string) *mismatch {
	if text == "" && v.mayBeEmpty {
		*v.p = ""
		return nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		if validPort(text, false) {
			return &mismatch{suggest: "127.0.0.1:" + text}
		}
		return &mismatch{}
	}
	if (port != "0" && !validPort(port, false)) || !listenable(host) {
		return &mismatch{}
	}
	*v.p = text
	return nil
}

func listenable(host string) bool {
	_, err := netip.ParseAddr(host)
	return host == "" || err == nil || validHostname(host)
}

func (v *addressValue) String() string { return *v.p }

func (v *addressValue) expects() string {
	if v.mayBeEmpty {
		return "HOST:PORT with a port up to 65535, or nothing"
	}
	return "HOST:PORT with a port up to 65535"
}

func (v *addressValue) kind() Kind { return KindText }

// wildcard tells whether a listener takes requests on every address of the machine.
func wildcard(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "" || err == nil && a.Unmap().IsUnspecified()
}

// Networks this wide or wider take in strangers, whatever was meant by them.
const (
	tooWide4 = 7
	tooWide6 = 15
)

type networksValue struct{ p *[]netip.Prefix }

func (v *networksValue) set(text string) *mismatch {
	var networks []netip.Prefix
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		network, wrong := parseNetwork(word)
		if wrong != nil {
			return wrong
		}
		networks = append(networks, network)
	}
	*v.p = networks
	return nil
}

// parseNetwork reads a network or an address. IPv4 in IPv6 becomes IPv4, which is how peers are compared.
func parseNetwork(word string) (netip.Prefix, *mismatch) {
	if a, err := netip.ParseAddr(word); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	network, err := netip.ParsePrefix(word)
	if err != nil {
		return netip.Prefix{}, &mismatch{}
	}
	if a := network.Addr(); a.Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(a.Unmap(), network.Bits()-96)
	}
	if network.Masked() != network {
		return netip.Prefix{}, &mismatch{
			expected: "networks whose address has no bits beyond the prefix length",
			advice: "for the whole network use " + network.Masked().String() +
				", for the one address " + network.Addr().String(),
			alone: true,
		}
	}
	return network, nil
}

func tooWide(network netip.Prefix) bool {
	if network.Addr().Is4() {
		return network.Bits() <= tooWide4
	}
	return network.Bits() <= tooWide6
}

func (v *networksValue) String() string {
	words := make([]string, len(*v.p))
	for i, network := range *v.p {
		words[i] = network.String()
	}
	return strings.Join(words, ", ")
}

func (v *networksValue) expects() string {
	return "networks such as 10.0.0.0/8 or addresses, between commas or spaces"
}

func (v *networksValue) kind() Kind { return KindList }
