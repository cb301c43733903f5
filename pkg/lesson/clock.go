package lesson

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// countsForQuorum reports whether the connection's time in the session counts for the
// quorum: in or once in, not refused, and not heard of too late. A waiting
// connection counts once somebody has looked. One that was displaced for lack of
// room never had the right.
func (c Conn) countsForQuorum() bool {
	if c.Observer {
		return false
	}
	switch c.State {
	case Seated:
		return true
	case Waiting:
		return !c.Unlogged && !c.HeardLate
	case Evicted:
		return c.Reason != journal.RoomFull
	case HeardAfterLeaving:
		return c.Created && !c.HeardLate && c.Reason == ""
	}
	return false
}

// wasInAt reports whether the connection was in at that moment. One whose
// departure is known only from the list was in when it was last proven to be;
// one whose departure bore an impossible time, until that was heard.
func (c Conn) wasInAt(at epoch.Instant) bool {
	switch {
	case at < c.CreatedAt:
		return false
	case c.LeftAt == 0 || at < c.LeftAt:
		return true
	case c.LeftLowerBound && c.Destroyed:
		return at <= c.DepartureHeardAt
	}
	return c.LeftLowerBound && at == c.LeftAt
}

// countsAt reports whether the connection counts for a quorum at that moment: as
// what it is now, or by the time before it was taken for gone.
func (c Conn) countsAt(at epoch.Instant) bool {
	return c.countsForQuorum() && c.wasInAt(at) || c.CreatedAt <= at && at < c.CountedUntil
}

// person is the key under which the connection counts: its user, or itself when
// that is unknown.
func (c Conn) person() string {
	if c.User != "" {
		return "u" + c.User
	}
	return "c" + c.ID
}

// quorumAt is the first moment, by everything known, at which enough distinct
// users were in at once; 0 if there was none.
func (l *Lesson) quorumAt() epoch.Instant {
	counted := slices.DeleteFunc(slices.Collect(maps.Values(l.Conns)), func(c Conn) bool { return !c.countsForQuorum() && c.CountedUntil == 0 })
	from := l.startsFrom(counted)
	moments := append(make([]epoch.Instant, 0, len(counted)+len(l.Rules)+1), from)
	for _, c := range counted {
		moments = append(moments, c.CreatedAt)
	}
	for _, r := range l.Rules[1:] {
		moments = append(moments, r.Since)
	}
	slices.Sort(moments)
	for _, at := range slices.Compact(moments) {
		if at >= from && together(counted, at) >= l.Rules.At(at).Quorum {
			return at
		}
	}
	return 0
}

// adoptionReach is how far before its PUT the first policy of an adopted session
// permits a start: webhooks of the first minute come in any order.
const adoptionReach = time.Minute

// startsFrom is the first moment at which the lesson may start. Where the quorum
// was complete in an adopted session even before its policy reaches, the lesson
// starts with the policy.
func (l *Lesson) startsFrom(counted []Conn) epoch.Instant {
	if l.Own {
		return 0
	}
	reach := l.Created.Add(-adoptionReach)
	if together(counted, reach-1) >= l.Rules[0].Quorum {
		return l.Created
	}
	return reach
}

// together counts the distinct people who were in at that moment.
func together(conns []Conn, at epoch.Instant) int {
	people := map[string]bool{}
	for _, c := range conns {
		if c.countsAt(at) {
			people[c.person()] = true
		}
	}
	return len(people)
}

// confirmAt is when the list has to be read to confirm the start: as soon as
// absence proves something about each witness. Once enough of them are proven to
// have been in, nothing but Vonage's own times moves the start, for a departure
// known from the list is no earlier than the last proof. 0: it is confirmed.
func (l *Lesson) confirmAt() epoch.Instant {
	if l.Status != journal.Running {
		return 0
	}
	var heard epoch.Instant
	var proven []Conn
	for _, c := range l.Conns {
		if !l.isWitness(c) {
			continue
		}
		heard = max(heard, c.HeardAt)
		if c.ShownAt >= l.StartedAt || c.CountedUntil > l.StartedAt || c.LeftAt > l.StartedAt && !c.LeftLowerBound {
			proven = append(proven, c)
		}
	}
	if heard == 0 || together(proven, l.StartedAt) >= l.Rules.At(l.StartedAt).Quorum {
		return 0
	}
	at := heard.Add(absenceProvesAfter)
	if l.ReadAt < at {
		return at
	}
	if l.ReadAt > at.Add(fastReadingFor) {
		return l.ReadAt.Add(time.Minute)
	}
	return l.ReadAt.Add(slowReadingGap)
}

// Deadline is when the running lesson ends; 0 when it has no end of its own.
func (l *Lesson) Deadline() epoch.Instant {
	if l.Status == journal.Open || l.StartedAt == 0 {
		return 0
	}
	return l.Rules.Deadline(l.StartedAt, time.Duration(l.ExtendedMillis)*time.Millisecond, l.FixedEnd)
}

// updateClock brings the clock in line with everything known. A deadline that
// this puts in the past ends the lesson at once.
func (t *turn) updateClock(event string) {
	l := t.l
	if l.Status == journal.Ended {
		return
	}
	switch at := l.quorumAt(); {
	case at == l.StartedAt:
	case at == 0:
		t.log(journal.Line{Event: event, EventAt: l.StartedAt, Action: journal.DidReset})
		l.StartedAt, l.Status = 0, journal.Open
	default:
		l.StartedAt, l.Status = at, journal.Running
		t.log(journal.Line{Event: event, EventAt: at, Action: journal.DidStart})
	}
	t.endIfDue()
}

// endIfDue ends the lesson when its deadline has come.
func (t *turn) endIfDue() {
	if d := t.l.Deadline(); t.l.Status == journal.Running && d != 0 && d <= t.now {
		t.end(journal.FromDeadline, journal.Completed, journal.LessonOver, "")
	}
}

// lookSoon has the list read a second later, for connections still in: nobody
// stays for long because a process died between the end and its requests.
func (t *turn) lookSoon(id string) {
	c := t.l.Conns[id]
	c.RetryAt = t.now.Add(time.Second)
	t.write(c)
}

// end closes the lesson and tells everyone to go: one line for the end, then
// one for each connection, the earliest first.
func (t *turn) end(event string, outcome journal.Outcome, why journal.Reason, actor string) {
	l := t.l
	l.Status, l.Outcome, l.EndedAt = journal.Ended, outcome, t.now
	l.EmptyReadings, l.WatchAt, l.OutsideRetryAt = 0, t.now.Add(time.Second), t.now.Add(outsideRetryAfter)
	line := journal.Line{Event: event, Action: journal.DidEnd, Reason: why, Actor: actor}
	if event == journal.FromDeadline {
		line.EventAt = l.Deadline()
	}
	t.log(line)
	t.ending = true
	for _, c := range l.Pick(Conn.In) {
		t.evict(c, why, journal.Line{Event: event})
		t.lookSoon(c.ID)
	}
	for _, p := range l.Promises {
		p.Released = true
		t.keep(p)
	}
	t.effects.DismissOutside = t.l.leftOutside()
	t.sayEnded(why)
}

// earlier is the earlier of two moments, where 0 is none.
func earlier(a, b epoch.Instant) epoch.Instant {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// SecondsLeft is the time until the deadline in whole seconds, rounded up.
func SecondsLeft(deadline, now epoch.Instant) int64 {
	return int64(max(0, deadline.Sub(now))+time.Second-1) / int64(time.Second)
}
