package scenarios_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"usher/pkg/api"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

var peopleCommands = map[string]command{
	"connect": (*story).connect,
	"enter":   (*story).enter,
	"leave":   (*story).leave,
	"vanish":  (*story).vanish,
	"hold":    (*story).hold,
	"release": (*story).release,
	"lose":    (*story).lose,
	"repeat":  (*story).repeat,
	"session": (*story).sessionIs,
}

// where is the session in which the story takes place.
func (s *story) where() (string, error) {
	if s.session != "" {
		return s.session, nil
	}
	session, err := s.roomSession()
	if err == nil && session == "" {
		err = fmt.Errorf("the room %q has no session yet", s.room)
	}
	return session, err
}

// connect ID DATA lets a client connect with that connection data.
func (s *story) connect(c *call) error {
	if len(c.args) < 1 || len(c.args) > 2 {
		return errors.New("usage: connect ID [DATA]")
	}
	session, err := s.where()
	if err != nil {
		return err
	}
	s.Platform.Come(session, c.args[0], cmp.Or(append(c.args[1:], "")...))
	s.Pass(0)
	return nil
}

// enter ID USER lets a client connect with what the user's last join gave.
func (s *story) enter(c *call) error {
	if len(c.args) != 2 {
		return errors.New("usage: enter ID USER")
	}
	t, ok := s.tokens[c.args[1]]
	if !ok {
		return fmt.Errorf("no join of %s has succeeded", c.args[1])
	}
	s.Platform.Come(t.SessionID, c.args[0], t.Token)
	s.Pass(0)
	return nil
}

func (s *story) leave(c *call) error {
	for _, id := range c.args {
		s.Platform.Go(id)
	}
	s.Pass(0)
	return nil
}

// vanish is a leave of which Vonage never tells.
func (s *story) vanish(c *call) error {
	for _, id := range c.args {
		lost := s.lost[id]
		s.lost[id] = true
		s.Platform.Go(id)
		s.lost[id] = lost
	}
	s.Pass(0)
	return nil
}

// hold [ID...] keeps webhooks back: all, or those of these connections.
func (s *story) hold(c *call) error {
	if len(c.args) == 0 {
		s.holding = true
	}
	for _, id := range c.args {
		s.held[id] = true
	}
	return nil
}

// release [ID...] delivers what was held back: everything in its order, or that
// of these connections in the order given; release backwards the last first.
// Without ids nothing is held any more.
func (s *story) release(c *call) error {
	if len(c.args) == 1 && c.args[0] == "backwards" {
		slices.Reverse(s.Held)
		c.args = nil
	}
	var out []lesson.Event
	for _, id := range c.args {
		delete(s.held, id)
		out = append(out, s.about(s.Held, id)...)
	}
	s.Held = slices.DeleteFunc(s.Held, func(e lesson.Event) bool { return slices.Contains(c.args, e.Connection) })
	if len(c.args) == 0 {
		s.holding, s.held = false, map[string]bool{}
		out, s.Held = s.Held, nil
	}
	for _, e := range out {
		s.Send(s.Now(), e)
		s.Pass(0)
	}
	return nil
}

// about gives the events of these connections.
func (s *story) about(events []lesson.Event, ids ...string) (about []lesson.Event) {
	for _, e := range events {
		if slices.Contains(ids, e.Connection) {
			about = append(about, e)
		}
	}
	return about
}

// lose ID... keeps every webhook of these connections from coming.
func (s *story) lose(c *call) error {
	for _, id := range c.args {
		s.lost[id] = true
	}
	s.Held = slices.DeleteFunc(s.Held, func(e lesson.Event) bool { return s.lost[e.Connection] })
	return nil
}

// repeat ID... delivers once more what came about these connections.
func (s *story) repeat(c *call) error {
	for _, e := range s.about(s.sent, c.args...) {
		s.Send(s.Now(), e)
	}
	s.Pass(0)
	return nil
}

// session [ID] says where people connect; without an id, in the room's session.
func (s *story) sessionIs(c *call) error {
	s.session = ""
	if len(c.args) > 0 {
		s.session = c.args[0]
	}
	return nil
}

// notify is told by the platform that somebody came or went.
func (s *story) notify(e lesson.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.lost[e.Connection]:
	case s.holding || s.held[e.Connection]:
		s.Hold(e)
	default:
		s.Send(s.Now(), e)
	}
}

// bodyOf writes an event as Vonage does: the connection's data stands on
// connectionCreated only.
func bodyOf(e lesson.Event) []byte {
	connection := map[string]any{"id": e.Connection, "createdAt": e.ConnectedAt, "data": ""}
	if e.Name == journal.ConnectionCreated {
		connection["data"] = e.Data
	}
	body := map[string]any{"sessionId": e.Session, "projectId": e.Project, "event": e.Name, "timestamp": e.At}
	if e.Stream == "" {
		body["connection"] = connection
	} else {
		stream := map[string]any{
			"id": e.Stream, "createdAt": e.StreamAt, "name": "", "videoType": e.Kind, "connection": connection,
		}
		if e.Kind == policy.Audio {
			delete(stream, "videoType")
		}
		body["stream"] = stream
	}
	if e.Reason != "" {
		body["reason"] = e.Reason
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // texts and numbers can be written
	}
	return raw
}

// deliver posts a webhook as Vonage does.
func (s *story) deliver(e lesson.Event) error {
	if s.down {
		return errors.New("the process is not running")
	}
	body := bodyOf(e)
	r, err := http.NewRequest(http.MethodPost, s.server.URL+api.WebhookPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.signed {
		r.Header.Set("Authorization", "Bearer "+sign(body, signature, s.Now()))
	}
	a, err := s.send(r)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("the webhook was answered %s", a)
	}
	if err == nil {
		s.sent = append(s.sent, e)
	}
	return err
}
