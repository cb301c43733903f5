package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// platform takes at most one pair of credentials, and the URL.
func (c *checker) platform(v variables) Platform {
	p := Platform{
		ApplicationID: c.applicationID("VONAGE_APPLICATION_ID", v.ApplicationID),
		PrivateKey:    c.privateKey("VONAGE_PRIVATE_KEY", v.PrivateKey),
		APIKey:        c.openTokKey("OPENTOK_API_KEY", v.OpenTokKey),
		APISecret:     c.openTokSecret("OPENTOK_API_SECRET", v.OpenTokSecret, v.OpenTokKey),
		URL:           c.videoURL("VONAGE_VIDEO_URL", v.URL),
	}
	c.pairs(v)
	return p
}

// pairs refuses half a pair of credentials, and two.
func (c *checker) pairs(v variables) {
	unified := c.pair("VONAGE_APPLICATION_ID", v.ApplicationID, "VONAGE_PRIVATE_KEY", v.PrivateKey)
	opentok := c.pair("OPENTOK_API_KEY", v.OpenTokKey, "OPENTOK_API_SECRET", v.OpenTokSecret)
	if unified && opentok {
		c.hide("VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, OPENTOK_API_KEY, OPENTOK_API_SECRET",
			"are credentials of two environments: set one pair")
	}
}

// pair reports whether any of the two is set.
func (c *checker) pair(first, one, second, other string) bool {
	switch {
	case one == "" && other != "":
		c.hide(first, "is not set, but "+second+" is: they go together")
	case one != "" && other == "" && !c.blank[second]:
		c.hide(second, "is not set, but "+first+" is: they go together")
	}
	return one != "" || other != ""
}

const (
	digits  = "0123456789"
	lower   = "abcdefghijklmnopqrstuvwxyz"
	letters = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// consists reports whether value has least to most bytes, all of them in set.
func consists(value, set string, least, most int) bool {
	return least <= len(value) && len(value) <= most && strings.TrimLeft(value, set) == ""
}

// url takes an absolute base URL, without the slash at its end.
func (c *checker) url(name, value string) string {
	if c.text(name, value) == "" {
		return ""
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !validPort(u.Port(), ""):
		c.hide(name, "is not an absolute URL like https://video.example.com")
	case u.User != nil:
		c.hide(name, "must not carry a user or password")
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(value, "?#"):
		c.add(name, value, "must be a base URL without ? and #")
	}
	return strings.TrimRight(value, "/")
}

// videoURL takes a base URL by https, or by http on this machine: requests
// carry tokens that let their reader in.
func (c *checker) videoURL(name, value string) string {
	base := c.url(name, value)
	if strings.HasPrefix(strings.ToLower(base), "http:") && !loopback(base) {
		c.add(name, value, "must begin with https://, for requests carry tokens; http:// is for a loopback address")
	}
	return base
}

// loopback reports whether a URL leads to this machine whatever a resolver
// says: 127.0.0.0/8, ::1 or localhost.
func loopback(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Unmap().IsLoopback()
}

// origins takes origins exactly as browsers write them into the Origin header.
func (c *checker) origins(name, value string) []string {
	if c.text(name, value) == "" {
		return nil
	}
	var all []string
	for origin := range strings.SplitSeq(value, ",") {
		origin = strings.TrimSpace(origin)
		if !exactOrigin(origin) {
			c.add(name, origin, "must be an origin as browsers write it, like https://school.example or http://localhost:3000: "+
				"lower case, no path, no slash at the end, no default port, no *")
			continue
		}
		if !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	return all
}

// networks takes addresses and networks. One that names a host within a network is taken
// for a mistake.
func (c *checker) networks(name, value string) (all []netip.Prefix) {
	if c.blank[name] {
		c.hide(name, "is white space alone")
	}
	if c.text(name, value) == "" {
		return nil
	}
	for text := range strings.SplitSeq(value, ",") {
		network, ok := network(strings.TrimSpace(text))
		if !ok {
			c.add(name, text, "must be networks or addresses, comma-separated, like 192.0.2.0/24,198.51.100.7")
			continue
		}
		all = append(all, network)
	}
	return all
}

func network(text string) (netip.Prefix, bool) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	return p, err == nil && p.Masked() == p && !p.Addr().Is4In6()
}

func exactOrigin(origin string) bool {
	scheme, rest, found := strings.Cut(origin, "://")
	usual := map[string]string{"http": "80", "https": "443"}[scheme]
	u, err := url.Parse(origin)
	if !found || usual == "" || err != nil || u.Host != rest || u.Port() == usual {
		return false
	}
	host := rest
	if u.Port() != "" {
		host = strings.TrimSuffix(rest, ":"+u.Port())
	}
	return plainHost(host) && validPort(u.Port(), "")
}

// plainHost takes a name in lower case, with or without a dot at its end, and
// an IPv6 address in brackets.
func plainHost(host string) bool {
	if ip, found := strings.CutPrefix(host, "["); found {
		ip, found = strings.CutSuffix(ip, "]")
		return found && consists(ip, "0123456789abcdef:", 1, len(host))
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if !consists(label, lower+digits+"_-", 1, len(host)) {
			return false
		}
	}
	return true
}

// address takes host:port; an empty host is every interface, port 0 any free one.
func (c *checker) address(name, value string) string {
	_, port, err := net.SplitHostPort(c.text(name, value))
	if err != nil || !validPort(port, "0") {
		c.add(name, value, "must be an address to listen on, like 127.0.0.1:5000")
	}
	return value
}

// validPort reports whether port is a port number or the one text besides.
func validPort(port, besides string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == besides || err == nil && n > 0
}

func (c *checker) table(name, value string) string {
	if !consists(c.text(name, value), letters+digits+"_.-", 3, 255) {
		c.add(name, value, "must be a table's name: 3 to 255 letters, digits, underscores, dots and dashes")
	}
	return value
}

func (c *checker) whole(name, value string, least, most int) int {
	n, err := strconv.Atoi(c.text(name, value))
	if err != nil || n < least || n > most {
		c.add(name, value, "must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
	}
	return n
}
