package lesson

import (
	"cmp"
	"fmt"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

// Extend moves the running lesson's deadline: by Seconds, or to EndsAt.
type Extend struct {
	Seconds int
	EndsAt  epoch.Instant
	Actor   string
}

// longest is how far from its start an extension may move a lesson's end.
const longest = 24 * time.Hour

func (x Extend) decide(t *turn) error {
	l := t.l
	was, _ := l.Left(t.now)
	switch {
	case !l.hasStarted():
		return &problem.Details{Code: problem.NotRunning, Detail: fmt.Sprintf("The lesson is %s; only a running one can be extended.", l.Status)}
	case l.Status == journal.Paused && x.EndsAt != 0:
		return &problem.Details{Code: problem.NotRunning, Detail: "The lesson is paused, so its end is not known; extend it by seconds."}
	case l.FixedEnd == 0 && l.Rules.At(l.StartedAt).Seconds == 0:
		return &problem.Details{Code: problem.NoLimit, Detail: "The lesson has no time limit that could be extended."}
	case x.EndsAt != 0 && x.EndsAt == l.FixedEnd:
		return nil // said before
	}
	if x.EndsAt != 0 && x.EndsAt < l.StartedAt {
		return &problem.Details{
			Code: problem.InvalidField, Fields: []string{"endsAt"},
			Detail: fmt.Sprintf("endsAt: %s is before the lesson's start at %s.", x.EndsAt, l.StartedAt),
		}
	}
	moved := *l
	note := x.move(&moved)
	if moved.latestEnd(t.now) > l.StartedAt.Add(longest) {
		return x.tooLong(&moved, t.now)
	}
	l.FixedEnd, l.ExtendedMillis = moved.FixedEnd, moved.ExtendedMillis
	t.log(journal.Line{Event: journal.FromAPI, EventAt: cmp.Or(l.FixedEnd, l.EndsAt()), Action: journal.DidExtend, Reason: journal.Admin, Actor: x.Actor, Note: note})
	t.endIfDue()
	if left, _ := l.Left(t.now); l.hasStarted() && left != was {
		t.sayExtended()
	}
	return nil
}

// move gives the lesson its new deadline, and says how it was moved.
func (x Extend) move(l *Lesson) journal.Note {
	switch {
	case x.EndsAt != 0:
		l.FixedEnd = x.EndsAt
		return journal.ToMoment
	case l.FixedEnd != 0:
		l.FixedEnd = l.FixedEnd.Add(time.Duration(x.Seconds) * time.Second)
	default:
		l.ExtendedMillis += int64(x.Seconds) * 1000
	}
	return journal.BySeconds(x.Seconds)
}

// latestEnd is the deadline, or what it is if the clock runs on from now.
func (l *Lesson) latestEnd(now epoch.Instant) epoch.Instant {
	if d := l.Deadline(); d != 0 {
		return d
	}
	return now.Add(l.Rules.Left(l.run()))
}

func (x Extend) tooLong(moved *Lesson, now epoch.Instant) error {
	field := "seconds"
	if x.EndsAt != 0 {
		field = "endsAt"
	}
	return &problem.Details{
		Code: problem.InvalidField, Fields: []string{field},
		Detail: fmt.Sprintf("%s: the lesson started at %s and would end at %s; it may last 24 hours, so until %s at the latest.",
			field, moved.StartedAt, moved.latestEnd(now), moved.StartedAt.Add(longest)),
	}
}

// End ends the lesson for everyone, by the API's word.
type End struct{ Actor string }

func (e End) decide(t *turn) error {
	if t.l.Status != journal.Ended {
		t.end(journal.FromAPI, journal.ByAdmin, journal.Admin, e.Actor)
	}
	return nil
}

// Remove disconnects one connection by the API's word, and keeps its user out for as
// long as the policy says, also where the user has just left.
type Remove struct {
	Connection string
	Actor      string
	Records    []Record
}

func (r Remove) decide(t *turn) error {
	t.recall(r.Records)
	c, known := t.l.Conns[r.Connection]
	if !known {
		return &problem.Details{Code: problem.NoSuchConnection, Detail: fmt.Sprintf("No connection %q was heard of in this lesson.", r.Connection)}
	}
	line := journal.Line{Event: journal.FromAPI, Actor: r.Actor}
	switch {
	case c.In():
		t.remove(c, journal.Admin, line)
	case c.DisconnectRequested(), t.l.Status == journal.Ended, c.Reason == journal.Admin:
		return nil // it was told to go, and its user has what follows from that
	case c.State == Seated, c.State == Waiting:
		c.Reason = journal.Admin // removed though it had left: once
		t.write(c)
	}
	t.banAfterRemoval(c, line)
	t.reconsiderWaiting(journal.FromAPI)
	t.updateClock(journal.FromAPI)
	return nil
}

// NewPolicy puts another policy in force.
type NewPolicy struct {
	Policy  policy.Policy
	Version int64
	Actor   string
}

func (p NewPolicy) decide(t *turn) error {
	t.l.Policy, t.l.PolicyVersion, t.rest = p.Policy, p.Version, true
	t.l.WarnedThrough = max(t.l.WarnedThrough, t.now)
	if t.l.Status == journal.Ended {
		return nil
	}
	t.l.Rules = t.l.Rules.Add(t.l.Policy, t.now, t.l.StartedAt)
	t.log(journal.Line{Event: journal.FromAPI, Action: journal.DidPolicy, Actor: p.Actor, Note: journal.Note(p.Policy.Brief())})
	t.closeDoor(journal.Line{Event: journal.FromAPI, Actor: p.Actor})
	t.reviewAllStreams(journal.FromAPI)
	t.reconsiderWaiting(journal.FromAPI)
	t.updateClock(journal.FromAPI)
	return nil
}

// Wake is a moment that has come: a lesson whose quorum waits for the room to open
// starts, a deadline that is due ends it.
type Wake struct{}

func (Wake) decide(t *turn) error {
	if due(t.l.opensWithQuorum(), t.now) {
		t.updateClock(journal.FromDeadline)
	}
	t.endIfDue()
	t.warnIfDue()
	t.rest = t.rest || t.l.Due != 0 && t.l.Due <= t.now
	return nil
}

// ClaimReading takes the right to read the list now; at most one reading a second
// may begin. ErrReadFirst means that another process has it.
type ClaimReading struct{}

// ReadingGap is how far apart two readings of a session's list begin.
const ReadingGap = time.Second

func (ClaimReading) decide(t *turn) error {
	if t.now < t.l.readable(t.now) {
		return ErrReadFirst
	}
	t.claimReading()
	return nil
}

func (t *turn) claimReading() {
	t.l.ReadAt, t.rest, t.effects.Read = t.now, true, ClaimedReading
}

// DisconnectFailed is a request to disconnect that failed. One that succeeded needs
// no word: connectionDestroyed or the list will tell.
type DisconnectFailed struct {
	Connection string
	After      int  // how many had failed before; a failure heard again counts once
	Gone       bool // the platform does not know it (404)
	Forbidden  bool // somebody has to look at the settings
}

// trust404After is the age from which a 404 on a disconnect is success.
const trust404After = 10 * time.Second

func (a DisconnectFailed) decide(t *turn) error {
	c, known := t.l.Conns[a.Connection]
	if !known || c.RetryAt == 0 {
		return nil
	}
	if a.Gone && t.now.Sub(c.cameAt()) > trust404After {
		c.LeftAt, c.LeftLowerBound, c.RetryAt = max(c.ShownAt, c.CreatedAt), true, 0
		t.write(c)
		t.updateClock(journal.FromReconcile)
		return nil
	}
	if a.After < c.Tries {
		return nil
	}
	c.Tries++
	c.RetryAt = t.now.Add(backoff(c.Tries))
	if a.Forbidden {
		c.RetryAt = t.now.Add(time.Minute)
	}
	t.write(c)
	return nil
}

// backoff is the wait after so many failures: 1, 2, 4 … 60 s.
func backoff(tries int) time.Duration {
	return min(time.Second<<min(tries-1, 6), time.Minute)
}

// DisconnectSucceeded is a request to disconnect that succeeded after failures:
// from here on the list tells whether it helped.
type DisconnectSucceeded struct{ Connection string }

func (s DisconnectSucceeded) decide(t *turn) error {
	c, known := t.l.Conns[s.Connection]
	if !known || c.RetryAt == 0 || c.Tries == 0 {
		return nil
	}
	c.Tries, c.RetryAt = 0, t.now.Add(min(max(t.now.Sub(c.DisconnectRequestedAt), confirmAfter), time.Minute))
	t.write(c)
	return nil
}
