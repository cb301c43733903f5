package room

import "fmt"

// How a line says what an extension was: to a moment, which stands as given, or
// by seconds, which move with the start.
const (
	toMoment  = "to a moment"
	bySeconds = "by seconds"
)

// Extend moves the running lesson's deadline: by Seconds, or to EndsAt.
type Extend struct {
	Seconds int
	EndsAt  Time
	Actor   string
}

func (x Extend) decide(t *turn) error {
	l := t.l
	if l.Status != Running {
		return &Problem{Code: CodeNotRunning, Detail: fmt.Sprintf("The lesson is %s; only a running one can be extended.", l.Status)}
	}
	note := toMoment
	switch {
	case l.Deadline() == 0:
		return &Problem{Code: CodeNoLimit, Detail: "The lesson has no time limit that could be extended."}
	case x.EndsAt != 0 && x.EndsAt == l.FixedEnd:
		return nil // said before
	case x.EndsAt != 0:
		l.FixedEnd = x.EndsAt
	case l.FixedEnd != 0:
		l.FixedEnd += Time(x.Seconds) * Second
		note = bySeconds
	default:
		l.Extended += Time(x.Seconds) * Second
		note = bySeconds
	}
	t.log(Line{Event: FromAPI, EventAt: l.Deadline(), Action: DidExtend, Reason: Admin, Actor: x.Actor, Note: note})
	t.ring()
	return nil
}

// End ends the lesson for everyone, by the API's word.
type End struct{ Actor string }

func (e End) decide(t *turn) error {
	if t.l.Status != Ended {
		t.end(FromAPI, ByAdmin, Admin, e.Actor)
	}
	return nil
}

// Remove disconnects one connection by the API's word.
type Remove struct {
	Connection string
	Actor      string
	Records    []Record
}

func (r Remove) decide(t *turn) error {
	t.recall(r.Records)
	c, known := t.l.Conns[r.Connection]
	if !known {
		return &Problem{Code: CodeNoSuchConnection, Detail: fmt.Sprintf("No connection %q was heard of in this lesson.", r.Connection)}
	}
	if !c.in() {
		return nil
	}
	line := Line{Event: FromAPI, Actor: r.Actor}
	if c.State == Seated {
		t.oust(c, Admin, line)
	} else {
		t.refuse(c, Admin, line)
	}
	t.moveUp(FromAPI)
	t.keepTime(FromAPI)
	return nil
}

// NewPolicy puts another policy in force.
type NewPolicy struct {
	Policy  Policy
	Version int64
	Actor   string
}

func (p NewPolicy) decide(t *turn) error {
	t.l.Policy, t.l.PolicyVersion = p.Policy, p.Version
	t.changed = true
	if t.l.Status == Ended {
		return nil
	}
	t.l.Rules = t.l.Rules.Add(t.l.Policy, t.now, t.l.StartedAt)
	t.log(Line{Event: FromAPI, Action: DidPolicy, Actor: p.Actor, Note: p.Policy.String()})
	t.moveUp(FromAPI)
	t.keepTime(FromAPI)
	return nil
}

// Alarm is a moment that has come: a deadline that is due ends the lesson.
type Alarm struct{}

func (Alarm) decide(t *turn) error {
	t.ring()
	t.changed = t.changed || t.l.Due != 0 && t.l.Due <= t.now
	return nil
}

// Claim takes the right to read the list now; at most one reading a second may
// begin. ErrLook means that somebody else has it.
type Claim struct{}

// readEvery is how far apart two readings of a session's list begin.
const readEvery = Second

func (Claim) decide(t *turn) error {
	if t.now < t.l.ReadAt+readEvery {
		return ErrLook
	}
	t.l.ReadAt = t.now
	t.changed = true
	return nil
}

// Attempt is what came of a request to disconnect. A request that succeeded
// needs no word: connectionDestroyed or the list will tell.
type Attempt struct {
	Connection string
	After      int  // how many had failed before; what is heard again counts once
	Gone       bool // the platform does not know it (404)
	Forbidden  bool // somebody has to look at the settings
}

// believe404 is the age from which a 404 on a disconnect is success.
const believe404 = 10 * Second

func (a Attempt) decide(t *turn) error {
	c, known := t.l.Conns[a.Connection]
	if !known || c.RetryAt == 0 {
		return nil
	}
	if a.Gone && t.now-c.CreatedAt > believe404 {
		c.LeftAt, c.Bound, c.RetryAt = max(c.ShownAt, c.CreatedAt), true, 0
		t.put(c)
		t.keepTime(FromReconcile)
		return nil
	}
	if a.After < c.Tries {
		return nil
	}
	c.Tries++
	c.RetryAt = t.now + backoff(c.Tries)
	if a.Forbidden {
		c.RetryAt = t.now + Minute
	}
	t.put(c)
	return nil
}

// backoff is the wait after so many failures: 1, 2, 4 … 60 s.
func backoff(tries int) Time {
	return min(Second<<min(tries-1, 6), Minute)
}

// Sent is a request to disconnect that succeeded after failures: from here on
// the list tells whether it helped.
type Sent struct{ Connection string }

func (s Sent) decide(t *turn) error {
	c, known := t.l.Conns[s.Connection]
	if !known || c.RetryAt == 0 || c.Tries == 0 {
		return nil
	}
	c.Tries, c.RetryAt = 0, t.now+min(max(t.now-c.ToldAt, confirmAfter), Minute)
	t.put(c)
	return nil
}
