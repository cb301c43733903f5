package api

import (
	"net/http"
	"strings"

	"usher/pkg/doorkeeper"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

func (s *server) health(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.Version})
}

func (s *server) listRooms(w http.ResponseWriter, c call) error {
	q, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	after, err := q.text("after")
	if err != nil {
		return err
	}
	limit, err := q.limit()
	if err != nil {
		return err
	}
	status, err := q.status()
	if err != nil {
		return err
	}
	page, err := s.Service.Rooms(c.Context(), after, limit, status)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page)
}

func (s *server) putRoom(w http.ResponseWriter, c call) error {
	raw, err := readBody(w, c.Request)
	if err != nil {
		return err
	}
	policy, session, err := policy.ParsePut(raw)
	if err != nil {
		return err
	}
	put := doorkeeper.Put{Policy: policy, Session: session, IfMatch: strings.Join(c.Header.Values("If-Match"), ", "), Actor: c.actor}
	if put.IfNoneMatch, err = onlyNew(c.Header); err != nil {
		return err
	}
	ctx, cancel := work(c.Request)
	defer cancel()
	v, created, err := s.Service.PutRoom(ctx, c.room, put)
	if err != nil {
		return err
	}
	if created {
		w.Header().Set("Location", "/v1/rooms/"+c.room)
		return writeRoom(w, http.StatusCreated, v)
	}
	return writeRoom(w, http.StatusOK, v)
}

// onlyNew reads If-None-Match, of which only * has a meaning for a write here.
func onlyNew(h http.Header) (bool, error) {
	switch v := strings.Join(h.Values("If-None-Match"), ", "); v {
	case "":
		return false, nil
	case "*":
		return true, nil
	default:
		return false, refuseField("If-None-Match", "If-None-Match can only be *, not %s", clip(v))
	}
}

func (s *server) getRoom(w http.ResponseWriter, c call) error {
	v, err := s.Service.Room(c.Context(), c.room)
	if err != nil {
		return err
	}
	return writeRoom(w, http.StatusOK, v)
}

func (s *server) deleteRoom(w http.ResponseWriter, c call) error {
	ctx, cancel := work(c.Request)
	defer cancel()
	if err := s.Service.DeleteRoom(ctx, c.room, c.actor); err != nil {
		return err
	}
	return writeNothing(w)
}

func (s *server) connections(w http.ResponseWriter, c call) error {
	q, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	after, err := q.text("after")
	if err != nil {
		return err
	}
	limit, err := q.limit()
	if err != nil {
		return err
	}
	page, err := s.Service.Connections(c.Context(), c.room, after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page)
}

// remove takes the rest of the path as the id: a gateway in front may have
// decoded it already.
func (s *server) remove(w http.ResponseWriter, c call) error {
	id := c.PathValue("id")
	if id == "" || len(id) > longestText {
		return refuse(problem.NoSuchConnection, "no connection has this id")
	}
	ctx, cancel := work(c.Request)
	defer cancel()
	if err := s.Service.Remove(ctx, c.room, id, c.actor); err != nil {
		return err
	}
	return writeNothing(w)
}

func (s *server) events(w http.ResponseWriter, c call) error {
	q, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	session, err := q.text("sessionId")
	if err != nil {
		return err
	}
	after, err := q.number("after")
	if err != nil {
		return err
	}
	limit, err := q.limit()
	if err != nil {
		return err
	}
	page, err := s.Service.Events(c.Context(), c.room, session, after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page)
}

// writeRoom answers with a room and the ETag of its policy.
func writeRoom(w http.ResponseWriter, status int, v doorkeeper.View) error {
	if v.ETag != "" {
		w.Header().Set("ETag", v.ETag)
	}
	return writeJSON(w, status, v)
}

func writeNothing(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
