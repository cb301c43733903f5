package web

import (
	"strings"
	"testing"

	"usher/pkg/problem"
)

// A room's page may use what a lesson needs, every other answer nothing; browsers come by
// https again only where they came by it.
func TestPermissions(t *testing.T) {
	for name, tt := range map[string]struct {
		method, path string
		err          error
		devices      string
	}{
		"the console":     {"GET", "/", nil, "()"},
		"a room":          {"GET", "/room/maths", nil, "(self)"},
		"a room's notice": {"GET", "/room/maths", &problem.Details{Code: problem.RoomFull}, "()"},
		"nowhere":         {"GET", "/elsewhere", nil, "()"},
		"no method":       {"POST", "/", nil, "()"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, secure := range []bool{true, false} {
				h := get(newSite(&stub{err: tt.err}, secure), tt.method, tt.path).Header()
				for _, device := range []string{"camera", "microphone", "display-capture"} {
					if p := ", " + h.Get("Permissions-Policy") + ","; !strings.Contains(p, ", "+device+"="+tt.devices+",") {
						t.Errorf("%s by %q", device, p)
					}
				}
				if h.Get("Cross-Origin-Opener-Policy") != "same-origin" {
					t.Errorf("headers %v", h)
				}
				if got := h.Get("Strict-Transport-Security"); (got == "max-age=31536000") != secure || (got == "") == secure {
					t.Errorf("secure is %t, and Strict-Transport-Security %q", secure, got)
				}
			}
		})
	}
}
