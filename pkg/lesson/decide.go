package lesson

import (
	"errors"
	"maps"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// Input is something that a lesson has to decide about: a webhook, a reading of
// Vonage's list, a wake, a request of the API.
type Input interface{ decide(t *turn) error }

// What keeps an input from being decided now.
var (
	// ErrReadFirst says that nothing may be decided before Vonage's list is read.
	ErrReadFirst = errors.New("the list of connections has to be read first")
	// ErrCrowded says that the item can take in no more: entries that are over have
	// to leave it first, or waiting connections have to be decided.
	ErrCrowded = errors.New("too much stands in the lesson that is not over")
)

// Decision is everything that is to be said about one input. It is carried out
// in this order: the deadline's wake is placed, the write is committed, then the
// effects follow, and the caller gets the verdict. A write that loses its
// race takes the whole decision with it: it is decided again.
type Decision struct {
	Lesson Lesson // as it is once the write is committed
	Write  Write
	Add    Arrival   // the connection to add, where that is the write
	Leave  Departure // the connection that has left, where that is the write
	Lines  int       // log lines that the write appends
	// WakeAt is the deadline that the write sets: a wake is asked for before the
	// write, because a stray one is harmless and a missing one is not. 0 is none.
	WakeAt  epoch.Instant
	Effects Effects
	// NextWas is the next moment at which there was something to do before the
	// write: a wake has been asked for then. 0 where nothing is written, for
	// the process that wrote the state may have died before asking.
	NextWas epoch.Instant
	// Verdict is nil, a *problem.Details for the person who asked, ErrReadFirst or
	// ErrCrowded. With a refusal there may be something to write all the same, for
	// it is logged too.
	Verdict error
}

// Write says how a decision is stored.
type Write int

// The writes.
const (
	Nothing Write = iota // the lesson is as it was
	Add                  // one more connection, which needs no look at the others
	Leave                // one connection that has left, by which nothing else changes
	Swap                 // in place of the lesson that was loaded
)

// Decide is the whole of the rules: the lesson as it was known and the input give
// the next lesson and the effects. It has no side effects, and decides the same
// whenever it is given the same.
func Decide(l Lesson, in Input, now epoch.Instant) Decision {
	next := l
	next.Conns = maps.Clone(l.Conns)
	next.Promises = maps.Clone(l.Promises)
	next.Seen = maps.Clone(l.Seen)
	next.Tail = l.Tail[:len(l.Tail):len(l.Tail)]
	t := &turn{l: &next, now: now, put: map[string]bool{}}
	verdict := in.decide(t)
	if !t.changed() {
		return Decision{Lesson: l, Verdict: verdict}
	}
	if end := next.endsBy(); end != l.endsBy() {
		next.WarnedThrough = now // what has passed is not warned of, the rest anew
	}
	t.schedule()
	if t.crowds(&l) {
		return Decision{Lesson: l, Verdict: ErrCrowded}
	}
	d := Decision{
		Lesson: next, Write: Swap, Lines: t.lines, WakeAt: newDeadline(l, next),
		Effects: t.effects, NextWas: l.nextAt(), Verdict: verdict,
	}
	if a, ok := t.arrival(l); ok {
		d.Write, d.Add = Add, a
	} else if left, ok := t.departure(&l); ok {
		d.Write, d.Leave = Leave, left
		d.Lesson.Due = l.Due
	}
	return d
}

// newDeadline is the end that next has and l had not; 0 for none.
func newDeadline(l, next Lesson) epoch.Instant {
	if end := next.endsBy(); end != l.endsBy() {
		return end
	}
	return 0
}

// turn is one decision in the making. It notes all that it changes: the write
// follows from that.
type turn struct {
	l        *Lesson
	now      epoch.Instant
	put      map[string]bool // connections that were written
	lines    int             // log lines that were written
	rest     bool            // anything else was written
	recalled bool            // something came back from the records, which changes nothing yet
	// outside are the connections that came back, as they stood in their records.
	outside  map[string]Conn
	newcomer bool // a connection came that is in now
	size     int  // of the lesson as it is decided, see Lesson.Size
	place    int  // bytes left below FullSize, once they were counted
	counted  bool
	effects  Effects
	// freed are the roles of the seats that this reading's evidence has freed.
	freed []string
	// reading is when the reading began by which this is decided; 0: there is none.
	reading epoch.Instant
	stale   bool // the reading is older than one by which the lesson was reconciled
	// banned are the users that the room's list keeps out, of those that were looked up.
	banned map[string]Ban
	ending bool // everybody goes, and was told why
}

func (t *turn) changed() bool { return len(t.put) > 0 || t.lines > 0 || t.rest }

// in reports whether the connection is in the session as far as anybody knows,
// and not told to go.
func (t *turn) in(id string) bool {
	c, known := t.l.Conns[id]
	return known && c.In()
}

// crowds reports whether the decision makes the lesson larger than it may be. An
// end never does: its place is counted before it comes.
func (t *turn) crowds(before *Lesson) bool {
	most := MaxSize
	if t.newcomer {
		most = FullSize
	}
	return t.size > most && t.size > before.Size()
}

// arrival gives the decision as one more connection that needs no look at the
// others, when that is all it is.
func (t *turn) arrival(before Lesson) (Arrival, bool) {
	if t.rest || t.recalled || len(t.put) != 1 {
		return Arrival{}, false
	}
	var c Conn
	for id := range t.put {
		c = t.l.Conns[id]
	}
	a := Arrival{
		Session: t.l.Session, PolicyVersion: t.l.PolicyVersion, Bans: t.l.Bans, Conn: c,
		RoleCapped: t.l.Policy.SeatsOf(c.Role) > 0,
	}
	switch {
	case c.State == Waiting && t.lines == 0:
		a.Due = t.l.Due
	case c.State == Seated && t.lines == 1 && c.Promise == "" && t.l.Due == before.Due:
		a.Line = t.l.Tail[len(t.l.Tail)-1]
		a.Alone = c.User != "" && (!c.Foreign || t.l.Policy.JudgesForeignDuplicates())
		a.Pinned = a.Alone && before.PresentOutside > 0
	default:
		return Arrival{}, false
	}
	if a.Pinned {
		a.Shed = before.Shed
	}
	return a, t.size <= FullSize && a.fits(&before)
}

// write stores the connection.
func (t *turn) write(c Conn) {
	t.l.Conns[c.ID] = c
	t.put[c.ID] = true
}

// keep stores the promise.
func (t *turn) keep(p Promise) {
	t.l.Promises[p.ID] = p
	t.rest = true
}

// log appends a line, decided now. What a reading decides leaves its time; the end, for
// whose lines there is place kept, does not rest on one.
func (t *turn) log(line journal.Line) {
	line.At = t.now
	if line.Because == "" && t.reading != 0 && !t.ending && line.Action != journal.DidEnd {
		line.Because = journal.Proof{ReadAt: t.reading}.Said()
	}
	t.l.Tail = append(t.l.Tail, line)
	t.lines++
}

// logAbout logs a decision about c as one line.
func (t *turn) logAbout(c Conn, line journal.Line) {
	line.Connection, line.User, line.Role = c.ID, c.User, c.Role
	t.log(line)
}

// logArrival writes the first line of a connection that still waits for a reading
// of the list, before a line of another event says what became of it.
func (t *turn) logArrival(c Conn) Conn {
	if c.Unlogged && c.Created {
		c.Unlogged = false
		t.write(c)
		t.logAbout(c, journal.Line{Event: journal.ConnectionCreated, EventAt: c.CreatedAt, Action: journal.DidWait})
	}
	return c
}

// refuse sends away a connection that was never seated.
func (t *turn) refuse(c Conn, why journal.Reason, line journal.Line) {
	line.Action, line.Reason = journal.DidRefuse, why
	t.sendAway(c, Refused, line)
}

// evict sends away a connection that was in.
func (t *turn) evict(c Conn, why journal.Reason, line journal.Line) {
	line.Action, line.Reason = journal.DidDisconnect, why
	t.sendAway(c, Evicted, line)
}

// confirmAfter is how long a request to disconnect that succeeded may take
// until connectionDestroyed has come; after it the list is asked.
const confirmAfter = 5 * time.Second

func (t *turn) sendAway(c Conn, as State, line journal.Line) {
	if line.Event != journal.ConnectionCreated {
		c = t.logArrival(c)
	}
	c.State, c.Reason, c.Unlogged = as, line.Reason, false
	c.DisconnectRequestedAt, c.RetryAt, c.Tries = t.now, t.now.Add(confirmAfter), 0
	t.write(c)
	t.logAbout(c, line)
	t.effects.Disconnect = append(t.effects.Disconnect, c.ID)
	t.sayRefused(c)
}

// seat gives c a seat.
func (t *turn) seat(c Conn, line journal.Line) {
	if line.Event != journal.ConnectionCreated {
		c = t.logArrival(c)
	}
	c.State, c.Unlogged = Seated, false
	if !c.Observer {
		t.shareSeat(c)
	}
	line.Action = journal.DidSeat
	t.write(c)
	t.logAbout(c, line)
	if !c.Observer && t.l.Policy.Duplicates() == policy.ReplaceOlder {
		for _, r := range t.rivals(c) {
			t.replace(r, journal.Line{Event: line.Event}, c)
		}
	}
}

// shareSeat lets the promises of c's user be for the seat that it now has: it came by
// another token than theirs.
func (t *turn) shareSeat(c Conn) {
	if c.Promise == "" || t.l.Policy.Duplicates() == policy.Allow {
		return
	}
	for _, p := range t.l.Promises {
		if p.User == c.User && p.ID != c.Promise && p.open() && !p.sharesSeat() && !p.Observer {
			p.ForExistingSeat = true
			t.keep(p)
		}
	}
}
