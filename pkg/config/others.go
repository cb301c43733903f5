package config

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
)

// Events is where the owner's backend is told what the logs say. The zero Events tells
// nobody.
type Events struct {
	URL    string
	Secret string // whsec_ and base64, as the Standard Webhooks specification writes it
}

// Forward is where callbacks of the platform go on to. The zero Forward sends none on.
type Forward struct {
	URL string
	// Private: it may be at a private address.
	Private bool
}

// events takes the address and the secret, which go together.
func (c *checker) events(v variables) Events {
	e := Events{
		URL:    c.target("USHER_EVENTS_URL", v.EventsURL),
		Secret: c.eventsSecret("USHER_EVENTS_SECRET", v.EventsSecret),
	}
	c.pair("USHER_EVENTS_URL", v.EventsURL, "USHER_EVENTS_SECRET", v.EventsSecret)
	if unencrypted(e.URL) && !loopback(e.URL) {
		c.hide("USHER_EVENTS_URL", "must begin with https://, for it says who is in which room; http:// is for a loopback address")
	}
	return e
}

// forward takes the address of the other listener. Local: the process is the local
// program, which may always reach private addresses.
func (c *checker) forward(v variables, local bool) Forward {
	f := Forward{URL: c.target("USHER_FORWARD_URL", v.ForwardURL)}
	switch c.text("USHER_FORWARD_PRIVATE", v.ForwardPrivate) {
	case "", "false":
	case "true":
		f.Private = true
	default:
		c.add("USHER_FORWARD_PRIVATE", v.ForwardPrivate, "must be true or false")
	}
	if unencrypted(f.URL) && !f.Private && !(local && loopback(f.URL)) {
		c.hide("USHER_FORWARD_URL", "must begin with https://, for callbacks say who is in which session; "+
			"http:// is for a private network, with USHER_FORWARD_PRIVATE=true, and for a loopback address of the local program")
	}
	f.Private = f.Private || local
	return f
}

// target takes a whole address to post to. Path and query may be a secret, so nothing
// of it is printed.
func (c *checker) target(name, value string) string {
	if c.blank[name] {
		c.hide(name, "is white space alone")
	}
	if c.text(name, value) == "" {
		return ""
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Port() != "" && !validPort(u.Port(), ""):
		c.hide(name, "is not an absolute URL like https://school.example/usher")
	case u.User != nil:
		c.hide(name, "must not carry a user or password; a token may stand in its path or query")
	case strings.Contains(value, "#"):
		c.hide(name, "must not have a #: what follows it is never sent")
	}
	return value
}

func unencrypted(address string) bool {
	return strings.HasPrefix(strings.ToLower(address), "http:")
}

// eventsSecret takes a key of 24 to 64 bytes as the Standard Webhooks specification
// writes it.
func (c *checker) eventsSecret(name, value string) string {
	const prefix, least, most = "whsec_", 24, 64
	if !c.secret(name, value) {
		return value
	}
	text, found := strings.CutPrefix(value, prefix)
	if !found {
		c.hide(name, "must begin with whsec_, and go on with a key in base64")
		return value
	}
	key, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		c.hide(name, "is not base64 after whsec_ (with + and /, and = at its end)")
	case len(key) < least || len(key) > most:
		c.hide(name, "has a key of "+strconv.Itoa(len(key))+" bytes: it must have 24 to 64")
	}
	return value
}
