package room

import (
	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// Begin points the room to a fresh session and gives its lesson.
func (c *Change) Begin(session string, own bool, event, actor string, now epoch.Instant) lesson.Lesson {
	c.Room.Session, c.Room.Closed = session, 0
	return lesson.New(lesson.Begin{
		Session: session, Room: c.Room.Name, Own: own,
		Policy: c.Room.Policy, PolicyVersion: c.Room.Revision + 1, ReadFirst: !own,
	}, event, actor, now)
}

// Lesson is the room's lesson after the change.
func (c Change) Lesson(before *lesson.Lesson) *lesson.Lesson {
	switch {
	case c.Start != nil:
		return c.Start
	case c.Swap != nil:
		return c.Swap
	}
	return before
}

// Stands reports whether r, as it is stored, is what the change made of the
// room.
func (c Change) Stands(r Room) bool {
	if c.Delete {
		return r.Created != c.Room.Created
	}
	return r.Equal(c.Room.Next())
}
