package command

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDoctorInterrupted: it says no more than that, and what it could not take away.
func TestDoctorInterrupted(t *testing.T) {
	for left, status := range map[bool]int{false: http.StatusNoContent, true: http.StatusForbidden} {
		ctx, interrupt := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/healthz":
				_, _ = io.WriteString(w, `{"status":"ok"}`)
			case r.URL.Path == "/v1/checkup":
				_, _ = io.WriteString(w, `{"now":"2026-12-01T17:00:00Z"}`)
			case r.Method == http.MethodPut:
				interrupt()
			case r.Method == http.MethodDelete:
				w.WriteHeader(status)
			}
		}))
		var said strings.Builder
		vars := map[string]string{"USHER_URL": server.URL, "USHER_ADMIN_TOKEN": "a.b.c"}
		p := Program{Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, In: strings.NewReader(""), Out: &said, Err: &said}
		if got := p.Run(ctx, []string{"doctor"}); got != Failed || !strings.HasSuffix(said.String(), "interrupted\n") ||
			strings.Contains(said.String(), "usher delete usher-doctor-") != left || strings.Contains(said.String(), "does not answer") {
			t.Errorf("left %t: status %d: %s", left, got, said.String())
		}
		server.Close()
	}
}
