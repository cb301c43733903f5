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

// judgeSeat finds c a seat, or says why there is none.
func (t *turn) judgeSeat(c Conn, line journal.Line, by *evidence) {
	if p, ok := t.l.Promises[c.Promise]; ok && c.ByPromise && t.l.takesSeat(p) && (c.ID == p.Used || !t.l.waitsUnder(p, true)) {
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
	if !ok || !by.shown[c.ID] || !t.l.fitsIfDisplaceableLeave(full, c) || !t.l.wasInBefore(full, c, later) {
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
	with := holders{promises: l.promisedIn(s, evermore), outside: by.outsideIn(s)}
	for _, o := range l.Conns {
		if o.ID != c.ID && o.holdsSeat() && s.of(o.Role) && by.shown[o.ID] {
			with.conns = append(with.conns, o.ID)
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
