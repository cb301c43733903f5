// Package web is the pages that people open: a room to take part in, and the
// operator's console. They are static files and three templates; whatever they
// do, a script can do with the JSON API and the platform's own client.
//
// It is trusted to put no text of other people's into a page as markup, and to
// give credentials only to visitors of a demo room. Begin with web.go and visit.go.
package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"usher/pkg/doorkeeper"
)

// Service is what the pages ask of the doorkeeper.
type Service interface {
	// Visit lets a visitor of a demo room in; another room is
	// doorkeeper.ErrTicketOnly.
	Visit(ctx context.Context, name, visitor string) (a doorkeeper.Admission, newVisitor string, err error)
	// Glance gives the refusal that Visit would give, and changes nothing.
	Glance(ctx context.Context, name, visitor string) error
}

// Options are what New needs. Service and ScriptURL are required.
type Options struct {
	Service Service
	// ScriptURL is the platform's browser script: Vonage's, which is
	// https://static.opentok.com/v2/js/opentok.min.js, or the simulator's.
	ScriptURL string
	Secure    bool         // the pages are served over https: cookies and browsers are for https only
	Log       *slog.Logger // nil: slog.Default()
}

// New makes the handler of /, /room/{room} and the files that these pages use;
// every other path is a page that says so, with 404.
func New(o Options) http.Handler {
	s := &site{Options: o, roomPolicy: roomPolicy(o.ScriptURL)}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.console)
	mux.HandleFunc("/room/{room}", s.room)
	mux.HandleFunc("/assets/{name}", s.asset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.refuse(w, r, nowhere) })
	return s.readOnly(mux)
}

type site struct {
	Options
	roomPolicy string
}

// readOnly answers other methods than GET and HEAD with 405, and sets what every answer
// has.
func (s *site) readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", noPermissions)
		if s.Secure {
			h.Set("Strict-Transport-Security", onlyHTTPS)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "This is a page: it takes GET.", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// console is a page without data: what it shows it reads from the JSON API
// with the token that was typed.
func (s *site) console(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, consolePolicy, "console", page{Title: "Usher"})
}

// show answers with a page. Pages are made for one visit and never kept.
func (s *site) show(w http.ResponseWriter, r *http.Request, status int, policy, name string, p page) {
	body, err := p.fill(name)
	if err != nil {
		s.broken(w, r, name, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body)
	}
}

// broken answers where there is not even a page to say so.
func (s *site) broken(w http.ResponseWriter, r *http.Request, name string, err error) {
	s.Log.ErrorContext(r.Context(), "page", "name", name, "error", err)
	http.Error(w, "Something went wrong here.", http.StatusInternalServerError)
}
