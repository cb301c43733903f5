package api

import (
	"net/http"
	"strings"

	"usher/pkg/policy"
	"usher/pkg/problem"
)

// call is an authenticated request for a room; the room is "" where the path
// names none.
type call struct {
	*http.Request
	room  string
	actor string // the person who asks, for the log of the lesson
	bound bool   // the token is good for this room only
}

type adminHandler func(w http.ResponseWriter, c call) error

// admin lets only admin tokens through, and a token of one room only to that room;
// then it checks the room's name.
func (s *server) admin(next adminHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.bearer(r, scopeAdmin)
		if err != nil {
			return err
		}
		name := r.PathValue("room")
		if c.Room != nil && (name == "" || *c.Room != name) {
			return refuse(codeWrongRoom, "this token is good for one other room only")
		}
		if strings.Contains(r.Pattern, "{room}") && !policy.ValidRoom(name) {
			return invalidRoom(name)
		}
		return next(w, call{Request: r, room: name, actor: actorOf(c), bound: c.Room != nil})
	}
}

// bearer gives the claims of the request's token, if it is good and of that scope.
func (s *server) bearer(r *http.Request, scope string) (*claims, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, refuse(codeUnauthorized, "this needs an Authorization header with a bearer token")
	}
	c, err := s.keys.read(strings.TrimSpace(token), s.Now().Std())
	if err != nil {
		return nil, refuse(codeUnauthorized, "the token is not good: it must be HS256, signed with the right secret, "+
			"not expired, for audience %q, with iat and exp, each claim once and none null, "+
			"and live at most 24 hours where it is an admin token, 90 days where it is a ticket", audience)
	}
	if c.Scope != scope {
		return nil, refuse(codeWrongScope, "this needs a token of scope %q", scope)
	}
	return c, nil
}

// actorOf is the person that an admin token speaks for; a name in a form that no
// user can have is "admin".
func actorOf(c *claims) string {
	if policy.ValidUser(c.Subject) {
		return c.Subject
	}
	return "admin"
}

// LongestData bounds a ticket's data, in bytes of compact JSON: with the id of a promise
// beside it, it stays within the 1000 characters of a connection's data.
const LongestData = 600

// ticket gives the claims of a ticket for this room. It is refused in the order
// 401, wrong-scope, wrong-room, then for a wrong value.
func (s *server) ticket(r *http.Request) (name string, c *claims, err error) {
	if c, err = s.bearer(r, scopeJoin); err != nil {
		return "", nil, err
	}
	name = r.PathValue("room")
	switch {
	case c.Room == nil || *c.Room != name:
		return "", nil, refuse(codeWrongRoom, "this ticket is not for this room")
	case !policy.ValidRoom(name):
		return "", nil, invalidRoom(name)
	case !policy.ValidUser(c.Subject):
		return "", nil, refuse(codeInvalidUser, "the ticket's sub must be 1 to 128 bytes of UTF-8 without control characters, line separators and direction overrides")
	case !policy.ValidRole(c.Role):
		return "", nil, refuseField("role", "the ticket's role must be at most 32 letters, digits, _ and -")
	case len(c.Data) > LongestData:
		return "", nil, refuseField("data", "the ticket's data takes %d bytes without blanks, and may take %d", len(c.Data), LongestData)
	}
	return name, c, nil
}

func invalidRoom(name string) error {
	return refuse(problem.InvalidRoom,
		"%q cannot name a room: 1 to 64 letters, digits, ., _ and -, the first a letter or digit", clip(name))
}
