package room

// begin points the room to a fresh session and gives its lesson.
func (c *Change) begin(session string, own bool, event, actor string, now Time) Lesson {
	c.Room.Session, c.Room.Closed = session, 0
	return NewLesson(Begin{session, c.Room.Name, own, c.Room.Policy, c.Room.Revision + 1}, event, actor, now)
}

// lesson is the room's lesson after the change.
func (c Change) lesson(before *Lesson) *Lesson {
	switch {
	case c.Start != nil:
		return c.Start
	case c.Swap != nil:
		return c.Swap
	}
	return before
}

// stands reports whether r, as it is stored, is what the change made of the
// room.
func (c Change) stands(r Room) bool {
	if c.Delete {
		return r.Created != c.Room.Created
	}
	return r == c.Room.next()
}
