package lesson

import (
	"slices"

	"usher/pkg/journal"
	"usher/pkg/policy"
)

// maxTogether is how many connections of one user may be in under "allow".
const maxTogether = 5

// rivals gives the other connections of c's user that are in. Observers are nobody's.
func (t *turn) rivals(c Conn) []Conn {
	if c.User == "" {
		return nil
	}
	return t.l.Pick(func(o Conn) bool { return t.l.areRivals(o, c) })
}

// areRivals reports whether o is another connection of c's user, known by name, that
// is in.
func (l *Lesson) areRivals(o, c Conn) bool {
	return o.ID != c.ID && c.User != "" && o.User == c.User && o.In() && o.State != ListedOnly && !o.Observer &&
		(!c.Foreign && !o.Foreign || l.Policy.JudgesForeignDuplicates())
}

// judgeUser applies the rule for the same user again. It gives c as it goes on
// and whether it is still undecided.
func (t *turn) judgeUser(c Conn, line journal.Line, by *evidence) (Conn, bool) {
	rivals := t.rivals(c)
	if len(rivals) == 0 {
		return c, true
	}
	switch t.l.Policy.Duplicates() {
	case policy.RefuseNewer:
		return c, t.refuseNewer(c, rivals, line, by)
	case policy.Allow:
		return c, t.allowFew(c, rivals, line, by)
	default:
		return t.replaceOlder(c, rivals, line, by)
	}
}

// replaceOlder lets the newest connection have the user's seat and place in
// the order; the others go. One whose role has no room is judged like anybody, and the
// older one stays until it is seated.
func (t *turn) replaceOlder(c Conn, rivals []Conn, line journal.Line, by *evidence) (Conn, bool) {
	newest := c
	for _, r := range rivals {
		if byCreation(r, newest) > 0 {
			newest = r
		}
	}
	if newest.ID != c.ID {
		t.write(inherit(newest, c))
		line.Because = holders{conns: []string{newest.ID}}.because(nil)
		t.refuse(c, journal.DuplicateUser, line)
		return c, false
	}
	seated := slices.ContainsFunc(rivals, func(r Conn) bool { return r.State == Seated })
	if seated && !t.l.roleHasRoom(c) {
		return c, true
	}
	for _, r := range rivals {
		c = inherit(c, r)
	}
	for _, r := range rivals {
		t.replace(r, journal.Line{Event: line.Event}, c)
	}
	if seated {
		t.seat(c, line)
		return c, false
	}
	t.write(c)
	return c, true
}

// roleHasRoom reports whether there is a seat of c's role for it, also the one that
// its user has, or that its own promise holds.
func (l *Lesson) roleHasRoom(c Conn) bool {
	if l.Policy.SeatsOf(c.Role) == 0 {
		return true
	}
	s := l.shares(c.Role)[0]
	p, promised := l.Promises[c.Promise]
	return promised && c.ByPromise && l.takesSeatIn(p, s) || l.hasFreeSeatIn(s, c)
}

// inherit gives newer the place and the protection of older's seat.
func inherit(newer, older Conn) Conn {
	if byPlace(older, newer) < 0 {
		newer.PlaceAt, newer.PlaceID = older.place()
	}
	if older.State == Seated {
		newer.Reserved = newer.Reserved || older.Reserved
		newer.Confirmed = newer.Confirmed || older.Confirmed
	}
	return newer
}

// replace sends the connection away for the other one of its user.
func (t *turn) replace(older Conn, line journal.Line, by Conn) {
	line.Because = holders{conns: []string{by.ID}}.because(nil)
	if older.State == Seated {
		t.evict(older, journal.DuplicateUser, line)
		return
	}
	t.refuse(older, journal.DuplicateUser, line)
}

// refuseNewer keeps the older connection of the user, once the list shows it.
// A newer one that was seated first, its webhook being faster, makes room
// unless a promise brought it. It reports whether c is still undecided.
func (t *turn) refuseNewer(c Conn, rivals []Conn, line journal.Line, by *evidence) bool {
	if !by.beganAfterHearing(c) {
		t.wait(c, line, by)
		return false
	}
	for _, r := range rivals {
		if !r.Reserved && byAge(c, r) < 0 {
			continue
		}
		if by.shown[r.ID] {
			line.Because = holders{conns: []string{r.ID}}.because(by)
			t.refuse(c, journal.DuplicateUser, line)
		} else {
			t.wait(c, line, by)
		}
		return false
	}
	if !by.shown[c.ID] {
		t.wait(c, line, by)
		return false
	}
	return t.takeFromNewer(c, rivals, line)
}

// takeFromNewer sends the newer connections of c's user away. It reports
// whether c, having got no seat by that, is still undecided.
func (t *turn) takeFromNewer(c Conn, rivals []Conn, line journal.Line) bool {
	seated := slices.ContainsFunc(rivals, func(r Conn) bool { return r.State == Seated })
	if seated && !t.l.roleHasRoom(c) {
		return true // a seat of another role is none for it, and the others stay
	}
	for _, r := range rivals {
		t.replace(r, journal.Line{Event: line.Event}, c)
	}
	if seated {
		t.seat(c, line)
	}
	return !seated
}

// allowFew lets a user be in several times. It reports whether c is still
// undecided.
func (t *turn) allowFew(c Conn, rivals []Conn, line journal.Line, by *evidence) bool {
	if len(rivals) < maxTogether {
		return true
	}
	var shown holders
	for _, r := range rivals {
		if by.beganAfterHearing(c) && by.shown[r.ID] {
			shown.conns = append(shown.conns, r.ID)
		}
	}
	if shown.count() >= maxTogether {
		line.Because = shown.because(by)
		t.refuse(c, journal.DuplicateUser, line)
		return false
	}
	t.wait(c, line, by)
	return false
}
