package config

import (
	"strings"
	"testing"
)

func vars(pairs ...string) Lookup {
	all := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := all[name]; return v, ok }
}

func TestServerURL(t *testing.T) {
	for _, c := range []struct{ named, set, want, wrong string }{
		{"", "", DefaultServer, ""},
		{"", " https://usher.example/prod/ ", "https://usher.example/prod", ""},
		{"http://localhost:5001", "https://usher.example", "http://localhost:5001", ""},
		{"http://[::1]:5001/", "", "http://[::1]:5001", ""},
		{"http://usher.example", "", "", "--url"},
		{"", "http://10.0.0.5:5000", "", "USHER_URL"},
		{"usher.example", "", "", "--url"},
		{"https://me:very-secret@usher.example", "", "", "--url"},
		{"https://usher.example/?token=very-secret", "", "", "--url"},
	} {
		got, err := ServerURL(vars("USHER_URL", c.set), c.named)
		switch {
		case c.wrong == "" && (err != nil || got != c.want):
			t.Errorf("%q and %q give %q, %v; want %q", c.named, c.set, got, err, c.want)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "very-secret")):
			t.Errorf("%q and %q: %v", c.named, c.set, err)
		}
	}
}

// TestSigningOf: only what signs is judged.
func TestSigningOf(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	s, err := SigningOf(vars("USHER_API_SECRET", key, "USHER_ORIGINS", "wrong", "VONAGE_VIDEO_URL", "wrong"))
	if err != nil || string(s.API) != key || s.Ticket != nil || s.Data != "usher.db" {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = SigningOf(vars("USHER_TICKET_SECRET", key, "USHER_DATA", "/var/usher.db"))
	if err != nil || s.API != nil || string(s.Ticket) != key || s.Data != "/var/usher.db" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := SigningOf(vars("USHER_API_SECRET", "too-short")); err == nil || strings.Contains(err.Error(), "too-short") {
		t.Errorf("%v", err)
	}
}
