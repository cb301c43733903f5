package lesson

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

// Join is a user with a ticket who asks for credentials.
type Join struct {
	User, Role string
	ID         string        // of the promise, if a new one is given
	Expires    epoch.Instant // of the token that is asked for
	Records    []Record
	// Since is when it was asked: a reading that began no more than ReadingGap
	// before is a look at the list for this request too.
	Since epoch.Instant
	// Looked is the reading of the list that was made for this request.
	Looked *Reconcile
}

const (
	// promiseReusedFor is how long after it was given a promise is the one that its
	// user gets again.
	promiseReusedFor = 4 * time.Minute
	// sameAnswerFor is how long after the last time the user gets the same answer
	// again, unwritten.
	sameAnswerFor = 5 * time.Second
	// sameRefusalFor is how long a refusal of somebody is said only once.
	sameRefusalFor = 10 * time.Second
	// maxRefusals bounds the refusals that are remembered for that.
	maxRefusals = 64
)

func (a Join) decide(t *turn) error {
	t.recall(a.Records)
	if a.Looked != nil {
		_ = a.Looked.decide(t) // it always decides
	}
	if t.l.Status == journal.Ended {
		return t.turnAway(a, journal.LessonOver, &problem.Details{Code: problem.LessonOver, Detail: "The lesson is over. Ask its organiser for a new one."})
	}
	if p, ok := t.l.Current(a.User); ok && t.now < p.GivenAt.Add(promiseReusedFor) {
		t.answerAgain(p, a.Expires)
		return nil
	}
	return t.newPromise(a)
}

// Current is the newest promise of the user under which nobody has come.
func (l *Lesson) Current(user string) (Promise, bool) {
	var newest Promise
	for _, p := range l.sortedPromises() {
		if p.User == user && p.Used == "" && !p.Released {
			newest = p
		}
	}
	return newest, newest.ID != ""
}

// answerAgain gives the user one more token of its promise. Within seconds of the
// last time that writes nothing, but for the second token: from there on it is
// known that more than one connection may come.
func (t *turn) answerAgain(p Promise, expires epoch.Instant) {
	soon := t.now < p.AskedAt.Add(sameAnswerFor)
	if soon && p.Tokens > 1 {
		return
	}
	p.Tokens = max(p.Tokens, 1) + 1
	if soon {
		t.keep(p)
		return
	}
	p.Expires = max(p.Expires, expires)
	t.grant(p)
}

func (t *turn) grant(p Promise) {
	p.AskedAt = t.now
	t.keep(p)
	t.watch()
	t.log(journal.Line{Event: journal.FromJoin, EventAt: p.Expires, User: p.User, Role: p.Role, Action: journal.DidPromise})
}

// newPromise gives a new promise if there is a seat for it.
func (t *turn) newPromise(a Join) error {
	p := Promise{ID: a.ID, User: a.User, Role: a.Role, GivenAt: t.now, Expires: a.Expires}
	if t.l.Policy.MaxSeats() > 0 && !t.takes(p.size()) {
		return &problem.Details{Code: problem.TooManyRequests, Detail: "Too many people were promised a seat and have not come yet. Ask again soon.", RetryAfter: lapseAfter}
	}
	rivals := t.rivals(Conn{ID: a.ID, User: a.User})
	if len(rivals) > 0 {
		switch rule := t.l.Policy.Duplicates(); {
		case rule == policy.ReplaceOlder:
			p.ForExistingSeat = t.l.hasSeat(a.User)
		case rule == policy.RefuseNewer || len(rivals) >= maxTogether:
			return t.turnAwayFull(a, rivals, journal.DuplicateUser, problem.DuplicateUser, "The user is in the room already.")
		}
	}
	released := t.release(a.User, &p)
	if !p.ForExistingSeat && !t.l.hasFreeSeat(lastInLine(t.now)) {
		maps.Copy(t.l.Promises, released)
		return t.turnAwayFull(a, t.l.Pick(Conn.seated), journal.RoomFull, problem.RoomFull, "All seats of the room are taken.")
	}
	t.grant(p)
	return nil
}

// release lets the seat of the user's open promises go over to p. It gives them as
// they were, for where p cannot be given.
func (t *turn) release(user string, p *Promise) map[string]Promise {
	released := map[string]Promise{}
	for id, old := range t.l.Promises {
		if old.User != user || !old.open() || old.Used != "" && t.l.Policy.Duplicates() == policy.Allow {
			continue
		}
		released[id] = old
		p.ForExistingSeat = p.ForExistingSeat || old.ForExistingSeat
		old.Released = true
		t.l.Promises[id] = old
	}
	return released
}

// Full reports whether there is no seat for a newcomer, as far as it is known.
func (l *Lesson) Full(now epoch.Instant) bool {
	limit := l.Policy.MaxSeats()
	return limit > 0 && l.seatsUnavailableTo(lastInLine(now)) >= limit
}

// lastInLine is a connection behind all that have come.
func lastInLine(now epoch.Instant) Conn { return Conn{CreatedAt: now.Add(time.Hour)} }

// turnAwayFull refuses for lack of room, or because the user is in, after the list
// was read; where a connection is too young to be proven gone, it is worth asking
// again.
func (t *turn) turnAwayFull(a Join, holders []Conn, why journal.Reason, code problem.Code, detail string) error {
	looked := t.l.ReconciledAt
	if a.Looked == nil && looked <= a.Since.Add(-ReadingGap) {
		return ErrReadFirst
	}
	p := &problem.Details{Code: code, Detail: detail}
	for _, c := range holders {
		if c.ShownAt < looked && looked < c.HeardAt.Add(absenceProvesAfter) {
			p.RetryAfter = max(p.RetryAfter, c.HeardAt.Add(absenceProvesAfter).Sub(looked))
		}
	}
	return t.turnAway(a, why, p)
}

// turnAway refuses. The same refusal of the same user is one line in a while.
func (t *turn) turnAway(a Join, why journal.Reason, p *problem.Details) error {
	said := string(why) + " " + a.User
	if at, ok := t.l.Refusals[said]; ok && t.now < at.Add(sameRefusalFor) {
		return p
	}
	t.l.Refusals = t.recentRefusals()
	t.l.Refusals[said] = t.now
	t.log(journal.Line{Event: journal.FromJoin, User: a.User, Role: a.Role, Action: journal.DidRefuse, Reason: why})
	return p
}

// recentRefusals are the newest of the refusals that still keep the same ones from
// being said again.
func (t *turn) recentRefusals() map[string]epoch.Instant {
	recent := maps.Clone(t.l.Refusals)
	maps.DeleteFunc(recent, func(_ string, at epoch.Instant) bool { return t.now >= at.Add(sameRefusalFor) })
	oldest := slices.SortedFunc(maps.Keys(recent), func(a, b string) int {
		return cmp.Or(cmp.Compare(recent[a], recent[b]), cmp.Compare(a, b))
	})
	for _, said := range oldest[:max(0, len(oldest)-maxRefusals+1)] {
		delete(recent, said)
	}
	if recent == nil {
		recent = map[string]epoch.Instant{}
	}
	return recent
}
