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
	// ReadFirst: the session may be in use, and its list is read before anybody is
	// given a seat. The right to that reading is taken.
	ReadFirst bool
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
	if l.Due = l.WatchAt; b.ReadFirst {
		l.ListUnread, l.ReadAt = true, now
		l.Due = now.Add(ReadingGap)
	}
	return l
}

// Started is the effects of the lesson's beginning.
func (l *Lesson) Started() Effects {
	if l.ListUnread {
		return Effects{Read: ClaimedReading}
	}
	return Effects{}
}

// LogReopen notes that the room has had a lesson before this one.
func (l *Lesson) LogReopen(actor string) {
	l.Tail = append(l.Tail, journal.Line{At: l.Created, Event: journal.FromAPI, Action: journal.DidReopen, Reason: journal.Admin, Actor: actor})
}
