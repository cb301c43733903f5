package lesson

import (
	"cmp"
	"slices"
	"time"

	"usher/pkg/epoch"
)

// In reports whether the connection is, for all Usher knows, in the session and
// not told to go.
func (c Conn) In() bool {
	return c.LeftAt == 0 && (c.State == Seated || c.State == Waiting || c.State == ListedOnly)
}

// seated reports whether the connection is in by a decision, as an observer too.
func (c Conn) seated() bool { return c.LeftAt == 0 && c.State == Seated }

// waiting reports whether the connection is in and undecided.
func (c Conn) waiting() bool { return c.LeftAt == 0 && c.State == Waiting }

// holdsSeat reports whether the connection takes a seat now.
func (c Conn) holdsSeat() bool { return c.seated() && !c.Observer }

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
func (l *Lesson) seatsTaken() int { return l.takenInItem(allSeats) }

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
func (l *Lesson) Waiting() []Conn { return l.Pick(Conn.waiting) }

// Seats counts the seats that are taken.
func (l *Lesson) Seats() int { return l.seatsTaken() - l.SeatsPromised() + l.seatsOutside() }

// Promised counts the seats that are kept for people who may still come.
func (l *Lesson) Promised() int { return l.SeatsPromised() }

// seatsOutside counts the seats of people who stand only in records.
func (l *Lesson) seatsOutside() int { return int(l.PresentOutside - l.ObserversOutside) }

// ByID orders connections by their ids.
func ByID(a, b Conn) int { return cmp.Compare(a.ID, b.ID) }

// InUse reports whether somebody is in or may come by a promise, an observer too.
func (l *Lesson) InUse() bool {
	return l.PresentOutside > 0 || l.seatsTaken() > 0 || l.expectedOwners() > 0 || len(l.Pick(Conn.In)) > 0
}
