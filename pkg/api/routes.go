package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"usher/pkg/problem"
	"usher/pkg/room"
)

// handler answers a request or says why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one method on one path, the path as net/http.ServeMux reads it.
type route struct {
	method, path string
	handle       handler
}

func (s *server) routes() []route {
	return []route{
		{"GET", "/healthz", s.health},
		{"POST", "/v1/checkup", s.admin(s.checkup)},
		{"GET", "/v1/rooms", s.admin(s.listRooms)},
		{"PUT", "/v1/rooms/{room}", s.admin(s.putRoom)},
		{"GET", "/v1/rooms/{room}", s.admin(s.getRoom)},
		{"DELETE", "/v1/rooms/{room}", s.admin(s.deleteRoom)},
		{"POST", joinPath, s.shared(s.join)},
		{"OPTIONS", joinPath, s.shared(preflight)},
		{"POST", "/v1/rooms/{room}/extend", s.admin(s.extend)},
		{"POST", "/v1/rooms/{room}/end", s.admin(s.end)},
		{"POST", "/v1/rooms/{room}/reopen", s.admin(s.reopen)},
		{"GET", "/v1/rooms/{room}/connections", s.admin(s.connections)},
		{"DELETE", "/v1/rooms/{room}/connections/{id...}", s.admin(s.remove)},
		{"GET", "/v1/rooms/{room}/events", s.admin(s.events)},
		{"GET", "/v1/rooms/{room}/attendance", s.admin(s.attendance)},
		{"GET", "/v1/rooms/{room}/lessons", s.admin(s.lessons)},
		{"POST", bansPath, s.admin(s.ban)},
		{"GET", bansPath, s.admin(s.bans)},
		{"DELETE", bansPath, s.admin(s.liftBan)},
	}
}

// methods are the handlers of one path by method.
type methods map[string]handler

func byPath(routes []route) map[string]methods {
	paths := map[string]methods{}
	for _, r := range routes {
		if paths[r.path] == nil {
			paths[r.path] = methods{}
		}
		paths[r.path][r.method] = r.handle
	}
	return paths
}

// ServeHTTP implements http.Handler. HEAD is GET; another method is 405.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle, ok := m[method]
	if !ok {
		refuseMethod(w, r, m.allowed())
		return
	}
	if err := handle(w, r); err != nil {
		fail(w, r, err)
	}
}

func (m methods) allowed() string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	if _, ok := m[http.MethodGet]; ok {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func refuseMethod(w http.ResponseWriter, r *http.Request, allowed string) {
	w.Header().Set("Allow", allowed)
	fail(w, r, refuse(codeMethod, "this path takes %s, not %s", allowed, clip(r.Method)))
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, r, refuse(codeNotFound, "there is nothing at this path"))
}

// fail writes err as a problem and keeps its cause for the log line.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if note := noteOf(r); note != nil {
		note.err = err
	}
	writeProblem(w, problemOf(err))
}

func problemOf(err error) *problem.Details {
	var p *problem.Details
	switch {
	case errors.As(err, &p) && statusOf[p.Code] != 0:
		return p
	case errors.Is(err, room.ErrUnavailable):
		return refuse(codeUnavailable, "the service cannot reach its store; try again")
	}
	return refuse(codeInternal, "something went wrong here; it has been recorded")
}
