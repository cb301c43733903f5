package doorkeeper

import (
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Snapshot is a room with its lesson at one moment. It is read-only: a lesson
// may be shared with other readers.
type Snapshot struct {
	Room room.Room
	// Lesson is nil before the first session, and where the lesson's records
	// are older than the retention.
	Lesson *lesson.Lesson
	// Connections are the first 100 that are in, by id; none in a list of rooms.
	Connections []lesson.Conn
	At          epoch.Instant
}

// Status is the lesson's. A room that was closed before its first session, or
// whose lesson is forgotten, has ended.
func (s Snapshot) Status() journal.Status {
	switch {
	case s.Lesson != nil:
		return s.Lesson.Status
	case s.Room.Over(s.At) || s.Room.Session != "":
		return journal.Ended
	}
	return journal.Open
}

// Outcome says how it ended; "" where it has not.
func (s Snapshot) Outcome() journal.Outcome {
	switch {
	case s.Lesson != nil:
		return s.Lesson.Outcome
	case s.Room.Session == "" && s.Room.Closed == 0 && s.Room.Over(s.At):
		return journal.NoShow
	case s.Status() == journal.Ended:
		return journal.ByAdmin
	}
	return ""
}

// SecondsLeft is how long the lesson lasts from now on, or once its clock runs again,
// rounded up; false where it has ended or has no end.
func (s Snapshot) SecondsLeft() (int64, bool) {
	if s.Lesson == nil {
		closes := s.Room.Policy.ClosesAt()
		return lesson.SecondsLeft(closes, s.At), closes != 0 && s.Status() == journal.Open
	}
	left, limited := s.Lesson.Left(s.At)
	return lesson.WholeSeconds(left), limited
}

// RoomPage is a page of rooms; Next is what to pass as after.
type RoomPage struct {
	Rooms []Snapshot
	Next  string
}

// ConnPage is a page of connections, by id.
type ConnPage struct {
	Connections []lesson.Conn
	Next        string
}

// LinePage is a page of the log of a session's lesson; Session is "" where the
// room has none.
type LinePage struct {
	Session string
	Lines   []journal.Line
	Next    int64
}

// snapshotConnections is how many connections a Snapshot has.
const snapshotConnections = 100

// snapshot shows the room with its lesson, without people who stand only in
// records; l is nil before the first session.
func (s *Service) snapshot(r room.Room, l *lesson.Lesson) Snapshot {
	snap := Snapshot{Room: r, Lesson: l, At: s.set.Now()}
	if l != nil {
		conns := l.Pick(lesson.Conn.In)
		slices.SortFunc(conns, lesson.ByID)
		snap.Connections = conns[:min(len(conns), snapshotConnections)]
	}
	return snap
}
