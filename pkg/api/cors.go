package api

import (
	"net/http"
	"slices"
)

// joinPath is the one path that a page of another origin may call.
const joinPath = "/v1/rooms/{room}/join"

// shared lets pages of the allowed origins read the answer, refusals included.
// Tokens come in a header, so credentials (cookies) are not allowed for.
func (s *server) shared(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(s.Origins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "Retry-After")
		}
		return next(w, r)
	}
}

// preflight answers a browser that asks before it calls join. Without the
// header that names its origin, which shared sets, the browser refuses.
func preflight(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", http.MethodPost)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
	}
	return writeNothing(w)
}
