package command

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestZone: a picture has the hours of the machine where it is asked for, or those that
// are named; a name that is none is left to UTC.
func TestZone(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("zone")
		_, _ = io.WriteString(w, map[string]string{"svg": "<svg />", "csv": "user,role\r\n"}[r.URL.Query().Get("format")])
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct{ tz, line, want string }{
		{"Asia/Tokyo", "attendance algebra --svg", "Asia/Tokyo"},
		{"Asia/Tokyo", "attendance algebra --svg --zone Europe/Berlin", "Europe/Berlin"},
		{":/usr/share/zoneinfo/America/Lima", "attendance algebra --svg", "America/Lima"},
		{"", "attendance algebra --svg", "UTC"},
		{"CET-1CEST", "attendance algebra --svg", ""},
		{"Local", "attendance algebra --svg", ""},
		{"../../etc/passwd", "attendance algebra --svg", ""},
		{"Asia/Tokyo", "attendance algebra --csv", ""},
	} {
		vars := map[string]string{"USHER_URL": server.URL, "USHER_ADMIN_TOKEN": "a.b.c", "TZ": c.tz}
		var said strings.Builder
		p := Program{Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, In: strings.NewReader(""), Out: &said, Err: &said}
		if status := p.Run(t.Context(), strings.Fields(c.line)); status != Done || asked != c.want {
			t.Errorf("TZ=%s %s asked for %q: status %d, %s", c.tz, c.line, asked, status, said.String())
		}
	}
}
