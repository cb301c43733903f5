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

// Put is a whole policy for a room, and the session it is to use if that was
// made elsewhere.
type Put struct {
	Policy  policy.Policy
	Session string      // "" adopts none
	If      []Condition // all must hold
	Actor   string
}

// PutRoom creates the room or gives it another policy, and says which.
func (s *Service) PutRoom(ctx context.Context, name string, p Put) (Snapshot, bool, error) {
	if err := s.mayPut(name, p.Policy); err != nil {
		return Snapshot{}, false, err
	}
	var snap Snapshot
	var created bool
	err := s.commitRoom(ctx, name, func(r room.Room, l *lesson.Lesson) (room.Decision, error) {
		created = r.Revision == 0
		if err := p.check(r); err != nil {
			return room.Decision{}, err
		}
		c, err := s.putChange(ctx, name, r, l, p)
		snap = s.snapshot(c.Room.Next(), c.Lesson(l))
		return c, err
	})
	if l, ok := s.lessons.Get(snap.Room.Session); err == nil && ok && p.Session != "" {
		snap = s.snapshot(snap.Room, &l) // with those whom its list shows
	}
	return snap, created, err
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

func (p Put) check(r room.Room) error {
	for _, c := range p.If {
		if err := c.check(r); err != nil {
			return err
		}
	}
	return nil
}

// putChange is what a put writes: the room, its running lesson with the new
// policy, or the adopted session's new one.
func (s *Service) putChange(ctx context.Context, name string, r room.Room, l *lesson.Lesson, p Put) (room.Decision, error) {
	next := r
	next.Name, next.Policy = name, p.Policy
	c := room.Decision{Change: room.Change{Room: next, Create: r.Revision == 0}}
	if c.Create {
		c.Room.Created = s.set.Now()
	}
	if p.Session != "" && p.Session != r.Session {
		return s.adopt(ctx, c, l, p)
	}
	if l != nil && l.Status != journal.Ended {
		return c, c.Decide(*l, lesson.NewPolicy{Policy: p.Policy, Version: next.Revision + 1, Actor: p.Actor}, s.set.Now())
	}
	return c, nil
}

// adopt moves the room to a session that was made elsewhere, if nobody is in
// its present one.
func (s *Service) adopt(ctx context.Context, c room.Decision, l *lesson.Lesson, p Put) (room.Decision, error) {
	if l != nil && l.Status != journal.Ended {
		if l.Status != journal.Open || l.InUse() {
			return c, &problem.Details{Code: problem.RoomInUse, Detail: "The room's session is in use; end the lesson first."}
		}
		if err := c.Decide(*l, lesson.End{Actor: p.Actor}, s.set.Now()); err != nil {
			return c, err
		}
	}
	_, _, err := s.store.Lesson(ctx, p.Session)
	if err == nil {
		return c, &problem.Details{Code: problem.SessionInUse, Detail: "A session is one lesson, and this one has been used by a room: make a fresh one."}
	}
	if !errors.Is(err, room.ErrNoLesson) {
		return c, err
	}
	started := c.Begin(p.Session, false, journal.FromAPI, p.Actor, s.set.Now())
	if l != nil && l.Status == journal.Ended {
		started.LogReopen(p.Actor)
	}
	c.Start = &started
	return c, nil
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

// commitRoom writes a change of a room and what it makes of its lesson, all or
// nothing, and again when somebody else was faster. Then it carries out what
// the change decided.
func (s *Service) commitRoom(ctx context.Context, name string, change func(room.Room, *lesson.Lesson) (room.Decision, error)) error {
	c, err := s.tryRoom(ctx, name, change)
	if err != nil {
		return err
	}
	s.rooms.Add(name, c.Room.Session)
	if c.Delete {
		s.rooms.Remove(name)
	}
	if c.Swap != nil {
		s.finish(ctx, c.Decided)
	}
	if c.Start != nil {
		s.lessons.Add(c.Start.Session, *c.Start)
		s.finish(ctx, lesson.Decision{Lesson: *c.Start, Effects: c.Start.Started()})
	}
	return nil
}

func (s *Service) tryRoom(ctx context.Context, name string, change func(room.Room, *lesson.Lesson) (room.Decision, error)) (room.Decision, error) {
	unlock, err := s.roomLocks.lock(ctx, name)
	if err != nil {
		return room.Decision{}, err
	}
	defer unlock()
	var lost *room.Decision // whose commit's answer was lost
	for range maxTries {
		r, l, err := s.loadRoom(ctx, name)
		if err != nil && !errors.Is(err, room.ErrNoRoom) {
			return room.Decision{}, err
		}
		if lost != nil && lost.Stands(r) {
			return *lost, nil
		}
		d, err := change(r, l)
		if err != nil {
			return room.Decision{}, err
		}
		err = s.commitDecision(ctx, d)
		var conflict *room.Conflict
		switch {
		case errors.As(err, &conflict):
		case errors.Is(err, room.ErrUnavailable) && lost == nil && ctx.Err() == nil:
			lost = &d
		default:
			return d, err
		}
	}
	return room.Decision{}, errContended
}

// commitDecision stores what was decided about a room. What this process
// remembers of the lesson is then only a guess.
func (s *Service) commitDecision(ctx context.Context, d room.Decision) error {
	if d.Swap != nil {
		s.wakeFirst(ctx, d.Swap.Session, d.Decided.WakeAt)
	}
	err := s.store.Commit(ctx, d.Change)
	if d.Swap == nil {
		return err
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
		return Snapshot{}, noRoom(name, err)
	}
	snap := s.snapshot(r, l)
	if l != nil && l.PresentOutside > 0 {
		snap.Connections, err = s.present(ctx, l, "", snapshotConnections)
	}
	return snap, err
}

// noRoom puts ErrNoRoom in words.
func noRoom(name string, err error) error {
	if errors.Is(err, room.ErrNoRoom) {
		return &problem.Details{Code: problem.NoSuchRoom, Detail: fmt.Sprintf("There is no room %q.", name)}
	}
	return err
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

// choose adds to the page those of the rooms that have the status, while it has
// space.
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
			return err // what was listed may be a moment old
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
	return s.commitRoom(ctx, name, func(r room.Room, l *lesson.Lesson) (room.Decision, error) {
		if r.Revision == 0 {
			return room.Decision{}, noRoom(name, room.ErrNoRoom)
		}
		c := room.Decision{Change: room.Change{Room: r, Delete: true}}
		if l != nil && l.Status != journal.Ended {
			return c, c.Decide(*l, lesson.End{Actor: actor}, s.set.Now())
		}
		return c, nil
	})
}
