package doorkeeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// Extend moves the running lesson's deadline: by seconds, or to endsAt, exactly
// one of which is set.
func (s *Service) Extend(ctx context.Context, name string, seconds int, endsAt epoch.Instant, actor string) (Snapshot, error) {
	return s.request(ctx, name, lesson.Extend{Seconds: seconds, EndsAt: endsAt, Actor: actor})
}

// End ends the lesson for everyone and closes the room.
func (s *Service) End(ctx context.Context, name, actor string) (Snapshot, error) {
	return s.request(ctx, name, lesson.End{Actor: actor})
}

// request decides a request of the API about the room's lesson.
func (s *Service) request(ctx context.Context, name string, in lesson.Input) (Snapshot, error) {
	r, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return Snapshot{}, room.Missing(name, err)
	}
	if l == nil {
		return s.requestUnopened(ctx, r, in)
	}
	d, err := s.decide(ctx, r.Session, ask(in))
	if err != nil {
		return Snapshot{}, err
	}
	s.finish(ctx, d)
	return s.snapshot(r, &d.Lesson), d.Verdict
}

// requestUnopened decides a request about a room that has no session yet.
func (s *Service) requestUnopened(ctx context.Context, r room.Room, in lesson.Input) (Snapshot, error) {
	if _, end := in.(lesson.End); !end {
		return Snapshot{}, &problem.Details{Code: problem.NotRunning, Detail: "Nobody has joined the room yet; only a running lesson can be extended."}
	}
	if r.Session != "" || r.Over(s.set.Now()) {
		return s.snapshot(r, nil), nil
	}
	d, err := s.change(ctx, r.Name, room.Close{})
	if errors.Is(err, room.ErrHasSession) {
		return s.request(ctx, r.Name, in)
	}
	if err != nil {
		return Snapshot{}, err
	}
	return s.snapshot(d.Room.Next(), nil), nil
}

// Reopen gives an ended room a fresh session of Usher's own.
func (s *Service) Reopen(ctx context.Context, name, actor string) (Snapshot, error) {
	d, err := s.change(ctx, name, room.Reopen{Actor: actor})
	if err != nil {
		return Snapshot{}, err
	}
	return s.snapshot(d.Room.Next(), d.After), nil
}

// Remove disconnects one connection. It is nil once that is durable, also when
// the connection has gone already.
func (s *Service) Remove(ctx context.Context, name, connection, actor string) error {
	r, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return room.Missing(name, err)
	}
	if l == nil {
		return &problem.Details{Code: problem.NoSuchConnection, Detail: fmt.Sprintf("No connection %q: nobody has joined the room.", connection)}
	}
	d, err := s.decide(ctx, r.Session, question{
		wants: func(l *lesson.Lesson) []string {
			if _, here := l.Conns[connection]; here || l.Shed == 0 {
				return nil
			}
			return []string{connection}
		},
		input: func(records []lesson.Record) lesson.Input {
			return lesson.Remove{Connection: connection, Actor: actor, Records: records}
		},
	})
	if err != nil {
		return err
	}
	s.finish(ctx, d)
	return d.Verdict
}

// Connections lists the connections that are in, by id.
func (s *Service) Connections(ctx context.Context, name, after string, limit int) (ConnPage, error) {
	_, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return ConnPage{}, room.Missing(name, err)
	}
	page := ConnPage{Next: after}
	if l == nil {
		return page, nil
	}
	page.Connections, err = s.present(ctx, l, after, limit)
	if n := len(page.Connections); n > 0 {
		page.Next = page.Connections[n-1].ID
	}
	return page, err
}

// present gives the connections that are in by id, from after, those in the
// lesson's item and those outside.
func (s *Service) present(ctx context.Context, l *lesson.Lesson, after string, limit int) ([]lesson.Conn, error) {
	conns := l.Pick(func(c lesson.Conn) bool { return c.In() && c.ID > after })
	for from := after; l.PresentOutside > 0; {
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
			if _, here := l.Conns[r.ID]; !here && r.Conn != nil && r.Conn.In() {
				conns = append(conns, *r.Conn)
				outside++
			}
		}
		if outside >= limit {
			break
		}
	}
	slices.SortFunc(conns, lesson.ByID)
	return conns[:min(limit, len(conns))], nil
}

// maxPage is the largest page that is read at a time.
const maxPage = 1000

// Events gives lines of a lesson's log: of the room's present session, or of
// another one of the room.
func (s *Service) Events(ctx context.Context, name, session string, after int64, limit int) (LinePage, error) {
	session, l, err := s.lessonOf(ctx, name, session)
	page := LinePage{Session: session, Next: after}
	if err != nil || l == nil {
		return page, err
	}
	page.Lines, err = s.Lines(ctx, *l, after, limit)
	if n := len(page.Lines); n > 0 {
		page.Next = page.Lines[n-1].Seq
	}
	return page, err
}

// lessonOf loads the lesson of the session, which must be one of the room's, or without a
// session that of its present one: "" and nil before the first.
func (s *Service) lessonOf(ctx context.Context, name, session string) (string, *lesson.Lesson, error) {
	r, err := s.store.Room(ctx, name)
	if err != nil {
		return "", nil, room.Missing(name, err)
	}
	if session = cmp.Or(session, r.Session); session == "" {
		return "", nil, nil
	}
	l, _, err := s.load(ctx, session)
	if errors.Is(err, room.ErrNoLesson) || err == nil && !r.Used(l) {
		return session, nil, &problem.Details{
			Code: problem.InvalidField, Fields: []string{"sessionId"},
			Detail: fmt.Sprintf("The room %q has no lesson in the session %q: it never used that, or the lesson is older than what is kept.", name, session),
		}
	}
	return session, &l, err
}

// Lines gives the lines of the lesson's log with after < Seq, at most limit:
// the lesson was loaded first, so a reader that goes on misses nothing.
func (s *Service) Lines(ctx context.Context, l lesson.Lesson, after int64, limit int) ([]journal.Line, error) {
	var lines []journal.Line
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
