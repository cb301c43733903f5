package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Extend moves the running lesson's deadline: by seconds, or to endsAt, exactly
// one of which is set.
func (s *Service) Extend(ctx context.Context, name string, seconds int, endsAt Time, actor string) (View, error) {
	return s.request(ctx, name, Extend{seconds, endsAt, actor})
}

// End ends the lesson for everyone and closes the room.
func (s *Service) End(ctx context.Context, name, actor string) (View, error) {
	return s.request(ctx, name, End{actor})
}

// request decides a request of the API about the room's lesson.
func (s *Service) request(ctx context.Context, name string, in Input) (View, error) {
	r, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return View{}, noRoom(name, err)
	}
	if l == nil {
		return s.requestUnopened(ctx, r, in)
	}
	before, after, err := s.decide(ctx, r.Session, ask(in))
	if err != nil {
		return View{}, err
	}
	_ = s.follow(ctx, before, after) // what fails is found again in the state
	return s.view(r, &after), nil
}

// requestUnopened decides a request about a room that has no session yet.
func (s *Service) requestUnopened(ctx context.Context, r Room, in Input) (View, error) {
	if _, end := in.(End); !end {
		return View{}, &Problem{Code: CodeNotRunning, Detail: "Nobody has joined the room yet; only a running lesson can be extended."}
	}
	if r.Session != "" || r.Closed != 0 {
		return s.view(r, nil), nil
	}
	ended := r
	err := s.commitRoom(ctx, r.Name, func(now Room, l *Lesson) (Change, error) {
		if now.Revision == 0 {
			return Change{}, noRoom(r.Name, ErrNoRoom)
		}
		if now.Session != "" {
			return Change{}, errHasSession
		}
		now.Closed = s.set.Now()
		ended = now.next()
		return Change{Room: now}, nil
	})
	if errors.Is(err, errHasSession) {
		return s.request(ctx, r.Name, in)
	}
	return s.view(ended, nil), err
}

// Reopen gives an ended room a fresh session of Usher's own.
func (s *Service) Reopen(ctx context.Context, name, actor string) (View, error) {
	var v View
	fresh := ""
	err := s.commitRoom(ctx, name, func(r Room, l *Lesson) (Change, error) {
		if r.Revision == 0 {
			return Change{}, noRoom(name, ErrNoRoom)
		}
		if l != nil && l.Status != Ended || r.Session == "" && r.Closed == 0 {
			return Change{}, &Problem{Code: CodeNotEnded, Detail: "The room is open already."}
		}
		if fresh == "" {
			var err error
			if fresh, err = s.createSession(ctx, r.Policy.Archive()); err != nil {
				return Change{}, err
			}
		}
		c := Change{Room: r}
		started := c.begin(fresh, true, FromAPI, actor, s.set.Now())
		started.logReopen(actor)
		c.Start = &started
		v = s.view(c.Room.next(), c.Start)
		return c, nil
	})
	return v, err
}

// Remove disconnects one connection. It is nil once that is durable, also when
// the connection has gone already.
func (s *Service) Remove(ctx context.Context, name, connection, actor string) error {
	r, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return noRoom(name, err)
	}
	if l == nil {
		return &Problem{Code: CodeNoSuchConnection, Detail: fmt.Sprintf("No connection %q: nobody has joined the room.", connection)}
	}
	before, after, err := s.decide(ctx, r.Session, question{
		wants: func(l *Lesson) []string {
			if _, here := l.Conns[connection]; here || l.Shed == 0 {
				return nil
			}
			return []string{connection}
		},
		input: func(records []Record) Input { return Remove{connection, actor, records} },
	})
	if err != nil {
		return err
	}
	_ = s.follow(ctx, before, after) // what fails is found again in the state
	return nil
}

// Connections lists who is in, by id.
func (s *Service) Connections(ctx context.Context, name, after string, limit int) (ConnPage, error) {
	_, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return ConnPage{}, noRoom(name, err)
	}
	page := ConnPage{Connections: []ConnView{}, Next: after}
	if l == nil {
		return page, nil
	}
	conns, err := s.present(ctx, l, after, limit)
	if err != nil {
		return ConnPage{}, err
	}
	for _, c := range conns {
		page.Connections = append(page.Connections, showConn(c))
		page.Next = c.ID
	}
	return page, nil
}

// present gives who is in by id, from after, in the item and outside.
func (s *Service) present(ctx context.Context, l *Lesson, after string, limit int) ([]Conn, error) {
	conns := l.pick(func(c Conn) bool { return c.in() && c.ID > after })
	for from := after; l.Outside > 0; {
		records, err := s.store.Records(ctx, l.Session, from, maxPage)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			break
		}
		outside := 0
		for _, r := range records {
			from = r.ID
			if _, here := l.Conns[r.ID]; !here && r.Conn != nil && r.Conn.in() {
				conns = append(conns, *r.Conn)
				outside++
			}
		}
		if outside >= limit {
			break
		}
	}
	slices.SortFunc(conns, byID)
	return conns[:min(limit, len(conns))], nil
}

// maxPage is the largest page that is read at a time.
const maxPage = 1000

// Events gives lines of a lesson's log: of the room's present session, or of
// another one of the room.
func (s *Service) Events(ctx context.Context, name, session string, after int64, limit int) (LinePage, error) {
	r, err := s.store.Room(ctx, name)
	if err != nil {
		return LinePage{}, noRoom(name, err)
	}
	if session == "" {
		session = r.Session
	}
	page := LinePage{Events: []LineView{}, Next: after}
	if session == "" {
		return page, nil
	}
	l, _, err := s.load(ctx, session)
	if errors.Is(err, ErrNoLesson) || err == nil && l.Room != name {
		return LinePage{}, &Problem{Code: CodeInvalidField, Fields: []string{"sessionId"}, Detail: fmt.Sprintf("The room %q never used the session %q.", name, session)}
	}
	if err != nil {
		return LinePage{}, err
	}
	page.SessionID = &session
	lines, err := s.Lines(ctx, l, after, limit)
	for _, line := range lines {
		page.Events = append(page.Events, showLine(line))
		page.Next = line.Seq
	}
	return page, err
}

// Lines gives the lines of the lesson's log with after < Seq, at most limit:
// the lesson was loaded first, so whoever reads on misses nothing.
func (s *Service) Lines(ctx context.Context, l Lesson, after int64, limit int) ([]Line, error) {
	var lines []Line
	if after < l.Base {
		shed, err := s.store.Lines(ctx, l.Session, after, limit)
		if err != nil {
			return nil, err
		}
		for _, line := range shed {
			if line.Seq <= l.Base {
				lines = append(lines, line)
			}
		}
	}
	for i, line := range l.Tail {
		line.Seq = l.Base + int64(i) + 1
		if line.Seq > after && len(lines) < limit {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
