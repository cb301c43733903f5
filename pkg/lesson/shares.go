package lesson

import (
	"time"

	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// share is a part of the seats under one cap: all of the room's, or those of a role.
type share struct {
	limit int
	role  string
	whole bool // all seats, of whatever role
}

// allSeats are the room's, where the cap does not matter.
var allSeats = share{whole: true}

func (s share) of(role string) bool { return s.whole || s.role == role }

// shares are the capped parts that a seat of the role counts in, the role's own
// first.
func (l *Lesson) shares(role string) []share {
	var shares []share
	if n := l.Policy.SeatsOf(role); n > 0 {
		shares = append(shares, share{limit: n, role: role})
	}
	if n := l.Policy.MaxSeats(); n > 0 {
		shares = append(shares, share{limit: n, whole: true})
	}
	return shares
}

// observes reports whether the connection needs no seat: by its ticket's role, never
// by its own words.
func (l *Lesson) observes(c Conn) bool { return !c.Foreign && l.Policy.Observes(c.Role) }

// takenInItem counts the seats of the share in the item: of seated connections, and
// of promises that hold one.
func (l *Lesson) takenInItem(s share) int {
	n := 0
	for _, c := range l.Conns {
		if c.holdsSeat() && s.of(c.Role) {
			n++
		}
	}
	for _, p := range l.Promises {
		if l.takesSeatIn(p, s) {
			n++
		}
	}
	return n
}

// takenIn counts the seats of the share, those of people outside the item too.
func (l *Lesson) takenIn(s share) int {
	if s.whole {
		return l.takenInItem(s) + l.seatsOutside()
	}
	return l.takenInItem(s) + int(l.OutsideByRole[s.role])
}

// takesSeat reports whether the promise takes a seat by itself: until its
// connection is decided, and unless it is for the seat that its user has.
func (l *Lesson) takesSeat(p Promise) bool { return l.takesSeatIn(p, allSeats) }

// takesSeatIn reports whether the promise takes a seat of the share by itself: one
// for a seat that its user has under another role takes one of its own role.
func (l *Lesson) takesSeatIn(p Promise, s share) bool {
	if p.Observer || p.Released || !s.of(p.Role) {
		return false
	}
	switch {
	case l.waitsUnder(p, true):
		return !p.ForExistingSeat || !l.hasSeatIn(p.User, s)
	case l.waitsUnder(p, false):
		return !l.hasSeatIn(p.User, s)
	case !p.open():
		return false
	}
	return !p.sharesSeat() || !l.hasSeatIn(p.User, s)
}

// waitsUnder reports whether a connection that came by the promise is undecided:
// its first one, or another.
func (l *Lesson) waitsUnder(p Promise, first bool) bool {
	for _, c := range l.Conns {
		if c.ByPromise && c.Promise == p.ID && c.waiting() && (c.ID == p.Used) == first {
			return true
		}
	}
	return false
}

func (l *Lesson) hasSeat(user string) bool { return l.hasSeatIn(user, allSeats) }

// hasSeatIn reports whether the user has a seat of the share.
func (l *Lesson) hasSeatIn(user string, s share) bool {
	for _, c := range l.Conns {
		if c.holdsSeat() && c.User == user && s.of(c.Role) {
			return true
		}
	}
	return false
}

// unavailableIn counts the seats of the share that are not to be had for c: those
// taken and promised, those of people shown in the list before it and not heard of
// (as owners of open promises while there are some), and those of earlier waiters.
func (l *Lesson) unavailableIn(s share, c Conn) int {
	unheard := 0
	for _, o := range l.Conns {
		if o.State == ListedOnly && o.LeftAt == 0 && o.ID != c.ID && byPlace(o, c) <= 0 {
			unheard++
		}
	}
	return l.takenIn(s) + max(0, unheard-l.expectedOwners()) + l.waitersBefore(s, c)
}

// waitersBefore counts the people who wait for a seat of the share, and came before c.
// Who waits for room in the share of its role takes no other seat meanwhile.
func (l *Lesson) waitersBefore(s share, c Conn) int {
	if !s.whole || len(l.Policy.CappedRoles()) == 0 {
		return l.waitersBeforeInTurn(s, c)
	}
	n, free := 0, map[string]int{}
	for _, o := range l.waitersFor(s) {
		if o.ID == c.ID || byPlace(o, c) > 0 {
			continue
		}
		if most := l.Policy.SeatsOf(o.Role); most > 0 {
			left, known := free[o.Role]
			if !known {
				left = most - l.takenIn(share{role: o.Role})
			}
			if free[o.Role] = left - 1; left <= 0 {
				continue
			}
		}
		n++
	}
	return n
}

// waitersBeforeInTurn is waitersBefore where all of them wait for the same.
func (l *Lesson) waitersBeforeInTurn(s share, c Conn) int {
	n := 0
	for _, o := range l.Conns {
		if o.waiting() && o.ID != c.ID && s.of(o.Role) && byPlace(o, c) <= 0 && !l.observes(o) {
			n++
		}
	}
	return n
}

// waitersFor gives the people who wait for a seat of the share, in order where that
// matters.
func (l *Lesson) waitersFor(s share) []Conn {
	wait := func(c Conn) bool { return c.waiting() && s.of(c.Role) && !l.observes(c) }
	for _, c := range l.Conns {
		if wait(c) {
			return l.Pick(wait)
		}
	}
	return nil
}

// expectedOwners counts the open promises, also those for a seat that their user
// has: who is shown and not heard of may be the owner of one, and takes no other
// seat then.
func (l *Lesson) expectedOwners() int {
	n := 0
	for _, p := range l.Promises {
		if p.open() {
			n++
		}
	}
	return n
}

// fullShare gives the first share in which there is no seat for c, that of its role
// before that of all; false: there is a seat.
func (l *Lesson) fullShare(c Conn) (share, bool) {
	for _, s := range l.shares(c.Role) {
		if !l.hasFreeSeatIn(s, c) {
			return s, true
		}
	}
	return share{}, false
}

func (l *Lesson) hasFreeSeatIn(s share, c Conn) bool {
	return l.unavailableIn(s, c)-l.ownSeatIn(s, c) < s.limit
}

// ownSeatIn is 1 where a seat of the share is c's already: that of an older
// connection of its user, which goes when c is seated, or one that a promise holds
// for its user, which a connection by an older token needs no other one than. Where a
// user may be in several times, each promise is for a seat of its own.
func (l *Lesson) ownSeatIn(s share, c Conn) int {
	switch {
	case l.Policy.Duplicates() == policy.Allow:
		return 0
	case l.Policy.Duplicates() == policy.ReplaceOlder && l.hasRivalIn(s, c):
		return 1
	case c.Promise == "":
		return 0
	}
	for _, p := range l.Promises {
		if p.User == c.User && p.ID != c.Promise && l.takesSeatIn(p, s) {
			return 1
		}
	}
	return 0
}

// hasRivalIn reports whether another connection of c's user has a seat of the share.
func (l *Lesson) hasRivalIn(s share, c Conn) bool {
	for _, o := range l.Conns {
		if l.areRivals(o, c) && o.holdsSeat() && s.of(o.Role) {
			return true
		}
	}
	return false
}

// Full reports whether there is no seat for a newcomer without a role, as far as it
// is known.
func (l *Lesson) Full(now epoch.Instant) bool {
	_, full := l.fullShare(lastInLine("", now))
	return full
}

// lastInLine is a connection of the role behind all that have come.
func lastInLine(role string, now epoch.Instant) Conn {
	return Conn{Role: role, CreatedAt: now.Add(time.Hour)}
}
