package lesson

import (
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

// Join is somebody with a ticket who asks for credentials.
type Join struct {
	User, Role string
	ID         string        // of the promise, if a new one is given
	Expires    epoch.Instant // of the token that is asked for
	Records    []Record
	// Since is when it was asked: a reading that began later is a look at the
	// list for this request too.
	Since epoch.Instant
	// Looked is what a reading of the list made for this request showed.
	Looked *Reconcile
}

// promiseReusedFor is how long after it was given a promise is the one that its user
// gets again.
const promiseReusedFor = 4 * time.Minute

func (a Join) decide(t *turn) error {
	t.recall(a.Records)
	if a.Looked != nil {
		_ = a.Looked.decide(t) // it always decides
	}
	if t.l.Status == journal.Ended {
		return t.turnAway(a, journal.LessonOver, &problem.Details{Code: problem.LessonOver, Detail: "The lesson is over. Ask its organiser for a new one."})
	}
	if p, ok := t.l.Current(a.User); ok && t.now < p.GivenAt.Add(promiseReusedFor) {
		p.Expires = max(p.Expires, a.Expires)
		t.grant(p)
		return nil
	}
	return t.newPromise(a)
}

// Current is the newest open promise of the user.
func (l *Lesson) Current(user string) (Promise, bool) {
	var newest Promise
	for _, p := range l.sortedPromises() {
		if p.User == user && p.open() {
			newest = p
		}
	}
	return newest, newest.ID != ""
}

func (t *turn) grant(p Promise) {
	t.keep(p)
	t.watch()
	t.log(journal.Line{Event: journal.FromJoin, EventAt: p.Expires, User: p.User, Role: p.Role, Action: journal.DidPromise})
}

// newPromise gives a new promise if there is a seat for it.
func (t *turn) newPromise(a Join) error {
	if len(t.l.Promises) >= maxEntries {
		return &problem.Details{Code: problem.TooManyRequests, Detail: "Too many people were promised a seat and have not come yet. Ask again soon.", RetryAfter: lapseAfter}
	}
	p := Promise{ID: a.ID, User: a.User, Role: a.Role, GivenAt: t.now, Expires: a.Expires}
	rivals := t.rivals(Conn{ID: a.ID, User: a.User})
	if len(rivals) > 0 {
		switch rule := t.l.Policy.Duplicates(); {
		case rule == policy.ReplaceOlder:
			p.ForExistingSeat = t.l.hasSeat(a.User)
		case rule == policy.RefuseNewer || len(rivals) >= maxTogether:
			return t.turnAwayFull(a, rivals, journal.DuplicateUser, problem.DuplicateUser, "The user is in the room already.")
		}
	}
	if old, ok := t.l.Current(a.User); ok {
		// Its seat goes over to the new promise.
		p.ForExistingSeat = p.ForExistingSeat || old.ForExistingSeat
		old.Released = true
		t.l.Promises[old.ID] = old
	}
	if limit := t.l.Policy.MaxSeats(); limit > 0 && !p.ForExistingSeat && t.l.seatsUnavailableTo(lastInLine(t.now)) >= limit {
		return t.turnAwayFull(a, t.l.Pick(Conn.seated), journal.RoomFull, problem.RoomFull, "All seats of the room are taken.")
	}
	t.grant(p)
	return nil
}

// lastInLine is a connection behind all that have come.
func lastInLine(now epoch.Instant) Conn { return Conn{CreatedAt: now.Add(time.Hour)} }

// turnAwayFull refuses for lack of room or a user who is in, after the list was
// read; where somebody is too young to be proven gone, it is worth asking again.
func (t *turn) turnAwayFull(a Join, holders []Conn, why journal.Reason, code problem.Code, detail string) error {
	looked := t.l.ReconciledAt
	if a.Looked == nil && looked <= a.Since {
		return ErrReadFirst
	}
	p := &problem.Details{Code: code, Detail: detail}
	for _, c := range holders {
		if c.ShownAt < looked && looked < c.HeardAt.Add(absenceProvesAfter) {
			p.RetryAfter = max(p.RetryAfter, (c.HeardAt.Add(absenceProvesAfter)).Sub(looked))
		}
	}
	return t.turnAway(a, why, p)
}

func (t *turn) turnAway(a Join, why journal.Reason, p *problem.Details) error {
	t.log(journal.Line{Event: journal.FromJoin, User: a.User, Role: a.Role, Action: journal.DidRefuse, Reason: why})
	return p
}
