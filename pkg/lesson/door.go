package lesson

import (
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// refusalOf is why a connection that is in has to go, by the first reason that
// applies, whatever room there is; "" for none.
func (t *turn) refusalOf(c Conn) journal.Reason {
	if t.l.Status == journal.Ended {
		return journal.LessonOver
	}
	return t.lackOfRight(c, evermore)
}

// lackOfRight is why the connection has no right to be in, by the policy in force and
// the bans that were there at that moment; "" where it has.
func (t *turn) lackOfRight(c Conn, at epoch.Instant) journal.Reason {
	switch {
	case c.Foreign && t.l.Policy.Foreign(t.l.Own) == policy.Refuse:
		return journal.NoTicket
	case min(at, t.now) < t.l.Policy.OpensAt():
		return journal.TooEarly
	}
	return t.doorClosedFor(c.User, at)
}

// doorClosedFor is why the user may not come in, through either door, by the list in
// force and the bans that were there at that moment; "" where it may.
func (t *turn) doorClosedFor(user string, at epoch.Instant) journal.Reason {
	switch {
	case t.isBanned(user, at):
		return journal.Removed
	case !t.l.Policy.Admits(user):
		return journal.NotAllowed
	}
	return ""
}

// closeDoor sends away who is in and may not come in any more, voids what was promised
// to such people, and has those outside the item looked at.
func (t *turn) closeDoor(line journal.Line) {
	for _, c := range t.l.Pick(Conn.In) {
		if c.State == ListedOnly {
			continue // nobody knows who it is
		}
		if why := t.doorClosedFor(c.User, evermore); why != "" {
			t.remove(c, why, line)
		}
	}
	for _, p := range t.l.sortedPromises() {
		if !p.Released && t.doorClosedFor(p.User, evermore) != "" {
			if p.expected() && t.l.Status != journal.Ended {
				t.l.WatchAt = t.now // its owner may be in, and not heard of
			}
			p.Released = true
			t.keep(p)
		}
	}
	if len(t.l.BansToKeep) > 0 || t.l.Policy.Lists() {
		t.reviewOutside()
	}
}

// reviewOutside has the people outside the item looked at, if there are any.
func (t *turn) reviewOutside() {
	if t.l.PresentOutside > 0 {
		t.l.OutsideReviewAt, t.rest = t.now, true
	}
}

// remove sends away a connection that is in, by what it had.
func (t *turn) remove(c Conn, why journal.Reason, line journal.Line) {
	if c.State == Seated {
		t.evict(c, why, line)
		return
	}
	t.refuse(c, why, line)
}
