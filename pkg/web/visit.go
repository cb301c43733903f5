package web

import (
	"errors"
	"net/http"
	"strings"

	"usher/pkg/api"
	"usher/pkg/doorkeeper"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

const (
	visitorCookie = "usher-visitor"
	// visitorLife is how long the cookie is kept, in seconds: longer than any
	// promise is held, for it only has to survive reloads until then.
	visitorLife    = 10 * 60
	longestVisitor = 128 // bytes
)

// room shows the page of a room. An answer that nobody looks at, or not yet, has
// the status of the page, promises nothing and carries no credentials.
func (s *site) room(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Cookie, Sec-Fetch-Dest, Sec-Purpose, Purpose")
	name := r.PathValue("room")
	if !policy.ValidRoom(name) {
		s.refuse(w, r, notices[problem.NoSuchRoom])
		return
	}
	p := page{Title: name, Room: name, ScriptURL: s.ScriptURL, State: "connecting"}
	var err error
	if unseen(r) {
		p.Mode, p.State = "later", "waiting"
		err = s.glance(r, name)
	} else {
		err = s.visit(w, r, &p)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Permissions-Policy", roomPermissions)
	s.show(w, r, http.StatusOK, s.roomPolicy, "room", p)
}

// visit puts credentials on the page of a demo room; the page of any other
// room waits for a ticket.
func (s *site) visit(w http.ResponseWriter, r *http.Request, p *page) error {
	admission, visitor, err := s.Service.Visit(r.Context(), p.Room, visitorOf(r))
	switch {
	case errors.Is(err, doorkeeper.ErrTicketOnly):
		p.Mode = "ticket"
		return nil
	case err != nil:
		return err
	}
	shown := api.ShowAdmission(admission)
	p.Mode, p.Credentials = "demo", &shown
	if visitor != "" {
		http.SetCookie(w, &http.Cookie{
			Name: visitorCookie, Value: visitor, Path: "/room/" + p.Room, MaxAge: visitorLife,
			HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
		})
	}
	return nil
}

// glance says why there would be no page.
func (s *site) glance(r *http.Request, name string) error {
	err := s.Service.Glance(r.Context(), name, visitorOf(r))
	if errors.Is(err, doorkeeper.ErrTicketOnly) {
		return nil
	}
	return err
}

func visitorOf(r *http.Request) string {
	c, err := r.Cookie(visitorCookie)
	if err != nil || len(c.Value) > longestVisitor {
		return ""
	}
	return c.Value
}

// unseen reports whether nobody looks at the answer, or not yet. Browsers say
// what an answer is for in Sec-Fetch-Dest (a page, or a picture, a script, what
// a script fetches), and that they only prepare in Sec-Purpose; Purpose and
// X-Moz are its forerunners.
func unseen(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "", "document", "iframe":
	default:
		return true
	}
	if r.Method == http.MethodHead {
		return true
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		v := strings.ToLower(r.Header.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}
