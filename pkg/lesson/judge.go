package lesson

import (
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// evidence is the proof that a reading of the list gives.
type evidence struct {
	began epoch.Instant
	shown map[string]bool
	// outside is how many people of each role it shows who are in and stand only in
	// records.
	outside map[string]int
}

func (e *evidence) outsideIn(s share) int {
	n := 0
	for role, some := range e.outside {
		if s.of(role) {
			n += some
		}
	}
	return n
}

// beganAfterHearing reports whether the reading began after Usher heard of c.
func (e *evidence) beganAfterHearing(c Conn) bool { return e != nil && e.began >= c.HeardAt }

// judge decides a connection that is in and undecided, in the order of the
// rules: refused, in as an observer, in by its user's seat, by its promise, by a free
// seat, by the list's evidence, or left waiting. Without evidence nobody looked. Then its
// streams are, for it may have published before it was known.
func (t *turn) judge(c Conn, line journal.Line, by *evidence) {
	t.judgeEntry(c, line, by)
	t.reviewStreams(c.ID, line.Event)
}

func (t *turn) judgeEntry(c Conn, line journal.Line, by *evidence) {
	if why := t.refusalOf(c); why != "" {
		t.refuse(c, why, line)
		return
	}
	switch {
	case c.HeardLate && !by.beganAfterHearing(c):
		t.wait(c, line, by)
	case c.HeardLate && !by.shown[c.ID]:
		t.recordAfterLeaving(c, line)
	case t.l.observes(c):
		c.HeardLate, c.Observer = false, true
		line.Note = journal.AsObserver
		t.seat(c, line)
	default:
		c.HeardLate = false
		if c, undecided := t.judgeUser(c, line, by); undecided {
			t.judgeSeat(c, line, by)
		}
	}
}

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

// judgeSeat finds c a seat, or says why there is none.
func (t *turn) judgeSeat(c Conn, line journal.Line, by *evidence) {
	if p, ok := t.l.Promises[c.Promise]; ok && c.ByPromise && t.l.takesSeat(p) {
		c.Reserved = true
		t.seat(c, line)
		return
	}
	full, isFull := t.l.fullShare(c)
	switch {
	case !isFull:
		c.Confirmed = t.freedForIt(c) || c.Confirmed
		t.seat(c, line)
	case !by.beganAfterHearing(c):
		t.wait(c, line, by)
	default:
		t.judgeFull(full, c, line, by)
	}
}

// freedForIt reports whether c has a seat only because this reading proved that
// somebody left or a promise lapsed: no late webhook takes such a seat.
func (t *turn) freedForIt(c Conn) bool {
	for _, s := range t.l.shares(c.Role) {
		freed := 0
		for _, role := range t.freed {
			if s.of(role) {
				freed++
			}
		}
		if freed > 0 && t.l.unavailableIn(s, c)-t.l.ownSeatIn(s, c)+freed >= s.limit {
			at := slices.IndexFunc(t.freed, s.of)
			t.freed = slices.Delete(t.freed, at, at+1)
			return true
		}
	}
	return false
}

// judgeFull decides c, for whom there is no seat in the share, by the list: a later
// comer makes room, or c is refused when enough people are proven to have the better
// right.
func (t *turn) judgeFull(full share, c Conn, line journal.Line, by *evidence) {
	if t.displace(full, c, line, by) {
		return
	}
	for _, s := range t.l.shares(c.Role) {
		if with := t.l.betterRights(s, c, by, ""); with.count() >= s.limit && !t.l.mayBeAReload(c, by) {
			line.Because = with.because(by)
			t.refuse(c, journal.RoomFull, line)
			return
		}
	}
	if with, long := t.waitedTooLong(c, by); long {
		line.Because = with.because(by)
		t.refuse(c, journal.RoomFull, line)
		return
	}
	t.wait(c, line, by)
}

// displace gives c the seat of the latest comer after it, where that one is proven to
// have no right to it. It reports whether it did.
func (t *turn) displace(full share, c Conn, line journal.Line, by *evidence) bool {
	later, ok := t.l.latestDisplaceable(full, c)
	if !ok || !by.shown[c.ID] || !t.l.fitsIfDisplaceableLeave(full, c) || !t.l.wasInBefore(c, later) {
		return false
	}
	with := t.l.betterRights(full, later, by, c.ID)
	if with.count() < full.limit || t.l.mayBeAReload(later, by) {
		return false
	}
	t.evict(later, journal.RoomFull, journal.Line{Event: line.Event, Because: with.because(by)})
	t.seat(c, line)
	return true
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
// that all seats are taken by others, and by whom: whatever the order, it goes then, for
// a cap that is exceeded for longer is none.
func (t *turn) waitedTooLong(c Conn, by *evidence) (with holders, long bool) {
	if t.now < c.WaitsSince.Add(waitsAtMost) {
		return with, false
	}
	for _, s := range t.l.shares(c.Role) {
		if with = t.l.takenByOthers(s, c, by); with.count() >= s.limit {
			return with, true
		}
	}
	return with, false
}

// takenByOthers names the seats of the share that others are shown to have, and those
// that promises hold.
func (l *Lesson) takenByOthers(s share, c Conn, by *evidence) holders {
	with := holders{outside: by.outsideIn(s)}
	for _, o := range l.Conns {
		if o.ID != c.ID && o.holdsSeat() && s.of(o.Role) && by.shown[o.ID] {
			with.conns = append(with.conns, o.ID)
		}
	}
	for _, p := range l.Promises {
		if l.takesSeatIn(p, s) {
			with.promises = append(with.promises, journal.Promised(p.User))
		}
	}
	return with
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
	seated := false
	for _, r := range rivals {
		seated = seated || r.State == Seated
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
