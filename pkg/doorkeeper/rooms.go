package doorkeeper

import (
	"context"
	"errors"
	"fmt"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// PutRoom creates the room or gives it another policy, and says which.
func (s *Service) PutRoom(ctx context.Context, p room.Put) (Snapshot, bool, error) {
	if err := s.mayPut(p.Name, p.Policy); err != nil {
		return Snapshot{}, false, err
	}
	d, err := s.change(ctx, p.Name, p)
	if err != nil {
		return Snapshot{}, false, err
	}
	return s.snapshot(d.Room.Next(), d.After), d.Create, nil
}

func (s *Service) mayPut(name string, p policy.Policy) error {
	switch {
	case !policy.ValidRoom(name):
		return &problem.Details{Code: problem.InvalidRoom, Detail: fmt.Sprintf("%q is not a room name: letters, digits, '.', '_' and '-', at most 64.", name)}
	case p.Demo() && !s.set.AllowDemo:
		return &problem.Details{Code: problem.InvalidField, Fields: []string{"demo"}, Detail: "demo: true is only for the simulated platform: with a real one it would let everyone in."}
	}
	return nil
}

// loadRoom gives the room and its lesson. A room that does not exist is the
// zero Room and ErrNoRoom.
func (s *Service) loadRoom(ctx context.Context, name string) (room.Room, *lesson.Lesson, error) {
	r, err := s.store.Room(ctx, name)
	if err != nil {
		return room.Room{}, nil, err
	}
	if r.Session == "" {
		return r, nil, nil
	}
	l, _, err := s.load(ctx, r.Session)
	if errors.Is(err, room.ErrNoLesson) {
		return r, nil, nil // its records are older than the retention
	}
	if err != nil {
		return r, nil, err
	}
	return r, &l, nil
}

// change decides a request about a room, commits the room together with its
// lesson, all or nothing, and decides again when it lost a race. Then it carries
// the decision out.
func (s *Service) change(ctx context.Context, name string, in room.Request) (room.Decision, error) {
	d, err := s.commitChange(ctx, name, in)
	if err != nil {
		return d, room.Missing(name, err)
	}
	s.rooms.Add(name, d.Room.Session)
	if d.Delete {
		s.rooms.Remove(name)
	}
	if d.Swap != nil {
		s.finish(ctx, d.Decided)
	}
	if d.Start != nil {
		s.lessons.Add(d.Start.Session, *d.Start)
		s.finish(ctx, lesson.Decision{Lesson: *d.Start, Effects: lesson.Effects{Tell: d.Start.Untold() != 0}})
	}
	return d, nil
}

func (s *Service) commitChange(ctx context.Context, name string, in room.Request) (room.Decision, error) {
	unlock, err := s.roomLocks.lock(ctx, name)
	if err != nil {
		return room.Decision{}, err
	}
	defer unlock()
	var known room.Facts
	var lost *room.Decision // the one whose commit's answer was lost
	for range maxTries {
		r, l, err := s.loadRoom(ctx, name)
		if err != nil && !errors.Is(err, room.ErrNoRoom) {
			return room.Decision{}, err
		}
		if lost != nil && lost.Stands(r) {
			s.changed(ctx, *lost)
			lost.Decided.Effects.Tell = lost.Decided.Lesson.NewsIn(lost.Decided.Lines)
			return *lost, nil
		}
		d, err := s.decideRoom(ctx, r, l, in, &known)
		if errors.Is(err, lesson.ErrCrowded) && s.shed(ctx, *l) {
			continue
		}
		if err != nil {
			return room.Decision{}, orCrowded(err)
		}
		err = s.commitDecision(ctx, d)
		var conflict *room.Conflict
		switch {
		case errors.As(err, &conflict):
		case errors.Is(err, room.ErrUnavailable) && lost == nil && ctx.Err() == nil:
			lost = &d
		case err == nil:
			s.changed(ctx, d)
			d.Decided.Effects.Tell = d.Decided.Lesson.NewsIn(d.Decided.Lines)
			return d, nil
		default:
			return d, err
		}
	}
	return room.Decision{}, errContended
}

// changed says what was decided about the room's lessons, once it is durable.
func (s *Service) changed(ctx context.Context, d room.Decision) {
	if d.Swap != nil {
		s.committed(ctx, d.Decided.Lesson, newLines(d.Decided), d.Decided.Effects)
	}
	if d.Start != nil {
		s.committed(ctx, *d.Start, d.Start.Tail, lesson.Effects{})
	}
}

// decideRoom decides, with the facts that it needs. A session that was made for
// the request serves however often it is decided again.
func (s *Service) decideRoom(ctx context.Context, r room.Room, l *lesson.Lesson, in room.Request, known *room.Facts) (d room.Decision, err error) {
	if p, ok := in.(room.Put); ok && p.Session != "" && p.Session != r.Session {
		if known.Used, err = s.used(ctx, p.Session); err != nil {
			return d, err
		}
	}
	if user := room.User(in); user != "" && r.Bans > 0 {
		if known.Ban, err = s.banOf(ctx, r.Name, user); err != nil {
			return d, err
		}
	}
	known.Now, known.Tells = s.set.Now(), s.set.Telling.Begin
	d = room.Decide(r, l, in, *known)
	switch {
	case errors.Is(d.Verdict, room.ErrSessionNeeded):
		known.Fresh, err = s.createSession(ctx, r.Policy.Archive())
	case errors.Is(d.Verdict, room.ErrListNeeded):
		known.Listed, err = s.listOf(ctx, in.(room.Put).Session)
	default:
		return d, d.Verdict
	}
	if err != nil {
		return d, err
	}
	known.Now = s.set.Now()
	d = room.Decide(r, l, in, *known)
	return d, d.Verdict
}

// banOf loads the ban that the list of the rooms of the name has of the user; nil for
// none.
func (s *Service) banOf(ctx context.Context, name, user string) (*lesson.Ban, error) {
	b, found, err := s.store.Ban(ctx, name, user)
	if err != nil || !found {
		return nil, err
	}
	return &b, nil
}

// listOf reads the list of a session that is no lesson yet.
func (s *Service) listOf(ctx context.Context, session string) (*lesson.Reading, error) {
	r, err := s.listed(ctx, session)
	if err != nil {
		s.unreadable(ctx, session, err)
		return nil, platformAway(err)
	}
	return &r, nil
}

// used reports whether the session has been a lesson.
func (s *Service) used(ctx context.Context, session string) (bool, error) {
	_, _, err := s.store.Lesson(ctx, session)
	if errors.Is(err, room.ErrNoLesson) {
		return false, nil
	}
	return err == nil, err
}

// commitDecision stores a decision about a room. The lesson that this process
// remembers is then only a guess.
func (s *Service) commitDecision(ctx context.Context, d room.Decision) error {
	if d.Swap != nil {
		s.wakeFirst(ctx, d.Swap.Session, d.Decided.WakeAt)
	}
	if d.Start != nil {
		s.wakeFirst(ctx, d.Start.Session, d.Start.EndsAt())
	}
	err := s.store.Commit(ctx, d.Change)
	if d.Swap == nil {
		return err
	}
	if errors.Is(err, room.ErrUnavailable) {
		// It may be stored: then what it asks for is to be done, whoever asks again.
		s.wakeFor(ctx, *d.Swap, 0)
	}
	if err != nil {
		s.lessons.Remove(d.Swap.Session)
		return err
	}
	after := *d.Swap
	after.Revision++ // as Store.Swap has it
	s.lessons.Add(after.Session, after)
	return nil
}

// Room shows a room.
func (s *Service) Room(ctx context.Context, name string) (Snapshot, error) {
	r, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return Snapshot{}, room.Missing(name, err)
	}
	snap := s.snapshot(r, l)
	if l != nil && l.PresentOutside > 0 {
		snap.Connections, err = s.present(ctx, l, "", snapshotConnections)
	}
	return snap, err
}

// Rooms lists rooms by name; status "" is any.
func (s *Service) Rooms(ctx context.Context, after string, limit int, status journal.Status) (RoomPage, error) {
	page := RoomPage{Next: after}
	for len(page.Rooms) < limit {
		rooms, err := s.store.Rooms(ctx, page.Next, limit)
		if err != nil {
			return RoomPage{}, err
		}
		if len(rooms) == 0 {
			return page, nil
		}
		if err := s.choose(ctx, rooms, limit, status, &page); err != nil {
			return RoomPage{}, err
		}
	}
	return page, nil
}

// choose adds the rooms that have the status to the page, while it has space.
func (s *Service) choose(ctx context.Context, rooms []room.Room, limit int, status journal.Status, page *RoomPage) error {
	var sessions []string
	for _, r := range rooms {
		if r.Session != "" {
			sessions = append(sessions, r.Session)
		}
	}
	lessons, err := s.store.Lessons(ctx, sessions)
	if err != nil {
		return err
	}
	for _, r := range rooms {
		if len(page.Rooms) == limit {
			return nil
		}
		page.Next = r.Name
		var current *lesson.Lesson
		if l, ok := lessons[r.Session]; ok {
			current = &l
		} else if _, current, err = s.loadRoom(ctx, r.Name); err != nil && !errors.Is(err, room.ErrNoRoom) {
			return err // the list of rooms may be a moment old
		}
		snap := Snapshot{Room: r, Lesson: current, At: s.set.Now()}
		if status == "" || snap.Status() == status {
			page.Rooms = append(page.Rooms, snap)
		}
	}
	return nil
}

// DeleteRoom ends the room's lesson and forgets its name and policy. The
// records of its lessons stay.
func (s *Service) DeleteRoom(ctx context.Context, name, actor string) error {
	_, err := s.change(ctx, name, room.Delete{Actor: actor})
	return err
}
