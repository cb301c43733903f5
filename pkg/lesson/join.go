package lesson

import (
	"cmp"
	"fmt"
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
	t.endIfDue()
	if p := t.refusalAtDoor(a); p != nil {
		return t.turnAwayFor(a, journal.Reason(p.Code), "", p) // they have the same names
	}
	if p, ok := t.l.Current(a.User, a.Role); ok && t.now < p.GivenAt.Add(promiseReusedFor) && p.Observer == t.l.Policy.Observes(a.Role) {
		t.answerAgain(p, a.Expires)
		return nil
	}
	return t.newPromise(a)
}

// refusalAtDoor is why the user gets no credentials whatever room there is; nil for
// nothing.
func (t *turn) refusalAtDoor(a Join) *problem.Details {
	if t.l.Status == journal.Ended {
		return Over()
	}
	if opens := t.l.Policy.OpensAt(); t.now < opens {
		return TooEarly(opens, t.now)
	}
	switch t.doorClosedFor(a.User, evermore) {
	case journal.Removed:
		return RemovedBy(t.banOf(a.User), t.now)
	case journal.NotAllowed:
		return NotOnList()
	}
	return nil
}

// RemovedBy refuses somebody who is banned.
func RemovedBy(b Ban, now epoch.Instant) *problem.Details {
	p := &problem.Details{Code: problem.Removed, Detail: "You were removed from this room, and may not come back yet."}
	if b.Until != 0 {
		p.RetryAfter = b.Until.Sub(now)
	}
	return p
}

// NotOnList refuses somebody who is not on the list of those who may come in.
func NotOnList() *problem.Details {
	return &problem.Details{Code: problem.NotAllowed, Detail: "You are not on the list of those who may come into this room."}
}

// Over refuses somebody who comes after the end.
func Over() *problem.Details {
	return &problem.Details{Code: problem.LessonOver, Detail: "The lesson is over. Ask its organiser for a new one."}
}

// TooEarly refuses somebody who comes before the room opens.
func TooEarly(opens, now epoch.Instant) *problem.Details {
	return &problem.Details{
		Code: problem.TooEarly, Detail: fmt.Sprintf("The room opens at %s.", opens), RetryAfter: opens.Sub(now),
	}
}

// Current is the newest promise of the user under that role under which nobody has
// come.
func (l *Lesson) Current(user, role string) (Promise, bool) {
	var newest Promise
	for _, p := range l.sortedPromises() {
		if p.User == user && p.Role == role && p.Used == "" && !p.Released {
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

// newPromise gives a new promise if there is a seat for it, or if it needs none.
func (t *turn) newPromise(a Join) error {
	p := Promise{ID: a.ID, User: a.User, Role: a.Role, GivenAt: t.now, Expires: a.Expires, Observer: t.l.Policy.Observes(a.Role)}
	if t.l.piles(p) && !t.takes(p.size()) {
		return &problem.Details{Code: problem.TooManyRequests, Detail: "Too many people were promised a seat and have not come yet. Ask again soon.", RetryAfter: lapseAfter}
	}
	if p.Observer {
		t.grant(p)
		return nil
	}
	rivals := t.rivals(Conn{ID: a.ID, User: a.User})
	if len(rivals) > 0 {
		switch rule := t.l.Policy.Duplicates(); {
		case rule == policy.ReplaceOlder:
			p.ForExistingSeat = t.l.hasSeat(a.User)
		case rule == policy.RefuseNewer || len(rivals) >= maxTogether:
			return t.turnAwayFull(a, occupied{why: journal.DuplicateUser, seated: rivals, say: "The user is in the room already."})
		}
	}
	released := t.release(a.User, &p)
	if full, isFull := t.l.fullShareFor(p, t.now); isFull {
		maps.Copy(t.l.Promises, released)
		return t.turnAwayFull(a, t.fullOf(full))
	}
	t.grant(p)
	return nil
}

// fullShareFor gives the first share in which there is no seat for a newcomer by the
// promise; false: there is one. The seat that its user has needs no other of its role.
func (l *Lesson) fullShareFor(p Promise, now epoch.Instant) (share, bool) {
	for _, s := range l.shares(p.Role) {
		its := p.ForExistingSeat && (s.whole || l.hasSeatIn(p.User, s))
		if !its && !l.hasFreeSeatIn(s, lastInLine(p.Role, now)) {
			return s, true
		}
	}
	return share{}, false
}

// taken says that there is no seat in the share.
func (s share) taken() string {
	switch {
	case s.whole:
		return "All seats of the room are taken."
	case s.role == "":
		return "All seats for people without a role are taken."
	}
	return fmt.Sprintf("All seats for the role %q are taken.", s.role)
}

// piles reports whether the promise may not be shed before it lapses: it holds a seat.
// An observer's does in no room, nor does one where no cap counts it.
func (l *Lesson) piles(p Promise) bool { return !p.Observer && len(l.shares(p.Role)) > 0 }

// release lets the seat of the user's open promises go over to p. It gives them as
// they were, for where p cannot be given.
func (t *turn) release(user string, p *Promise) map[string]Promise {
	released := map[string]Promise{}
	for id, old := range t.l.Promises {
		if old.User != user || !old.open() || old.Observer || old.Used != "" && t.l.Policy.Duplicates() == policy.Allow {
			continue
		}
		released[id] = old
		p.ForExistingSeat = p.ForExistingSeat || old.ForExistingSeat
		old.Released = true
		t.l.Promises[id] = old
	}
	return released
}

// occupied is why there is no room at the door: the reason, who is in, and, for lack of
// room, whose promises hold seats.
type occupied struct {
	why      journal.Reason
	seated   []Conn
	promises []string
	say      string
}

// fullOf is the share that has no seat left.
func (t *turn) fullOf(s share) occupied {
	o := occupied{why: journal.RoomFull, say: s.taken()}
	o.seated = t.l.Pick(func(c Conn) bool { return c.holdsSeat() && s.of(c.Role) })
	o.promises = t.l.promisedIn(s, evermore)
	return o
}

// turnAwayFull refuses for lack of room, or because the user is in, after the list
// was read; where a connection is too young to be proven gone, it is worth asking
// again.
func (t *turn) turnAwayFull(a Join, o occupied) error {
	looked := t.l.ReconciledAt
	if a.Looked == nil && looked <= a.Since.Add(-ReadingGap) {
		return ErrReadFirst
	}
	p := &problem.Details{Code: problem.Code(o.why), Detail: o.say}
	with := holders{promises: o.promises}
	for _, c := range o.seated {
		with.conns = append(with.conns, c.ID)
		if c.ShownAt < looked && looked < c.HeardAt.Add(absenceProvesAfter) {
			p.RetryAfter = max(p.RetryAfter, c.HeardAt.Add(absenceProvesAfter).Sub(looked))
		}
	}
	return t.turnAwayFor(a, o.why, with.because(&evidence{began: looked}), p)
}

// turnAwayFor refuses. The same refusal of the same user is one line in a while.
func (t *turn) turnAwayFor(a Join, why journal.Reason, because journal.Because, p *problem.Details) error {
	said := string(why) + " " + a.User
	if at, ok := t.l.Refusals[said]; ok && t.now < at.Add(sameRefusalFor) {
		return p
	}
	t.l.Refusals = t.recentRefusals()
	t.l.Refusals[said] = t.now
	t.log(journal.Line{Event: journal.FromJoin, User: a.User, Role: a.Role, Action: journal.DidRefuse, Reason: why, Because: because})
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
