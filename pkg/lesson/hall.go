package lesson

import (
	"time"

	"usher/pkg/journal"
)

// outsideRetryAfter is how long the process that ends a large lesson has before
// another one goes on with the people who stand only in records.
const outsideRetryAfter = 30 * time.Second

// OutsideDismissed is a handful of people who stood only in records when the lesson
// ended: they have to go, each with its line in the log.
type OutsideDismissed struct {
	Records []Record
	Last    bool // nobody else is outside
}

func (x OutsideDismissed) decide(t *turn) error {
	if t.l.Status != journal.Ended {
		return nil
	}
	t.recall(x.Records)
	for _, r := range x.Records {
		if c, here := t.l.Conns[r.ID]; here && c.In() {
			t.evict(c, t.l.endedFor(), journal.Line{Event: t.l.endedBy()})
			t.leaveToTheList(c.ID)
		}
	}
	t.l.OutsideRetryAt = t.now.Add(outsideRetryAfter)
	if x.Last {
		t.l.PresentOutside, t.l.ObserversOutside, t.l.OutsideByRole = 0, 0, nil
	}
	t.rest = true
	t.effects.Disconnect = nil // the caller disconnects them, all at once
	return nil
}

// OutsideReviewed is a handful of people who stood only in records when a policy or a ban
// came that they have to be held against, see Concerns.
type OutsideReviewed struct {
	Records []Record
	Last    bool // nobody else is to be looked at
	// By are the rules by which they were picked: where others came since, everybody is
	// looked at again.
	By Doors
}

// Doors names the rules that people are held against: each other policy, and each further
// ban, is another one.
type Doors struct{ PolicyVersion, Bans int64 }

// Doors gives those in force.
func (l *Lesson) Doors() Doors { return Doors{l.PolicyVersion, l.Bans} }

func (x OutsideReviewed) decide(t *turn) error {
	if t.l.Status == journal.Ended {
		t.rest = t.l.OutsideReviewAt != 0
		t.l.OutsideReviewAt = 0 // everybody goes anyway
		return nil
	}
	if t.l.OutsideReviewAt == 0 {
		return nil
	}
	before := t.l.Doors() // what is found here may ban more people
	for _, r := range x.Records {
		if _, here := t.l.Conns[r.ID]; here || r.Conn == nil || !r.Conn.In() {
			continue
		}
		t.recall([]Record{r})
		c := t.l.Conns[r.ID]
		if why := t.doorClosedFor(c.User, evermore); why != "" && c.In() {
			t.remove(c, why, journal.Line{Event: journal.FromAPI})
		}
		t.reviewStreams(r.ID, journal.FromAPI)
	}
	switch t.rest = true; {
	case !x.Last:
		t.l.OutsideReviewAt = t.now.Add(outsideRetryAfter)
	case x.By == before:
		t.l.OutsideReviewAt = 0
	default:
		t.l.OutsideReviewAt = t.now
	}
	t.updateClock(journal.FromAPI)
	return nil
}

// Concerns reports whether a policy or a ban that came while the connection was in asks
// something of it.
func (l *Lesson) Concerns(c Conn) bool {
	if _, banned := l.BansToKeep[c.User]; banned || !l.Policy.Admits(c.User) {
		return true
	}
	for _, s := range c.Streams {
		if s.onAir() && !l.Policy.MayPublish(c.Role, s.Kind) {
			return true
		}
	}
	return false
}

// leaveToTheList lets the item forget a connection that was told to go: the list,
// read until it is empty, shows it if it does not.
func (t *turn) leaveToTheList(id string) {
	c := t.l.Conns[id]
	c.RetryAt = 0
	t.write(c)
}

// endedBy and endedFor give the event that ended the lesson and the reason, as its
// log does.
func (l *Lesson) endedBy() string {
	if l.Outcome == journal.ByAdmin {
		return journal.FromAPI
	}
	return journal.FromDeadline
}

func (l *Lesson) endedFor() journal.Reason {
	if l.Outcome == journal.ByAdmin {
		return journal.Admin
	}
	return journal.LessonOver
}

// OutsideFailed are people whose request to disconnect failed: it is tried again.
// For people who find no place in the item, and for More who are not among the
// records, the list is read soon.
type OutsideFailed struct {
	Records []Record
	More    bool
}

func (x OutsideFailed) decide(t *turn) error {
	asked, more := len(t.l.Pick(Conn.isAsked)), x.More
	for _, r := range x.Records {
		if _, here := t.l.Conns[r.ID]; !here && (asked >= MaxAsked || r.Conn != nil && !t.takes(r.Conn.size())) {
			more = true
			continue
		}
		t.recall([]Record{r})
		if c := t.l.Conns[r.ID]; c.DisconnectRequested() && c.LeftAt == 0 {
			c.RetryAt, c.Tries = t.now.Add(backoff(1)), 1
			t.write(c)
			asked++
		}
	}
	if more {
		t.watchBacklog()
	}
	return nil
}
