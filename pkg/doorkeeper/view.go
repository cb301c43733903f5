package doorkeeper

import (
	"cmp"
	"encoding/json"
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// View is a room as the API shows it.
type View struct {
	Room        string           `json:"room"`
	SessionID   *string          `json:"sessionId"`
	Status      journal.Status   `json:"status"`
	Outcome     *journal.Outcome `json:"outcome"`
	Seats       int              `json:"seats"`
	Promised    int              `json:"promised"`
	Waiting     int              `json:"waiting"`
	StartedAt   *string          `json:"startedAt"`
	EndsAt      *string          `json:"endsAt"`
	SecondsLeft *int64           `json:"secondsLeft"`
	Connections []ConnView       `json:"connections"`
	Policy      json.RawMessage  `json:"policy"`

	ETag string `json:"-"` // quoted, as the header carries it
}

// Summary is a room in a list: without connections and policy.
type Summary struct {
	Room        string           `json:"room"`
	SessionID   *string          `json:"sessionId"`
	Status      journal.Status   `json:"status"`
	Outcome     *journal.Outcome `json:"outcome"`
	Seats       int              `json:"seats"`
	Promised    int              `json:"promised"`
	Waiting     int              `json:"waiting"`
	StartedAt   *string          `json:"startedAt"`
	EndsAt      *string          `json:"endsAt"`
	SecondsLeft *int64           `json:"secondsLeft"`
}

// ConnView is one connection as the API shows it.
type ConnView struct {
	ID       string       `json:"id"`
	User     *string      `json:"user"`
	Role     *string      `json:"role"`
	Observer bool         `json:"observer"`
	JoinedAt *string      `json:"joinedAt"`
	Streams  []StreamView `json:"streams"`
}

// StreamView is one stream as the API shows it.
type StreamView struct {
	ID   string      `json:"id"`
	Kind policy.Kind `json:"kind"`
}

// LineView is one log line as the API shows it.
type LineView struct {
	Seq          int64          `json:"seq"`
	At           *string        `json:"at"`
	EventAt      *string        `json:"eventAt"`
	Event        string         `json:"event"`
	ConnectionID *string        `json:"connectionId"`
	StreamID     *string        `json:"streamId"`
	User         *string        `json:"user"`
	Role         *string        `json:"role"`
	Action       journal.Action `json:"action"`
	Reason       journal.Reason `json:"reason"` // empty where there is none
	Actor        *string        `json:"actor"`
	Note         *string        `json:"note"`
}

// RoomPage is a page of rooms; Next is what to pass as after.
type RoomPage struct {
	Rooms []Summary `json:"rooms"`
	Next  string    `json:"next"`
}

// ConnPage is a page of connections.
type ConnPage struct {
	Connections []ConnView `json:"connections"`
	Next        string     `json:"next"`
}

// LinePage is a page of a lesson's log.
type LinePage struct {
	Events    []LineView `json:"events"`
	SessionID *string    `json:"sessionId"`
	Next      int64      `json:"next"`
}

// view shows the room with its lesson; l is nil before the first session.
func (s *Service) view(r room.Room, l *lesson.Lesson) View {
	v := View{
		Room: r.Name, SessionID: text(r.Session), Status: journal.Open,
		Connections: []ConnView{}, Policy: json.RawMessage(r.Policy.String()), ETag: r.Etag(),
	}
	if r.Closed != 0 || r.Session != "" && l == nil {
		outcome := journal.ByAdmin
		v.Status, v.Outcome = journal.Ended, &outcome
	}
	if l != nil {
		v.show(l, s.set.Now())
	}
	return v
}

// shownConnections is how many connections a room shows of itself.
const shownConnections = 100

func (v *View) show(l *lesson.Lesson, now epoch.Instant) {
	v.Status = l.Status
	if l.Outcome != "" {
		v.Outcome = &l.Outcome
	}
	v.Seats, v.Promised, v.Waiting = l.Seats(), l.SeatsPromised(), len(l.Waiting())
	v.StartedAt, v.EndsAt = Stamp(l.StartedAt), Stamp(l.Deadline())
	if d := l.Deadline(); d != 0 && l.Status == journal.Running {
		left := lesson.SecondsLeft(d, now)
		v.SecondsLeft = &left
	}
	conns := l.Pick(lesson.Conn.In)
	slices.SortFunc(conns, lesson.ByID)
	for _, c := range conns[:min(len(conns), shownConnections)] {
		v.Connections = append(v.Connections, showConn(c))
	}
}

func (v View) summary() Summary {
	return Summary{
		Room: v.Room, SessionID: v.SessionID, Status: v.Status, Outcome: v.Outcome,
		Seats: v.Seats, Promised: v.Promised, Waiting: v.Waiting,
		StartedAt: v.StartedAt, EndsAt: v.EndsAt, SecondsLeft: v.SecondsLeft,
	}
}

func showConn(c lesson.Conn) ConnView {
	v := ConnView{ID: c.ID, User: text(c.User), Role: text(c.Role), JoinedAt: Stamp(c.CreatedAt), Streams: []StreamView{}}
	for id, s := range c.Streams {
		if s.Made && !s.Gone {
			v.Streams = append(v.Streams, StreamView{id, s.Kind})
		}
	}
	slices.SortFunc(v.Streams, func(a, b StreamView) int { return cmp.Compare(a.ID, b.ID) })
	return v
}

func showLine(l journal.Line) LineView {
	return LineView{
		Seq: l.Seq, At: Stamp(l.At), EventAt: Stamp(l.EventAt), Event: l.Event,
		ConnectionID: text(l.Connection), StreamID: text(l.Stream), User: text(l.User), Role: text(l.Role),
		Action: l.Action, Reason: l.Reason, Actor: text(l.Actor), Note: text(string(l.Note)),
	}
}

// text is how a text stands in an answer: null where there is none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Stamp is how a moment stands in an answer: RFC 3339 with milliseconds, or
// null where there is none.
func Stamp(t epoch.Instant) *string {
	if t == 0 {
		return nil
	}
	s := t.String()
	return &s
}
