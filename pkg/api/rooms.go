package api

import (
	"net/http"
	"unicode/utf8"

	"usher/pkg/doorkeeper"
	"usher/pkg/policy"
	"usher/pkg/problem"
	"usher/pkg/room"
)

func (s *server) health(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.Version})
}

func (s *server) listRooms(w http.ResponseWriter, c call) error {
	q := queryOf(c.Request)
	after, limit, status := q.text("after"), q.limit(), q.status()
	if q.err != nil {
		return q.err
	}
	page, err := s.Service.Rooms(c.Context(), after, limit, status)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showRooms(page))
}

func (s *server) putRoom(w http.ResponseWriter, c call) error {
	raw, err := readUpTo(w, c.Request, longestPolicy)
	if err != nil {
		return err
	}
	policy, session, err := policy.ParsePut(raw)
	if err != nil {
		return err
	}
	must, err := conditions(c.Header)
	if err != nil {
		return err
	}
	if err := mayAdopt(c, session); err != nil {
		return err
	}
	ctx, cancel := work(c.Request)
	defer cancel()
	snap, created, err := s.Service.PutRoom(ctx, room.Put{Name: c.room, Policy: policy, Session: session, If: must, Actor: c.actor})
	if err != nil {
		return err
	}
	if created {
		w.Header().Set("Location", "/v1/rooms/"+c.room)
		return writeRoom(w, http.StatusCreated, snap)
	}
	return writeRoom(w, http.StatusOK, snap)
}

// mayAdopt refuses a session to a token of one room: with one room's token nobody
// reaches into a session made elsewhere.
func mayAdopt(c call, session string) error {
	if session != "" && c.bound {
		return refuse(codeWrongScope, "this token is good for one room only, so it cannot adopt a session made elsewhere")
	}
	return nil
}

func (s *server) getRoom(w http.ResponseWriter, c call) error {
	snap, err := s.Service.Room(c.Context(), c.room)
	if err != nil {
		return err
	}
	return writeRoom(w, http.StatusOK, snap)
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
	q := queryOf(c.Request)
	after, limit := q.text("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	page, err := s.Service.Connections(c.Context(), c.room, after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showConnectionPage(page))
}

// remove takes the rest of the path as the id: a gateway in front may have
// decoded it already.
func (s *server) remove(w http.ResponseWriter, c call) error {
	id := c.PathValue("id")
	if id == "" || utf8.RuneCountInString(id) > longestText {
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
	q := queryOf(c.Request)
	session, after, limit := q.id("sessionId"), q.number("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	page, err := s.Service.Events(c.Context(), c.room, session, after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showLines(page))
}

// writeRoom answers with a room and the ETag of its version.
func writeRoom(w http.ResponseWriter, status int, s doorkeeper.Snapshot) error {
	w.Header().Set("ETag", etag(s.Room.Version()))
	return writeJSON(w, status, showRoom(s))
}

func writeNothing(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
