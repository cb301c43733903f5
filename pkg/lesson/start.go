package lesson

import (
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// Begin is the facts that a lesson begins with.
type Begin struct {
	Session, Room string
	Own           bool // Usher made the session
	Policy        policy.Policy
	PolicyVersion int64
	RoomCreated   epoch.Instant
	Bans          int64 // that the room has
	Tells         bool  // the owner's backend is told what its log says
}

// New is the lesson that begins with a session: its log starts with the
// policy in force.
func New(b Begin, event, actor string, now epoch.Instant) Lesson {
	l := Lesson{
		Session: b.Session, Room: b.Room, Own: b.Own, Created: now,
		Policy: b.Policy, PolicyVersion: b.PolicyVersion, RoomCreated: b.RoomCreated, Bans: b.Bans,
		Rules:  policy.FirstRules(b.Policy),
		Status: journal.Open,
		Conns:  map[string]Conn{}, Promises: map[string]Promise{}, Seen: map[string]epoch.Instant{},
		WatchAt: now.Add(watchFirst), WarnedThrough: now,
	}
	l.Tail = []journal.Line{{At: now, Event: event, Action: journal.DidPolicy, Actor: actor, Note: journal.Note(b.Policy.Brief())}}
	l.Due = earlier(l.WatchAt, l.nextAt())
	if b.Tells {
		l.Tell = &Tell{}
	}
	return l
}

// Adopted gives the lesson of a session made elsewhere with the connections that
// its list shows: they count from the first moment. Somebody who comes
// between that reading and the lesson's beginning, and whose webhook comes before
// it, is found by a look seconds later where the session was in use, else by the first
// watch.
func (l Lesson) Adopted(r Reading, now epoch.Instant) Lesson {
	if l.ReadAt = r.Began; len(r.Present) > 0 || !r.Whole {
		l.WatchAt = now.Add(watchAdopted)
		l.Due = l.WatchAt
	}
	return Decide(l, Reconcile{Reading: &r}, now).Lesson
}

// LogReopen notes that the room has had a lesson before this one.
func (l *Lesson) LogReopen(actor string) {
	l.Tail = append(l.Tail, journal.Line{At: l.Created, Event: journal.FromAPI, Action: journal.DidReopen, Reason: journal.Admin, Actor: actor})
}
