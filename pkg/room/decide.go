package room

import (
	"errors"
	"fmt"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/problem"
)

// Decision is everything that is decided about a room: the change to commit, and
// the decision about its lesson that goes with it. It is carried out like a
// lesson's own: the deadline's wake is placed, the change is committed, then the
// effects follow.
type Decision struct {
	Change
	Decided lesson.Decision // of Change.Swap, where there is one
	// After is the room's lesson once the change is committed; nil where it has
	// none.
	After *lesson.Lesson
	// Verdict is nil, a *problem.Details for the person who asked, ErrHasSession or
	// ErrSessionNeeded. Only without one there is something to commit.
	Verdict error
}

// Verdicts that are for the shell.
var (
	// ErrHasSession says that the room was opened before.
	ErrHasSession = errors.New("the room has a session")
	// ErrSessionNeeded says that a session has to be made first, see Facts.Fresh.
	ErrSessionNeeded = errors.New("a session has to be made first")
	// ErrListNeeded says that the list of the session has to be read first, see
	// Facts.Listed.
	ErrListNeeded = errors.New("the list of the session has to be read first")
)

// Facts are the facts about the world that a decision about a room needs.
type Facts struct {
	Now   epoch.Instant
	Fresh string // a session made for this request; "" when none has been made
	Used  bool   // the session to adopt has been a lesson of some room
	// Listed is the reading of the list of the session to adopt; nil: not read yet.
	Listed *lesson.Reading
	Tells  bool // lessons that begin now tell the owner's backend
	// Ban is the one that the user in question has in the list of the rooms of this
	// name; nil for none.
	Ban *lesson.Ban
}

// Request is something that is asked about a room: Put, Open, Close, Reopen, Ban,
// LiftBan or Delete.
type Request interface {
	decide(d *Decision, l *lesson.Lesson, known Facts) error
}

// Decide says what becomes of the room by the request. The zero Room does not
// exist; l is the lesson of its session, nil where it has none.
func Decide(r Room, l *lesson.Lesson, in Request, known Facts) Decision {
	d := Decision{Change: Change{Room: r}, After: l}
	if _, put := in.(Put); !put && r.Revision == 0 {
		d.Verdict = ErrNoRoom
		return d
	}
	d.Verdict = in.decide(&d, l, known)
	return d
}

// lesson lets the room's lesson decide, as a part of the change.
func (d *Decision) lesson(l lesson.Lesson, in lesson.Input, now epoch.Instant) error {
	d.Decided = lesson.Decide(l, in, now)
	d.After = &d.Decided.Lesson
	if d.Decided.Write != lesson.Nothing {
		d.Swap = &d.Decided.Lesson
	}
	return d.Decided.Verdict
}

// begin points the room to a fresh session, whose lesson begins.
func (d *Decision) begin(session string, own bool, event, actor string, known Facts) {
	d.Room.Session, d.Room.Closed = session, 0
	l := lesson.New(lesson.Begin{
		Session: session, Room: d.Room.Name, Own: own,
		Policy: d.Room.Policy, PolicyVersion: d.Room.Revision + 1,
		RoomCreated: d.Room.Created, Bans: d.Room.Bans, Tells: known.Tells,
	}, event, actor, known.Now)
	d.Start, d.After = &l, &l
}

// over reports whether the room's lesson has ended, or was closed before it began.
func (d *Decision) over(l *lesson.Lesson, now epoch.Instant) bool {
	if d.Room.Session == "" {
		return d.Room.Over(now)
	}
	return l == nil || l.Status == journal.Ended
}

// Put is a whole policy for a room, and the session it is to use if that was
// made elsewhere.
type Put struct {
	Name    string
	Policy  policy.Policy
	Session string      // "" adopts none
	If      []Condition // all must hold
	Actor   string
}

func (p Put) decide(d *Decision, l *lesson.Lesson, known Facts) error {
	for _, c := range p.If {
		if err := c.check(d.Room); err != nil {
			return err
		}
	}
	if d.Create = d.Room.Revision == 0; d.Create {
		d.Room.Created = known.Now
	}
	before := d.Room.Session
	d.Room.Name, d.Room.Policy = p.Name, p.Policy
	switch {
	case p.Session != "" && p.Session != before:
		return p.adopt(d, l, known)
	case l != nil && l.Status != journal.Ended:
		return d.lesson(*l, lesson.NewPolicy{Policy: p.Policy, Version: d.Room.Revision + 1, Actor: p.Actor}, known.Now)
	}
	return nil
}

// adopt moves the room to a session that was made elsewhere, if nobody is in
// its present one.
func (p Put) adopt(d *Decision, l *lesson.Lesson, known Facts) error {
	again := !d.Create && d.over(l, known.Now)
	if l != nil && !again {
		if l.Status != journal.Open || l.InUse() {
			return &problem.Details{Code: problem.RoomInUse, Detail: "The room's session is in use; end the lesson first."}
		}
		if err := d.lesson(*l, lesson.End{Actor: p.Actor}, known.Now); err != nil {
			return err
		}
	}
	if again && d.Room.ClosedBy(known.Now) {
		return closed(d.Room)
	}
	if known.Used {
		return &problem.Details{Code: problem.SessionInUse, Detail: "A session is one lesson, and this one has been used by a room: make a fresh one."}
	}
	if known.Listed == nil {
		return ErrListNeeded
	}
	d.begin(p.Session, false, journal.FromAPI, p.Actor, known)
	if again {
		d.Start.LogReopen(p.Actor)
	}
	*d.Start = d.Start.Adopted(*known.Listed, known.Now)
	return nil
}

// closed refuses to begin a lesson in a room whose time is over.
func closed(r Room) error {
	return &problem.Details{Code: problem.Closed, Detail: fmt.Sprintf("The room closed at %s; put a policy with a later closesAt first.", r.Policy.ClosesAt())}
}

// Open gives a room its first session, at the first join of the user.
type Open struct{ User string }

func (o Open) decide(d *Decision, _ *lesson.Lesson, known Facts) error {
	p := d.Room.Policy
	switch {
	case d.Room.Session != "":
		return ErrHasSession
	case d.Room.Over(known.Now):
		return lesson.Over()
	case known.Now < p.OpensAt():
		return lesson.TooEarly(p.OpensAt(), known.Now)
	case d.isOfRoom(known.Ban) && known.Ban.Holds(known.Now):
		return lesson.RemovedBy(*known.Ban, known.Now)
	case !p.Admits(o.User):
		return lesson.NotOnList()
	case known.Fresh == "":
		return ErrSessionNeeded
	}
	d.begin(known.Fresh, true, journal.FromJoin, "", known)
	return nil
}

// Close ends a room that nobody has joined yet.
type Close struct{}

func (Close) decide(d *Decision, _ *lesson.Lesson, known Facts) error {
	if d.Room.Session != "" {
		return ErrHasSession
	}
	d.Room.Closed = known.Now
	return nil
}

// Reopen gives an ended room a fresh session of Usher's own.
type Reopen struct{ Actor string }

func (r Reopen) decide(d *Decision, l *lesson.Lesson, known Facts) error {
	switch {
	case !d.over(l, known.Now):
		return &problem.Details{Code: problem.NotEnded, Detail: "The room is open already."}
	case d.Room.ClosedBy(known.Now):
		return closed(d.Room)
	case known.Fresh == "":
		return ErrSessionNeeded
	}
	d.begin(known.Fresh, true, journal.FromAPI, r.Actor, known)
	d.Start.LogReopen(r.Actor)
	return nil
}

// Delete ends the room's lesson and forgets its name and policy.
type Delete struct{ Actor string }

func (x Delete) decide(d *Decision, l *lesson.Lesson, known Facts) error {
	d.Delete = true
	if l == nil || l.Status == journal.Ended {
		return nil
	}
	return d.lesson(*l, lesson.End{Actor: x.Actor}, known.Now)
}

// Missing puts ErrNoRoom in words; other errors stay as they are.
func Missing(name string, err error) error {
	if errors.Is(err, ErrNoRoom) {
		return &problem.Details{Code: problem.NoSuchRoom, Detail: fmt.Sprintf("There is no room %q.", name)}
	}
	return err
}
