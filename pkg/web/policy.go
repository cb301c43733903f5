package web

import (
	"net/url"
	"strings"
)

// consolePolicy lets the console run its own files, talk to its own origin and
// nothing else: no inline script, no form that could carry the token away.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// noPermissions lets a page use no device, and roomPermissions a room's page those that
// a lesson needs; what stands in neither is the browser's default.
const (
	noPermissions   = "camera=(), microphone=(), display-capture=(), " + neverPermitted
	roomPermissions = "camera=(self), microphone=(self), display-capture=(self), " + neverPermitted
	neverPermitted  = "geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=()"
)

// onlyHTTPS has browsers come by https for a year. It binds this name alone: what else a
// domain serves is not Usher's.
const onlyHTTPS = "max-age=31536000"

// roomPolicy lets a room's page run its own files and the platform's script.
// That script styles what it draws, works in blobs, and connects to media
// servers whose names are not known before.
func roomPolicy(script string) string {
	origin, sockets := originOf(script)
	return join(
		"default-src 'none'",
		"script-src 'self'"+origin,
		"style-src 'self' 'unsafe-inline'"+origin,
		"connect-src 'self' https: wss:"+origin+sockets,
		"img-src 'self' data: blob: https:"+origin,
		"media-src 'self' data: blob: https:"+origin,
		"font-src 'self' data:"+origin,
		"worker-src 'self' blob:",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'",
	)
}

func join(directives ...string) string { return strings.Join(directives, "; ") }

// originOf gives the origin of an absolute URL and the same for web sockets,
// each after a space; both are empty where the script is the page's own.
func originOf(script string) (origin, sockets string) {
	u, err := url.Parse(script)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", ""
	}
	return " " + u.Scheme + "://" + u.Host, " " + strings.Replace(u.Scheme, "http", "ws", 1) + "://" + u.Host
}
