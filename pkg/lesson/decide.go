package lesson

import (
	"errors"
	"maps"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Input is something that a lesson has to decide about: a webhook, a reading of
// Vonage's list, an alarm, a request of the API.
type Input interface{ decide(t *turn) error }

// Decide is the whole of the rules: what was known and what came in give what
// is known next, log lines included. It has no side effects, and decides the
// same whenever it is given the same. What has to be done out there follows
// from the result, see Duties.
//
// The error is a *Problem for whoever asked, or ErrLook; the lesson may have
// changed all the same, for refusals are logged too. An unchanged lesson is
// returned as it was given, see Changed.
func Decide(l Lesson, in Input, now epoch.Instant) (Lesson, error) {
	next := l
	next.Conns = maps.Clone(l.Conns)
	next.Promises = maps.Clone(l.Promises)
	next.Seen = maps.Clone(l.Seen)
	next.Tail = l.Tail[:len(l.Tail):len(l.Tail)]
	t := &turn{l: &next, now: now}
	err := in.decide(t)
	if !t.changed {
		return l, err
	}
	next.changed = true
	next.schedule(now)
	return next, err
}

// ErrReadFirst says that nothing may be decided before Vonage's list is read.
var ErrReadFirst = errors.New("the list of connections has to be read first")

// turn is one decision in the making.
type turn struct {
	l       *Lesson
	now     epoch.Instant
	changed bool
	stale   bool // the reading is older than one that was settled
}

// put stores the connection.
func (t *turn) put(c Conn) {
	t.l.Conns[c.ID] = c
	t.changed = true
}

// log appends a line, decided now.
func (t *turn) log(line journal.Line) {
	line.At = t.now
	t.l.Tail = append(t.l.Tail, line)
	t.changed = true
}

// logAbout logs what was decided about c as one line.
func (t *turn) logAbout(c Conn, line journal.Line) {
	line.Connection, line.User, line.Role = c.ID, c.User, c.Role
	t.log(line)
}

// logArrival writes the first line of somebody who is still waiting for a look at
// the list, before a line of another event tells what became of it.
func (t *turn) logArrival(c Conn) Conn {
	if c.Unlogged && c.Created {
		c.Unlogged = false
		t.put(c)
		t.logAbout(c, journal.Line{Event: journal.ConnectionCreated, EventAt: c.CreatedAt, Action: journal.DidWait})
	}
	return c
}

// refuse tells somebody who was never seated to go.
func (t *turn) refuse(c Conn, why journal.Reason, line journal.Line) {
	line.Action, line.Reason = journal.DidRefuse, why
	t.requestDisconnect(c, Refused, line)
}

// evict tells somebody who was in to go.
func (t *turn) evict(c Conn, why journal.Reason, line journal.Line) {
	line.Action, line.Reason = journal.DidDisconnect, why
	t.requestDisconnect(c, Evicted, line)
}

// confirmAfter is how long a request to disconnect that succeeded may take
// until connectionDestroyed has come; after it the list is asked.
const confirmAfter = 5 * time.Second

func (t *turn) requestDisconnect(c Conn, as State, line journal.Line) {
	if line.Event != journal.ConnectionCreated {
		c = t.logArrival(c)
	}
	c.State, c.Reason, c.Unlogged = as, line.Reason, false
	c.DisconnectRequestedAt, c.RetryAt, c.Tries = t.now, t.now.Add(confirmAfter), 0
	t.put(c)
	t.logAbout(c, line)
}

// seat gives c a seat.
func (t *turn) seat(c Conn, line journal.Line) {
	if line.Event != journal.ConnectionCreated {
		c = t.logArrival(c)
	}
	c.State, c.Unlogged = Seated, false
	line.Action = journal.DidSeat
	t.put(c)
	t.logAbout(c, line)
}
