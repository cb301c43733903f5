package lesson

import (
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// evidence is the proof that a reading of the list gives.
type evidence struct {
	began epoch.Instant
	shown map[string]bool
}

// beganAfterHearing reports whether the reading began after Usher heard of c.
func (e *evidence) beganAfterHearing(c Conn) bool { return e != nil && e.began >= c.HeardAt }

// judge decides a connection that is in and undecided, in the order of the
// rules: refused, in by its user's seat, by its promise, by a free seat, by
// the list's evidence, or left waiting. Without evidence nobody looked.
func (t *turn) judge(c Conn, line journal.Line, by *evidence) {
	switch {
	case t.l.Status == journal.Ended:
		t.refuse(c, journal.LessonOver, line)
	case c.Foreign && t.l.Policy.Foreign(t.l.Own) == policy.Refuse:
		t.refuse(c, journal.NoTicket, line)
	case c.HeardLate && !by.beganAfterHearing(c):
		t.wait(c, line, by)
	case c.HeardLate && !by.shown[c.ID]:
		t.recordAfterLeaving(c, line)
	default:
		c.HeardLate = false
		if c, undecided := t.judgeUser(c, line, by); undecided {
			t.judgeSeat(c, line, by)
		}
	}
}

// judgeSeat finds c a seat, or says why there is none.
func (t *turn) judgeSeat(c Conn, line journal.Line, by *evidence) {
	if p, ok := t.l.Promises[c.Promise]; ok && c.ByPromise && t.l.takesSeat(p) {
		c.Reserved = true
		t.seat(c, line)
		return
	}
	if t.l.hasFreeSeat(c) {
		c.Confirmed = c.Confirmed || t.freedForIt(c)
		t.seat(c, line)
		return
	}
	if !by.beganAfterHearing(c) {
		t.wait(c, line, by)
		return
	}
	t.judgeFull(c, line, by)
}

// freedForIt reports whether c has a seat only because this reading proved that
// somebody left or a promise lapsed: no late webhook takes such a seat.
func (t *turn) freedForIt(c Conn) bool {
	limit := t.l.Policy.MaxSeats()
	if t.freed == 0 || limit == 0 || t.l.seatsUnavailableTo(c)+t.freed < limit {
		return false
	}
	t.freed--
	return true
}

// judgeFull decides c in a full room by the list: a later comer makes room, or
// c is refused when enough people are proven to have the better right.
func (t *turn) judgeFull(c Conn, line journal.Line, by *evidence) {
	limit := t.l.Policy.MaxSeats()
	if later, ok := t.l.latestDisplaceable(c); ok && by.shown[c.ID] && t.l.fitsIfDisplaceableLeave(c) &&
		t.l.wasInBefore(c, later) && t.l.seatsWithBetterRight(later, by.shown, c.ID) >= limit &&
		!t.l.mayBeAReload(later, by) {
		t.evict(later, journal.RoomFull, journal.Line{Event: line.Event})
		t.seat(c, line)
		return
	}
	if t.l.seatsWithBetterRight(c, by.shown, "") >= limit && !t.l.mayBeAReload(c, by) || t.waitedTooLong(c, by) {
		t.refuse(c, journal.RoomFull, line)
		return
	}
	t.wait(c, line, by)
}

// mayBeAReload reports whether the list shows a connection earlier than c that was
// not heard of and may be of c's own user, whose seat would be c's then.
func (l *Lesson) mayBeAReload(c Conn, by *evidence) bool {
	if c.User == "" || l.Policy.Duplicates() == policy.Allow || c.Foreign && !l.Policy.JudgesForeignDuplicates() {
		return false
	}
	if !c.Foreign && !l.expectsUser(c.User) {
		return false
	}
	for _, o := range l.Conns {
		if o.State == ListedOnly && o.LeftAt == 0 && by.shown[o.ID] && byAge(o, c) < 0 {
			return true
		}
	}
	return false
}

// expectsUser reports whether a connection of the user is still to come by one of
// its promises.
func (l *Lesson) expectsUser(user string) bool {
	for _, p := range l.Promises {
		if p.User == user && p.expected() {
			return true
		}
	}
	return false
}

// waitsAtMost is how long somebody may be in, beyond the cap, undecided.
const waitsAtMost = time.Minute

// waitedTooLong reports whether c has waited for a minute while the readings show
// that all seats are taken by others: whatever the order, it goes then, for a cap
// that is exceeded for longer is none.
func (t *turn) waitedTooLong(c Conn, by *evidence) bool {
	if t.now < c.WaitsSince.Add(waitsAtMost) {
		return false
	}
	taken := t.l.SeatsPromised()
	for _, o := range t.l.Conns {
		if o.ID != c.ID && o.seated() && by.shown[o.ID] {
			taken++
		}
	}
	return taken >= t.l.Policy.MaxSeats()
}

// wait leaves c undecided. It is logged once somebody has looked.
func (t *turn) wait(c Conn, line journal.Line, by *evidence) {
	before := t.l.Conns[c.ID]
	c.State = Waiting
	if c.Unlogged && by != nil {
		c.Unlogged = false
		line.Action = journal.DidWait
		t.logAbout(c, line)
	}
	if before.State != c.State || before.Unlogged != c.Unlogged || before.PlaceAt != c.PlaceAt {
		t.write(c)
	}
}

// maxTogether is how many connections of one user may be in under "allow".
const maxTogether = 5

// rivals gives the other connections of c's user that are in.
func (t *turn) rivals(c Conn) []Conn {
	if c.User == "" || c.Foreign && !t.l.Policy.JudgesForeignDuplicates() {
		return nil
	}
	return t.l.Pick(func(o Conn) bool {
		return o.ID != c.ID && o.User == c.User && o.In() && o.State != ListedOnly &&
			(!o.Foreign || t.l.Policy.JudgesForeignDuplicates())
	})
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
		return t.replaceOlder(c, rivals, line)
	}
}

// replaceOlder lets the newest connection have the user's seat and place in
// the order; the others go.
func (t *turn) replaceOlder(c Conn, rivals []Conn, line journal.Line) (Conn, bool) {
	newest := c
	for _, r := range rivals {
		if byCreation(r, newest) > 0 {
			newest = r
		}
	}
	if newest.ID != c.ID {
		t.write(inherit(newest, c))
		t.refuse(c, journal.DuplicateUser, line)
		return c, false
	}
	seated := false
	for _, r := range rivals {
		seated = seated || r.State == Seated
		c = inherit(c, r)
	}
	for _, r := range rivals {
		t.replace(r, journal.Line{Event: line.Event})
	}
	if seated {
		t.seat(c, line)
		return c, false
	}
	t.write(c)
	return c, true
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

func (t *turn) replace(older Conn, line journal.Line) {
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
	seated := false
	for _, r := range rivals {
		seated = seated || r.State == Seated
		t.replace(r, journal.Line{Event: line.Event})
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
	shown := 0
	for _, r := range rivals {
		if by.beganAfterHearing(c) && by.shown[r.ID] {
			shown++
		}
	}
	if shown >= maxTogether {
		t.refuse(c, journal.DuplicateUser, line)
		return false
	}
	t.wait(c, line, by)
	return false
}
