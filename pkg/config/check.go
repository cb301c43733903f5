package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// platform takes at most one pair of credentials, and what goes with it.
func (e *Error) platform(v variables) Platform {
	p := Platform{
		ApplicationID:   e.id("VONAGE_APPLICATION_ID", v.ApplicationID),
		PrivateKey:      e.privateKey("VONAGE_PRIVATE_KEY", v.PrivateKey),
		APIKey:          e.id("OPENTOK_API_KEY", v.OpenTokKey),
		APISecret:       v.OpenTokSecret,
		URL:             e.url("VONAGE_VIDEO_URL", v.URL),
		SignatureSecret: e.signatureSecret("VONAGE_SIGNATURE_SECRET", v.SignatureSecret),
	}
	e.pairs(v)
	if v.SignatureSecret == "" && !p.Local() {
		e.hide("VONAGE_SIGNATURE_SECRET", "is not set: without it callbacks are not authenticated, "+
			"which is allowed only with the simulated platform or a loopback VONAGE_VIDEO_URL")
	}
	return p
}

// pairs refuses half a pair of credentials, and two.
func (e *Error) pairs(v variables) {
	unified := e.pair("VONAGE_APPLICATION_ID", v.ApplicationID, "VONAGE_PRIVATE_KEY", v.PrivateKey)
	opentok := e.pair("OPENTOK_API_KEY", v.OpenTokKey, "OPENTOK_API_SECRET", v.OpenTokSecret)
	if unified && opentok {
		e.hide("VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, OPENTOK_API_KEY, OPENTOK_API_SECRET",
			"are credentials of two environments: set one pair")
	}
}

// pair reports whether any of the two is set.
func (e *Error) pair(first, one, second, other string) bool {
	switch {
	case one == "" && other != "":
		e.hide(first, "is not set, but "+second+" is: they go together")
	case one != "" && other == "":
		e.hide(second, "is not set, but "+first+" is: they go together")
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

func (e *Error) id(name, value string) string {
	if value != "" && !consists(value, letters+digits+"-", 1, 64) {
		e.add(name, value, "must consist of at most 64 letters, digits and dashes")
	}
	return value
}

// privateKey takes an RSA key as PEM text, PKCS #8 or #1. Where the text could
// not carry line ends, \n stands for them.
func (e *Error) privateKey(name, value string) []byte {
	if value == "" {
		return nil
	}
	text := []byte(strings.ReplaceAll(value, `\n`, "\n"))
	block, _ := pem.Decode(text)
	if block == nil {
		e.hide(name, "is not a key: it must be PEM text that begins with -----BEGIN PRIVATE KEY-----")
		return nil
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return text
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if _, isRSA := key.(*rsa.PrivateKey); err != nil || !isRSA {
		e.hide(name, "is PEM text, but not an RSA private key in PKCS #8 or PKCS #1")
		return nil
	}
	return text
}

// signatureSecret takes what the platform allows: 1 to 50 characters.
func (e *Error) signatureSecret(name, value string) string {
	if n := utf8.RuneCountInString(value); n > 50 {
		e.hide(name, "is too long: it has at most 50 characters, not "+strconv.Itoa(n))
	}
	return value
}

// url takes an absolute base URL, without the slash at its end.
func (e *Error) url(name, value string) string {
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !validPort(u.Port(), ""):
		e.hide(name, "is not an absolute URL like https://video.example.com")
	case u.User != nil:
		e.hide(name, "must not carry a user or password")
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(value, "?#"):
		e.add(name, value, "must be a base URL without ? and #")
	}
	return strings.TrimRight(value, "/")
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
func (e *Error) origins(name, value string) []string {
	if value == "" {
		return nil
	}
	var all []string
	for origin := range strings.SplitSeq(value, ",") {
		origin = strings.TrimSpace(origin)
		if !exactOrigin(origin) {
			e.add(name, origin, "must be an origin as browsers write it, like https://school.example or http://localhost:3000: "+
				"lower case, no path, no slash at the end, no default port, no *")
			continue
		}
		if !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	return all
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
func (e *Error) address(name, value string) string {
	_, port, err := net.SplitHostPort(value)
	if err != nil || !validPort(port, "0") {
		e.add(name, value, "must be an address to listen on, like 127.0.0.1:5000")
	}
	return value
}

// validPort reports whether port is a port number or the one text besides.
func validPort(port, besides string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == besides || err == nil && n > 0
}

func (e *Error) table(name, value string) string {
	if !consists(value, letters+digits+"_.-", 3, 255) {
		e.add(name, value, "must be a table's name: 3 to 255 letters, digits, underscores, dots and dashes")
	}
	return value
}
