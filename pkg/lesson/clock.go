package lesson

import (
	"cmp"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
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

// countsAt reports whether the connection counts for a quorum at that moment.
func (c Conn) countsAt(at epoch.Instant) bool {
	return slices.ContainsFunc(c.stays(), func(s Stay) bool { return s.covers(at) })
}

// person is the key under which the connection counts: its user, or itself when
// that is unknown.
func (c Conn) person() string {
	if c.User != "" {
		return "u" + c.User
	}
	return "c" + c.ID
}

// quorumAt is the first moment, by everything known, at which the quorum of the rule in
// force was complete; 0 if there was none.
func (l *Lesson) quorumAt() (first epoch.Instant) {
	stays := l.allStays()
	from := l.startsFrom(stays)
	marks := []epoch.Instant{from}
	for _, r := range l.Rules {
		marks = append(marks, r.Since, r.Opens)
	}
	sweep(stays, marks, func(at epoch.Instant, in *attendance) bool {
		if rule := l.Rules.At(at); at >= from && at >= rule.Opens && in.meets(rule, 0, nil) {
			first = at
		}
		return first == 0
	})
	return first
}

// opensWithQuorum is when the lesson starts though nobody comes any more: the quorum was
// in when the time from which it may start was moved. 0 for never.
func (l *Lesson) opensWithQuorum() epoch.Instant {
	opens := l.Policy.OpensAt()
	if l.Status != journal.Open || opens == 0 || l.quorumAt() != opens {
		return 0
	}
	return opens
}

// adoptionReach is how far before its PUT the first policy of an adopted session
// permits a start: webhooks of the first minute come in any order.
const adoptionReach = time.Minute

// startsFrom is the first moment at which the lesson may start. Where the quorum
// was complete in an adopted session even before its policy reaches, the lesson
// starts with the policy.
func (l *Lesson) startsFrom(stays []Stay) epoch.Instant {
	if l.Own {
		return 0
	}
	reach := l.Created.Add(-adoptionReach)
	if metAt(stays, l.Rules[0], reach-1) {
		return l.Created
	}
	return reach
}

// confirmAt is when the list has to be read to confirm the start: as soon as
// absence proves something about each witness. Once enough of them are proven to
// have been in, nothing but Vonage's own times moves the start, for a departure
// known from the list is no earlier than the last proof. 0: it is confirmed.
func (l *Lesson) confirmAt() epoch.Instant {
	if !l.hasStarted() {
		return 0
	}
	var heard epoch.Instant
	var proven []Stay
	for _, c := range l.Conns {
		if !l.isWitness(c) {
			continue
		}
		heard = max(heard, c.HeardAt)
		if c.ShownAt >= l.StartedAt || c.CountedUntil > l.StartedAt || c.LeftAt > l.StartedAt && !c.LeftLowerBound {
			proven = append(proven, c.stays()...)
		}
	}
	if heard == 0 || metAt(proven, l.Rules.At(l.StartedAt), l.StartedAt) {
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

// confirmsEnd is how long before its deadline a lesson whose clock pauses is looked at: a
// departure that no webhook told would end it too early.
const confirmsEnd = 10 * time.Second

// confirmEndAt is when the list has to be read for that; 0 for never.
func (l *Lesson) confirmEndAt() epoch.Instant {
	if at := l.Deadline().Add(-confirmsEnd); l.Status == journal.Running && l.pausesNow() && l.ReadAt < at {
		return at
	}
	return 0
}

// hasStarted reports whether the lesson goes on and its clock was started, though it may
// stand still.
func (l *Lesson) hasStarted() bool {
	return l.Status == journal.Running || l.Status == journal.Paused
}

// run is the lesson's clock as it runs.
func (l *Lesson) run() policy.Run {
	return policy.Run{
		StartedAt: l.StartedAt, Paused: millis(l.PausedMillis), PausedAt: l.PausedAt,
		Extended: millis(l.ExtendedMillis), Fixed: l.FixedEnd,
	}
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// Deadline is when the clock ends the lesson; 0 where it does not, and while it stands
// still.
func (l *Lesson) Deadline() epoch.Instant {
	if l.StartedAt == 0 {
		return 0
	}
	return l.Rules.Deadline(l.run())
}

// EndsAt is when the lesson ends by itself, as far as that is known: at its deadline or
// when the room closes; 0 for never.
func (l *Lesson) EndsAt() epoch.Instant { return earlier(l.Deadline(), l.Policy.ClosesAt()) }

// ShownEnd is EndsAt as people are shown it: 0 while the clock stands still.
func (l *Lesson) ShownEnd() epoch.Instant {
	if l.Status == journal.Paused {
		return 0
	}
	return l.EndsAt()
}

// endsBy is when the lesson has to end, unless it has.
func (l *Lesson) endsBy() epoch.Instant {
	if l.Status == journal.Ended {
		return 0
	}
	return l.EndsAt()
}

// Left is how much of the lesson is left at that moment; false where it has no end, or
// has ended.
func (l *Lesson) Left(now epoch.Instant) (time.Duration, bool) {
	end := l.endsBy()
	if l.Status == journal.Paused && l.FixedEnd == 0 {
		left := l.Rules.Left(l.run())
		if end != 0 {
			left = min(left, end.Sub(now))
		}
		return max(0, left), true
	}
	return max(0, end.Sub(now)), end != 0
}

// updateClock brings the clock in line with everything known. A deadline that
// this puts in the past ends the lesson at once.
func (t *turn) updateClock(event string) {
	l := t.l
	if l.Status == journal.Ended {
		return
	}
	at := l.quorumAt()
	if at > t.now {
		at = 0 // see opensWithQuorum
	}
	switch {
	case at == l.StartedAt:
	case at == 0:
		t.log(journal.Line{Event: event, EventAt: l.StartedAt, Action: journal.DidReset})
		l.StartedAt, l.Status = 0, journal.Open
		t.clearPauses()
	default:
		l.StartedAt, l.Status = at, journal.Running
		t.clearPauses()
		t.log(journal.Line{Event: event, EventAt: at, Action: journal.DidStart})
		t.pauseOrResume(event)
		t.sayStarted()
		t.endIfDue()
		return
	}
	if t.pauseOrResume(event) {
		t.sayPauses()
	}
	t.endIfDue()
}

func (t *turn) clearPauses() {
	t.l.PausedMillis, t.l.PausedAt, t.l.ResumedAt = 0, 0, 0
}

// pauseOrResume brings the pauses in line with everything known, and logs what that
// changes. It reports whether it did.
func (t *turn) pauseOrResume(event string) bool {
	l := t.l
	if !l.pausesNow() {
		return false
	}
	p := l.pausesUntil(evermore)
	t.rest = t.rest || l.ResumedAt != p.runsFrom
	l.ResumedAt = p.runsFrom
	if p.millis == l.PausedMillis && p.since == l.PausedAt {
		return false
	}
	l.PausedMillis, l.PausedAt = p.millis, p.since
	if p.since != 0 && l.WatchAt != 0 {
		l.WatchAt = min(l.WatchAt, t.now.Add(watchPaused))
	}
	line := journal.Line{Event: event, EventAt: p.since, Action: journal.DidPause, Note: journal.PausedFor(millis(p.millis))}
	if l.Status = journal.Paused; p.since == 0 {
		l.Status, line.Action, line.EventAt = journal.Running, journal.DidResume, p.runsFrom
	}
	t.log(line)
	return true
}

// endIfDue ends the lesson when its end has come.
func (t *turn) endIfDue() {
	if at := t.l.endsBy(); at != 0 && at <= t.now {
		outcome := journal.Completed
		if t.l.StartedAt == 0 {
			outcome = journal.NoShow
		}
		t.end(journal.FromDeadline, outcome, journal.LessonOver, "")
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
	l.OutsideReviewAt = 0
	l.EmptyReadings, l.WatchAt, l.OutsideRetryAt = 0, t.now.Add(time.Second), t.now.Add(outsideRetryAfter)
	line := journal.Line{Event: event, Action: journal.DidEnd, Reason: why, Actor: actor}
	if event == journal.FromDeadline {
		line.EventAt = l.EndsAt()
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
	return WholeSeconds(deadline.Sub(now))
}

// WholeSeconds is the time in whole seconds, rounded up; 0 where it is over.
func WholeSeconds(left time.Duration) int64 {
	return int64(max(0, left)+time.Second-1) / int64(time.Second)
}
