package scenarios_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"usher/pkg/api"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

var peopleCommands = map[string]command{
	"connect": (*story).connect,
	"crowd":   (*story).crowd,
	"enter":   (*story).enter,
	"leave":   (*story).leave,
	"vanish":  (*story).vanish,
	"hold":    (*story).hold,
	"release": (*story).release,
	"lose":    (*story).lose,
	"repeat":  (*story).repeat,
	"session": (*story).sessionIs,
}

// post is a webhook of Vonage under way.
type post struct {
	at         epoch.Instant
	step       int
	connection string
	body       []byte
	tries      int
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
	s.vonage.Come(session, c.args[0], cmp.Or(append(c.args[1:], "")...))
	return s.advance(s.now())
}

// crowd PREFIX N lets so many connect in one moment, each an own user.
func (s *story) crowd(c *call) error {
	if len(c.args) != 2 {
		return errors.New("usage: crowd PREFIX N")
	}
	n, err := strconv.Atoi(c.args[1])
	if err != nil {
		return err
	}
	session, err := s.where()
	if err != nil {
		return err
	}
	for i := range n {
		id := fmt.Sprintf("%s%03d", c.args[0], i+1)
		s.vonage.Come(session, id, "user "+id)
	}
	return s.advance(s.now())
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
	s.vonage.Come(t.SessionID, c.args[0], t.Token)
	return s.advance(s.now())
}

func (s *story) leave(c *call) error {
	for _, id := range c.args {
		s.vonage.Go(id)
	}
	return s.advance(s.now())
}

// vanish is a leave of which Vonage never tells.
func (s *story) vanish(c *call) error {
	for _, id := range c.args {
		lost := s.lost[id]
		s.lost[id] = true
		s.vonage.Go(id)
		s.lost[id] = lost
	}
	return s.advance(s.now())
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

// release backwards delivers the last first. release [ID...] delivers what was held back: everything in its order, or that
// of these connections in the order given. Without ids nothing is held any more.
func (s *story) release(c *call) error {
	if len(c.args) == 1 && c.args[0] == "backwards" {
		slices.Reverse(s.kept)
		c.args = nil
	}
	var out, stay []post
	for _, id := range c.args {
		delete(s.held, id)
		for _, p := range s.kept {
			if p.connection == id {
				out = append(out, p)
			}
		}
	}
	for _, p := range s.kept {
		if !slices.Contains(c.args, p.connection) {
			stay = append(stay, p)
		}
	}
	s.kept = stay
	if len(c.args) == 0 {
		s.holding, s.held = false, map[string]bool{}
		out, s.kept = stay, nil
	}
	for _, p := range out {
		s.queuePost(p)
		if err := s.advance(s.now()); err != nil {
			return err
		}
	}
	return nil
}

// lose ID... keeps every webhook of these connections from coming.
func (s *story) lose(c *call) error {
	for _, id := range c.args {
		s.lost[id] = true
	}
	s.kept = slices.DeleteFunc(s.kept, func(p post) bool { return s.lost[p.connection] })
	return nil
}

// repeat ID... delivers once more what came about these connections.
func (s *story) repeat(c *call) error {
	for _, p := range slices.Clone(s.sent) {
		if slices.Contains(c.args, p.connection) {
			s.queuePost(p)
		}
	}
	return s.advance(s.now())
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
	p := post{connection: e.Connection, body: bodyOf(e)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visited[e.Session] = true
	switch {
	case s.lost[e.Connection]:
	case s.holding || s.held[e.Connection]:
		s.kept = append(s.kept, p)
	default:
		p.at, p.step = s.now(), s.steps
		s.posts = append(s.posts, p)
	}
}

// bodyOf writes an event as Vonage does: the connection's data stands on
// connectionCreated only.
func bodyOf(e lesson.Event) []byte {
	connection := map[string]any{"id": e.Connection, "createdAt": e.ConnectedAt, "data": ""}
	if e.Name == journal.ConnectionCreated {
		connection["data"] = e.Data
	}
	body := map[string]any{
		"sessionId": e.Session, "projectId": e.Project, "event": e.Name,
		"timestamp": e.At, "connection": connection,
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

func (s *story) queuePost(p post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.at, p.step = s.now(), s.steps
	s.posts = append(s.posts, p)
}

// firstPost finds the webhook that comes first; of one moment, by the step in
// which it was sent, then by connection.
func (s *story) firstPost() int {
	first := -1
	for i, p := range s.posts {
		if first < 0 {
			first = i
			continue
		}
		f := s.posts[first]
		if cmp.Or(cmp.Compare(p.at, f.at), cmp.Compare(p.step, f.step), cmp.Compare(p.connection, f.connection)) < 0 {
			first = i
		}
	}
	return first
}

// arrive delivers a webhook. One that is not taken comes again, after 5 s,
// then each time twice as long, up to 15 min.
func (s *story) arrive(i int) {
	s.mu.Lock()
	p := s.posts[i]
	s.posts = slices.Delete(s.posts, i, i+1)
	s.mu.Unlock()
	if !s.down && s.deliver(p.body, s.now()) == http.StatusOK {
		s.sent = append(s.sent, p)
		return
	}
	p.at = s.now().Add(min(5*time.Second<<min(p.tries, 8), 15*time.Minute))
	p.tries++
	s.mu.Lock()
	s.posts = append(s.posts, p)
	s.mu.Unlock()
}

// deliver posts a body as Vonage does and gives the status.
func (s *story) deliver(body []byte, signedAt epoch.Instant) int {
	r, err := http.NewRequest(http.MethodPost, s.server.URL+api.WebhookPath, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	if s.signed {
		r.Header.Set("Authorization", "Bearer "+sign(body, signature, signedAt))
	}
	a, err := s.send(r)
	if err != nil {
		return 0
	}
	return a.status
}
