package hooks

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"usher/pkg/room"
)

// ForwarderOptions are what a Forwarder needs.
type ForwarderOptions struct {
	URL string
	// Private: private addresses are allowed. Without it every address that is not
	// of the public internet is refused, as it was resolved, when it is dialled.
	Private bool
}

// Forwarder sends callbacks on to another listener.
type Forwarder struct {
	url  string
	http *http.Client
}

// NewForwarder asks nobody.
func NewForwarder(o ForwarderOptions) *Forwarder {
	look := control(publicOnly)
	if o.Private {
		look = nil
	}
	return &Forwarder{url: o.URL, http: newClient(look)}
}

// Forwarded is the header that is added to a callback that goes on. One that has it is
// not sent on again: two listeners that point to one another would never end.
const Forwarded = "Usher-Forwarded"

// hopByHop are the headers that are between two neighbours (RFC 9110, 7.6.1), and those
// that the next request has of its own.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Proxy-Authenticate", "Proxy-Authorization", "Host", "Content-Length",
}

// Forward posts the callback, bytes and headers as they came. Nil means that it was
// answered with a status of 200 to 299.
func (f *Forwarder) Forward(ctx context.Context, c room.Callback) error {
	header := http.Header{}
	for name, values := range c.Header {
		header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	for _, named := range header["Connection"] {
		for name := range strings.SplitSeq(named, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		header.Del(name)
	}
	if _, said := header["User-Agent"]; !said {
		header["User-Agent"] = nil // net/http adds none of its own
	}
	header.Set(Forwarded, "1")
	return post(ctx, f.http, f.url, header, bytes.NewReader(c.Body))
}

// special are the addresses that are not of the public internet (the registries of
// IANA, RFC 6890), and those in which one of IPv4 may hide.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// publicOnly refuses to dial an address that is not of the public internet. What it is
// asked about is resolved: a name that leads elsewhere the next time does not help.
func publicOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address to dial cannot be read: %w", err)
	}
	ip := to.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return fmt.Errorf("%s is a private address; USHER_FORWARD_PRIVATE=true would allow it", ip)
	}
	return nil
}
