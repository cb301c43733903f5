package room

import (
	"errors"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// Ban keeps a user out of the room, in the lesson that goes on and in those to come.
// Facts.Ban is the user's former one.
type Ban struct {
	lesson.Ban
	// ByLesson: a lesson decided it, for a removal. It shortens no ban that lasts longer.
	ByLesson bool
	// Session is that lesson's. Where it is the room's and the lesson has the ban no more,
	// for it was lifted or is kept, the verdict is ErrKept.
	Session string
	// Created is when the room of that lesson was made: for another one of the name the
	// verdict is ErrNoRoom. 0 is not known, from lessons of before.
	Created epoch.Instant
}

// ErrKept says that there is nothing to keep.
var ErrKept = errors.New("the ban was kept or lifted meanwhile")

func (b Ban) decide(d *Decision, l *lesson.Lesson, known Facts) error {
	switch {
	case b.ByLesson && b.Created != 0 && b.Created != d.Room.Created:
		return ErrNoRoom
	case b.ByLesson && b.Session == d.Room.Session && (l == nil || !l.Decided(b.Ban)):
		return ErrKept
	}
	b.At = max(b.At, d.Room.Created) // clocks of processes differ
	if !d.isOfRoom(known.Ban) {
		d.Room.Bans++
	}
	if !b.ByLesson || !d.isOfRoom(known.Ban) || !known.Ban.Outlasts(b.Ban) {
		d.Bans = []lesson.Ban{b.Ban}
	}
	if l == nil || l.Status == journal.Ended && len(l.BansToKeep) == 0 {
		return nil
	}
	return d.lesson(*l, lesson.BanUser{Ban: b.Ban}, known.Now)
}

// LiftBan lets a user in again. One who is not banned is let in already.
type LiftBan struct{ User, Actor string }

func (b LiftBan) decide(d *Decision, l *lesson.Lesson, known Facts) error {
	listed := d.isOfRoom(known.Ban)
	if listed {
		d.Room.Bans--
		d.Lift = []string{b.User}
	}
	if l == nil || !listed && !l.KeepsOut(b.User) {
		return nil
	}
	return d.lesson(*l, lesson.LiftBan{User: b.User, Actor: b.Actor}, known.Now)
}

// isOfRoom reports whether the ban is one of this room, and not of a former one that
// had the name.
func (d *Decision) isOfRoom(b *lesson.Ban) bool { return b != nil && b.OfRoom(d.Room.Created) }

// User is the one whose ban the request depends on; "" where it depends on none.
func User(in Request) string {
	switch b := in.(type) {
	case Ban:
		return b.User
	case LiftBan:
		return b.User
	case Open:
		return b.User
	}
	return ""
}
