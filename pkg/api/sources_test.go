package api

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// A callback from elsewhere is refused before its signature is looked at, and after its
// size; the log has the address.
func TestSourcesOfCallbacks(t *testing.T) {
	sources := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::7/128")}
	for name, tt := range map[string]struct {
		from, authorization, body string
		want                      int
	}{
		"of the network":        {"192.0.2.255:1", "Bearer good", `{"sessionId":"s"}`, 200},
		"mapped into IPv6":      {"[::ffff:192.0.2.1]:1", "Bearer good", `{"sessionId":"s"}`, 200},
		"the one address":       {"[2001:db8::7]:1", "Bearer good", `{"sessionId":"s"}`, 200},
		"a neighbour":           {"192.0.3.0:1", "Bearer good", `{"sessionId":"s"}`, 401},
		"the next address":      {"[2001:db8::8]:1", "Bearer good", `{"sessionId":"s"}`, 401},
		"no address":            {"", "Bearer good", `{"sessionId":"s"}`, 401},
		"not signed":            {"192.0.2.1:1", "", `{"sessionId":"s"}`, 401},
		"too large, of nowhere": {"192.0.3.0:1", "", strings.Repeat(" ", 64<<10+1), 413},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			e := &ear{}
			o := e.options(&log)
			o.Sources = sources
			r := httptest.NewRequest("POST", WebhookPath, strings.NewReader(tt.body))
			r.RemoteAddr = tt.from
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", tt.authorization)
			// What a proxy says, anybody can.
			r.Header.Set("X-Forwarded-For", "192.0.2.1")
			w := httptest.NewRecorder()
			Webhook(o).ServeHTTP(w, r)
			if w.Code != tt.want || (e.heard.Session != "") != (tt.want == 200) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			elsewhere := tt.want == 401 && tt.authorization != ""
			if elsewhere != strings.Contains(log.String(), "USHER_CALLBACK_SOURCES") {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}
