package lesson

import (
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// Begin is what a lesson begins with.
type Begin struct {
	Session, Room string
	Own           bool // Usher made the session
	Policy        policy.Policy
	PolicyVersion int64
}

// New is the lesson that begins with a session: its log starts with the
// policy in force.
func New(b Begin, event, actor string, now epoch.Instant) Lesson {
	l := Lesson{
		Session: b.Session, Room: b.Room, Own: b.Own, Created: now,
		Policy: b.Policy, PolicyVersion: b.PolicyVersion,
		Rules:  policy.FirstRules(b.Policy),
		Status: journal.Open,
		Conns:  map[string]Conn{}, Promises: map[string]Promise{}, Seen: map[string]epoch.Instant{},
		WatchAt: now.Add(watchFirst),
	}
	l.Tail = []journal.Line{{At: now, Event: event, Action: journal.DidPolicy, Actor: actor, Note: journal.Note(b.Policy.String())}}
	l.Due = l.WatchAt
	return l
}

// LogReopen notes that the room has had a lesson before this one.
func (l *Lesson) LogReopen(actor string) {
	l.Tail = append(l.Tail, journal.Line{At: l.Created, Event: journal.FromAPI, Action: journal.DidReopen, Reason: journal.Admin, Actor: actor})
}

// Additive gives the decision as an arrival that needs no look at the others,
// when that is all it is.
func Additive(before, after Lesson, id string) (Arrival, bool) {
	c := after.Conns[id]
	_, known := before.Conns[id]
	alike := !known && c.PlaceAt == 0 && !c.Confirmed && len(after.Conns) == len(before.Conns)+1 &&
		after.Status == before.Status && after.StartedAt == before.StartedAt && after.ReadAt == before.ReadAt &&
		after.WatchAt == before.WatchAt && after.EmptyReadings == before.EmptyReadings && after.PresentOutside == before.PresentOutside &&
		len(after.Promises) == len(before.Promises) && after.Promises[c.Promise] == before.Promises[c.Promise]
	if !alike {
		return Arrival{}, false
	}
	a := Arrival{Session: after.Session, PolicyVersion: after.PolicyVersion, Conn: c}
	switch lines := len(after.Tail) - len(before.Tail); {
	case c.State == Waiting && lines == 0:
		a.Due = after.Due
	case c.State == Seated && lines == 1 && c.Promise == "" && after.Due == before.Due:
		a.Line = after.Tail[len(after.Tail)-1]
		a.Alone = c.User != "" && (!c.Foreign || after.Policy.JudgesForeignDuplicates())
		a.Pinned = a.Alone && before.PresentOutside > 0
	default:
		return Arrival{}, false
	}
	if a.Pinned {
		a.Shed = before.Shed
	}
	return a, a.Fits(before)
}
