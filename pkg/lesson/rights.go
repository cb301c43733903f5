package lesson

import (
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// betterRights names the seats of the share that justify to refuse target for lack of
// room: those of people who came earlier and are shown by the list, and of promises,
// open or used, given before its webhook was handled. With newcomer that one counts
// too.
func (l *Lesson) betterRights(s share, target Conn, by *evidence, newcomer string) holders {
	var with holders
	for _, c := range l.Conns {
		if c.ID == target.ID {
			continue
		}
		if c.ID == newcomer || c.holdsSeat() && s.of(c.Role) && l.hasBetterRight(s, c, target, by.shown) {
			with.conns = append(with.conns, c.ID)
		}
	}
	with.promises = l.promisedIn(s, target.HeardAt)
	if target.CreatedAt > l.ShedThrough { // so all outside came earlier
		with.outside = min(by.outsideIn(s), l.seatsOutside())
	}
	return with
}

// promisedIn names the promises given up to that moment that hold a seat of the share.
func (l *Lesson) promisedIn(s share, given epoch.Instant) (names []string) {
	for _, p := range l.Promises {
		if p.GivenAt <= given && l.takesSeatIn(p, s) {
			names = append(names, journal.Promised(p.User))
		}
	}
	return names
}

// holders are those who have seats: connections, promises, and people who stand only
// in records.
type holders struct {
	conns, promises []string
	outside         int
}

func (h holders) count() int { return len(h.conns) + len(h.promises) + h.outside }

// because says for the log that they have the better right, by the reading.
func (h holders) because(by *evidence) journal.Because {
	slices.Sort(h.conns)
	slices.Sort(h.promises)
	p := journal.Proof{Holders: append(h.conns, h.promises...)}
	if by != nil {
		p.ReadAt = by.began
	}
	return p.Said()
}

// hasBetterRight reports whether c's seat of the share is one that target has to respect.
func (l *Lesson) hasBetterRight(s share, c, target Conn, shown map[string]bool) bool {
	if p, ok := l.Promises[c.Promise]; ok && c.Reserved && p.GivenAt <= target.HeardAt {
		return true
	}
	if p, ok := l.promiseForSeatOf(c); ok && p.GivenAt <= target.HeardAt {
		return true
	}
	return shown[c.ID] && l.wasInBefore(s, c, target)
}

// wasInBefore reports whether c, which is in now, came before target and was in when
// target came: by c itself, or by an older connection of its user whose seat of the share
// c took over and which is proven to have been in at that moment.
func (l *Lesson) wasInBefore(s share, c, target Conn) bool {
	if byAge(c, target) < 0 {
		return true
	}
	for _, o := range l.Conns {
		heir := o.ID != c.ID && c.User != "" && o.User == c.User && s.of(o.Role) && byPlace(c, target) < 0
		if heir && byAge(o, target) < 0 && o.provenInAt(target.cameAt()) {
			return true
		}
	}
	return false
}

// provenInAt reports whether the connection is proven to have been in at a moment
// after it came.
func (c Conn) provenInAt(at epoch.Instant) bool {
	return c.ShownAt >= at || c.LeftAt > at && !c.LeftLowerBound
}

// latestDisplaceable gives the latest comer after c in the share whose seat neither a
// promise nor the list's evidence protects.
func (l *Lesson) latestDisplaceable(s share, c Conn) (Conn, bool) {
	later := l.Pick(func(o Conn) bool { return l.canBeDisplaced(o, c) && s.of(o.Role) })
	if len(later) == 0 {
		return Conn{}, false
	}
	return later[len(later)-1], true
}

// canBeDisplaced reports whether o came after c and sits without protection.
func (l *Lesson) canBeDisplaced(o, c Conn) bool {
	_, ridden := l.promiseForSeatOf(o)
	return o.holdsSeat() && !o.Reserved && !o.Confirmed && !ridden && byPlace(o, c) > 0
}

// promiseForSeatOf gives the open promise that was given for the seat that c has. A
// promise is for one seat: where a connection that came by it has one, for that.
func (l *Lesson) promiseForSeatOf(c Conn) (Promise, bool) {
	for _, p := range l.sortedPromises() {
		if p.open() && !p.Observer && p.sharesSeat() && p.User == c.User && !l.takesSeat(p) && (c.Promise == p.ID || !l.isSeatedBy(p)) {
			return p, true
		}
	}
	return Promise{}, false
}

// isSeatedBy reports whether a connection that came by the promise has a seat.
func (l *Lesson) isSeatedBy(p Promise) bool {
	for _, c := range l.Conns {
		if c.holdsSeat() && c.ByPromise && c.Promise == p.ID {
			return true
		}
	}
	return false
}

// fitsIfDisplaceableLeave reports whether, in each of c's shares, fewer than the cap's
// seats are beyond its reach: the rest belongs to displaceable later comers of the
// full one.
func (l *Lesson) fitsIfDisplaceableLeave(full share, c Conn) bool {
	for _, s := range l.shares(c.Role) {
		later := 0
		for _, o := range l.Conns {
			if l.canBeDisplaced(o, c) && full.of(o.Role) && s.of(o.Role) {
				later++
			}
		}
		if l.unavailableIn(s, c)-l.ownSeatIn(s, c)-later >= s.limit {
			return false
		}
	}
	return true
}
