package lesson

import (
	"cmp"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// In reports whether the connection is, for all Usher knows, in the session and
// not told to go.
func (c Conn) In() bool {
	return c.LeftAt == 0 && (c.State == Seated || c.State == Waiting || c.State == ListedOnly)
}

// seated reports whether the connection holds a seat now.
func (c Conn) seated() bool { return c.LeftAt == 0 && c.State == Seated }

// DisconnectRequested reports whether the connection has been told to go.
func (c Conn) DisconnectRequested() bool { return c.State == Refused || c.State == Evicted }

// place is the connection's place in the order of coming.
func (c Conn) place() (epoch.Instant, string) {
	if c.PlaceAt != 0 {
		return c.PlaceAt, c.PlaceID
	}
	return c.cameAt(), c.ID
}

// cameAt is when the connection came: one that was freed and is shown again is a
// newcomer.
func (c Conn) cameAt() epoch.Instant { return max(c.CreatedAt, c.BackAt) }

// byPlace orders connections by their places; of two at the same millisecond, the
// smaller id is first.
func byPlace(a, b Conn) int {
	at, aid := a.place()
	bt, bid := b.place()
	return cmp.Or(cmp.Compare(at, bt), cmp.Compare(aid, bid))
}

// byAge orders connections by their own coming, without the places that they took
// over.
func byAge(a, b Conn) int {
	return cmp.Or(cmp.Compare(a.cameAt(), b.cameAt()), cmp.Compare(a.ID, b.ID))
}

// came is how many connections came under the promise for which a token was
// answered.
func (p Promise) came() int {
	if p.Used == "" {
		return 0
	}
	return max(p.Came, 1)
}

// expected reports whether a connection is still to come: every token that was
// answered may bring one.
func (p Promise) expected() bool { return p.came() < max(p.Tokens, 1) }

// byCreation orders connections by when the platform made them: the last of one
// user's is the page that was opened last.
func byCreation(a, b Conn) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// open reports whether a connection is still to come and the seat was not given
// away.
func (p Promise) open() bool { return p.expected() && !p.Released }

// sharesSeat reports whether the promise takes no seat beside the one that its
// user has: it was given for that one, or its first connection has come.
func (p Promise) sharesSeat() bool { return p.ForExistingSeat || p.Used != "" }

// lapsesAt is when an open promise stops being one, once a reading that began
// later shows nobody unheard of.
func (p Promise) lapsesAt() epoch.Instant { return p.Expires.Add(lapseAfter) }

// lapseAfter is how long after its token expired a promise still holds its seat: a
// client may have connected in the token's last moment.
const lapseAfter = 15 * time.Second

// quorum is how many distinct users start the lesson now.
func (l *Lesson) quorum() int { return l.Policy.Quorum() }

// disputed reports whether somebody waits or has been shown and not heard of;
// then nobody can be seated without a look at the others.
func (l *Lesson) disputed() bool {
	for _, c := range l.Conns {
		if c.LeftAt == 0 && (c.State == Waiting || c.State == ListedOnly) {
			return true
		}
	}
	return false
}

// seatsTaken counts the seats in the item: of seated connections, and of promises
// that hold one.
func (l *Lesson) seatsTaken() int {
	n := 0
	for _, c := range l.Conns {
		if c.seated() {
			n++
		}
	}
	return n + l.SeatsPromised()
}

// SeatsPromised counts the seats that open promises hold. One given to a user for
// the seat it has holds none while the user has it.
func (l *Lesson) SeatsPromised() int {
	n := 0
	for _, p := range l.Promises {
		if l.takesSeat(p) {
			n++
		}
	}
	return n
}

// takesSeat reports whether the promise takes a seat by itself: until its
// connection is decided, and unless it is for the seat that its user has.
func (l *Lesson) takesSeat(p Promise) bool {
	switch {
	case p.Released:
		return false
	case l.waitsUnder(p, true):
		return !p.ForExistingSeat || !l.hasSeat(p.User)
	case l.waitsUnder(p, false):
		return !l.hasSeat(p.User)
	case !p.open():
		return false
	}
	return !p.sharesSeat() || !l.hasSeat(p.User)
}

// waitsUnder reports whether a connection that came by the promise is undecided:
// its first one, or another.
func (l *Lesson) waitsUnder(p Promise, first bool) bool {
	for _, c := range l.Conns {
		if c.ByPromise && c.Promise == p.ID && c.LeftAt == 0 && c.State == Waiting && (c.ID == p.Used) == first {
			return true
		}
	}
	return false
}

func (l *Lesson) hasSeat(user string) bool {
	for _, c := range l.Conns {
		if c.seated() && c.User == user {
			return true
		}
	}
	return false
}

// Pick gives the connections that which selects, in the order of their places.
func (l *Lesson) Pick(which func(Conn) bool) []Conn {
	var conns []Conn
	for _, c := range l.Conns {
		if which(c) {
			conns = append(conns, c)
		}
	}
	slices.SortFunc(conns, byPlace)
	return conns
}

// Waiting gives the waiting connections, the earliest first.
func (l *Lesson) Waiting() []Conn {
	return l.Pick(func(c Conn) bool { return c.LeftAt == 0 && c.State == Waiting })
}

// seatsUnavailableTo counts the seats that are not to be had for c: those taken and
// promised, those of people shown in the list before it and not heard of (as
// owners of open promises while there are some), and those of earlier waiters.
func (l *Lesson) seatsUnavailableTo(c Conn) int {
	unheard, waiting := 0, 0
	for _, o := range l.Conns {
		if o.ID == c.ID || o.LeftAt != 0 || byPlace(o, c) > 0 {
			continue
		}
		switch o.State {
		case ListedOnly:
			unheard++
		case Waiting:
			waiting++
		}
	}
	return l.seatsTaken() + max(0, unheard-l.expectedOwners()) + waiting
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

// hasFreeSeat reports whether there is a seat for c.
func (l *Lesson) hasFreeSeat(c Conn) bool {
	limit := l.Policy.MaxSeats()
	return limit == 0 || l.seatsUnavailableTo(c)-l.ownPromise(c) < limit
}

// ownPromise is 1 where a promise holds a seat for c's user: a connection by an
// older token than that needs no other seat. Where a user may be in several times, each
// promise is for a seat of its own.
func (l *Lesson) ownPromise(c Conn) int {
	if c.Promise == "" || l.Policy.Duplicates() == policy.Allow {
		return 0
	}
	for _, p := range l.Promises {
		if p.User == c.User && p.ID != c.Promise && l.takesSeat(p) {
			return 1
		}
	}
	return 0
}

// seatsWithBetterRight counts the seats that justify to refuse target for a full
// room: those of people who came earlier and are shown by the list, and of promises,
// open or used, given before its webhook was handled. With newcomer that one
// counts too.
func (l *Lesson) seatsWithBetterRight(target Conn, shown map[string]bool, newcomer string) int {
	n := 0
	for _, c := range l.Conns {
		if c.ID == target.ID {
			continue
		}
		if c.ID == newcomer || c.seated() && l.hasBetterRight(c, target, shown) {
			n++
		}
	}
	for _, p := range l.Promises {
		if p.GivenAt <= target.HeardAt && l.takesSeat(p) {
			n++
		}
	}
	return n
}

// hasBetterRight reports whether c's seat is one that target has to respect.
func (l *Lesson) hasBetterRight(c, target Conn, shown map[string]bool) bool {
	if p, ok := l.Promises[c.Promise]; ok && c.Reserved && p.GivenAt <= target.HeardAt {
		return true
	}
	if p, ok := l.promiseForSeatOf(c); ok && p.GivenAt <= target.HeardAt {
		return true
	}
	return shown[c.ID] && l.wasInBefore(c, target)
}

// wasInBefore reports whether c, which is in now, came before target and was in when
// target came: by c itself, or by an older connection of its user whose seat c
// took over and which is proven to have been in at that moment.
func (l *Lesson) wasInBefore(c, target Conn) bool {
	if byAge(c, target) < 0 {
		return true
	}
	for _, o := range l.Conns {
		heir := o.ID != c.ID && c.User != "" && o.User == c.User && byPlace(c, target) < 0
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

// latestDisplaceable gives the latest comer after c whose seat neither a promise nor
// the list's evidence protects.
func (l *Lesson) latestDisplaceable(c Conn) (Conn, bool) {
	later := l.Pick(func(o Conn) bool {
		return l.canBeDisplaced(o, c)
	})
	if len(later) == 0 {
		return Conn{}, false
	}
	return later[len(later)-1], true
}

// canBeDisplaced reports whether o came after c and sits without protection.
func (l *Lesson) canBeDisplaced(o, c Conn) bool {
	_, ridden := l.promiseForSeatOf(o)
	return o.seated() && !o.Reserved && !o.Confirmed && !ridden && byPlace(o, c) > 0
}

// promiseForSeatOf gives the open promise that was given for the seat that c has. A
// promise is for one seat: where a connection that came by it has one, for that.
func (l *Lesson) promiseForSeatOf(c Conn) (Promise, bool) {
	for _, p := range l.sortedPromises() {
		if p.open() && p.sharesSeat() && p.User == c.User && !l.takesSeat(p) && (c.Promise == p.ID || !l.isSeatedBy(p)) {
			return p, true
		}
	}
	return Promise{}, false
}

// isSeatedBy reports whether a connection that came by the promise has a seat.
func (l *Lesson) isSeatedBy(p Promise) bool {
	for _, c := range l.Conns {
		if c.seated() && c.ByPromise && c.Promise == p.ID {
			return true
		}
	}
	return false
}

// fitsIfDisplaceableLeave reports whether fewer than the cap's seats are beyond
// c's reach: the rest belongs to displaceable later comers.
func (l *Lesson) fitsIfDisplaceableLeave(c Conn) bool {
	later := 0
	for _, o := range l.Conns {
		if l.canBeDisplaced(o, c) {
			later++
		}
	}
	return l.seatsUnavailableTo(c)-later < l.Policy.MaxSeats()
}

// Seats counts the seats that are taken.
func (l *Lesson) Seats() int { return l.seatsTaken() - l.SeatsPromised() + int(l.PresentOutside) }

// Promised counts the seats that are kept for people who may still come.
func (l *Lesson) Promised() int { return l.SeatsPromised() }

// ByID orders connections by their ids.
func ByID(a, b Conn) int { return cmp.Compare(a.ID, b.ID) }

// InUse reports whether somebody is in or has been promised a seat.
func (l *Lesson) InUse() bool {
	return l.PresentOutside > 0 || l.seatsTaken() > 0 || len(l.Pick(Conn.In)) > 0
}
