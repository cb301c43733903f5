package scenarios_test

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"usher/pkg/journal"
)

var crowdCommands = map[string]command{
	"crowd":     (*story).crowd,
	"swarm":     (*story).swarm,
	"joins":     (*story).joins,
	"publish":   (*story).publish,
	"unpublish": (*story).unpublish,
}

// many reads the end of a line, PREFIX N, and gives so many names.
func many(args []string) ([]string, error) {
	if len(args) != 2 {
		return nil, errors.New("a PREFIX and a number are needed")
	}
	n, err := strconv.Atoi(args[1])
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%03d", args[0], i+1)
	}
	return names, err
}

// crowd PREFIX N [ROLE] lets so many connect in one moment, each an own user, and says
// in their data that they have the role.
func (s *story) crowd(c *call) error {
	ids, err := many(c.args[:min(len(c.args), 2)])
	if err != nil {
		return err
	}
	data := "user %s"
	if len(c.args) > 2 {
		data = `{"user":"user %s","role":"` + c.args[2] + `"}`
	}
	session, err := s.where()
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.Platform.Come(session, id, fmt.Sprintf(data, id))
	}
	s.Pass(0)
	return nil
}

// swarm PREFIX N USER lets so many connect with what the user's last join gave,
// one after the other, 20 ms apart.
func (s *story) swarm(c *call) error {
	if len(c.args) != 3 {
		return errors.New("usage: swarm PREFIX N USER")
	}
	ids, err := many(c.args[:2])
	if err != nil {
		return err
	}
	t, ok := s.tokens[c.args[2]]
	if !ok {
		return fmt.Errorf("no join of %s has succeeded", c.args[2])
	}
	for _, id := range ids {
		s.Platform.Come(t.SessionID, id, t.Token)
		s.Pass(20 * time.Millisecond)
	}
	return nil
}

// joins PREFIX N [ROLE] lets so many users ask for credentials, each with a ticket.
func (s *story) joins(c *call) error {
	users, err := many(c.args[:min(len(c.args), 2)])
	if err != nil {
		return err
	}
	for _, user := range users {
		if err := s.join(&call{c.TestScript, c.neg, append([]string{user}, c.args[2:]...)}); err != nil {
			return err
		}
	}
	return nil
}

// publish ID PREFIX N: so many streams of the connection begin, one after the
// other. unpublish ID PREFIX N: they end.
func (s *story) publish(c *call) error { return s.streams(c, journal.StreamCreated) }

func (s *story) unpublish(c *call) error { return s.streams(c, journal.StreamDestroyed) }

func (s *story) streams(c *call, event string) error {
	if len(c.args) != 3 {
		return errors.New("usage: publish ID PREFIX N, unpublish ID PREFIX N")
	}
	streams, err := many(c.args[1:])
	if err != nil {
		return err
	}
	p := s.Platform.Person(c.args[0])
	if p == nil {
		return fmt.Errorf("nobody with the id %s ever came", c.args[0])
	}
	for _, stream := range streams {
		e := p.Camera(stream, s.Now())
		e.Name = event
		s.Send(s.Now(), e)
		s.Pass(time.Millisecond)
	}
	return nil
}
