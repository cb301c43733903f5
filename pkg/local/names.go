package local

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// onLoopback answers only requests that name this machine by a loopback name.
// A page of any site can have its own name resolve to 127.0.0.1 (DNS
// rebinding), and the browser then takes what is here for that site's own.
func onLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopbackName(r.Host) {
			http.Error(w, "With the simulated platform this program answers only under localhost, 127.0.0.1 and [::1].", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopbackName takes a Host header, with or without a port.
func isLoopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && ip.Unmap().IsLoopback()
}
