package api

import (
	"cmp"
	"slices"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// Summary is a room in a list. An absent value is null, never missing.
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

// Room is a room by itself.
type Room struct {
	Summary
	Connections []Connection  `json:"connections"`
	Policy      policy.Policy `json:"policy"`
}

// Connection is one client in a session.
type Connection struct {
	ID       string       `json:"id"`
	User     *string      `json:"user"`
	Role     *string      `json:"role"`
	Observer bool         `json:"observer"`
	State    lesson.State `json:"state"` // seated, waiting or unheard
	JoinedAt *string      `json:"joinedAt"`
	Streams  []Stream     `json:"streams"`
}

// Stream is what a connection publishes.
type Stream struct {
	ID   string      `json:"id"`
	Kind policy.Kind `json:"kind"`
}

// Credentials are what a client connects with.
type Credentials struct {
	ApplicationID string `json:"applicationId,omitempty"`
	APIKey        string `json:"apiKey,omitempty"`
	SessionID     string `json:"sessionId"`
	Token         string `json:"token"`
	ExpiresAt     string `json:"expiresAt"`
}

// Admission is the answer of join, which the page of a demo room carries: all that
// a page needs to connect, and to show a countdown by the server's clock.
type Admission struct {
	Credentials
	Role        *string `json:"role"`
	StartedAt   *string `json:"startedAt"`
	EndsAt      *string `json:"endsAt"`
	SecondsLeft *int64  `json:"secondsLeft"`
	ClosesAt    *string `json:"closesAt"`
	Now         string  `json:"now"`
}

// roomPage is a page of rooms; Next is what to pass as after.
type roomPage struct {
	Rooms []Summary `json:"rooms"`
	Next  string    `json:"next"`
}

// connectionPage is a page of connections.
type connectionPage struct {
	Connections []Connection `json:"connections"`
	Next        string       `json:"next"`
}

func showRoom(s doorkeeper.Snapshot) Room {
	return Room{showSummary(s), showConnections(s.Connections), s.Room.Policy}
}

func showSummary(s doorkeeper.Snapshot) Summary {
	v := Summary{Room: s.Room.Name, SessionID: orNull(s.Room.Session), Status: s.Status(), Outcome: orNull(s.Outcome())}
	if l := s.Lesson; l != nil {
		v.Seats, v.Promised, v.Waiting = l.Seats(), l.SeatsPromised(), len(l.Waiting())
		v.StartedAt, v.EndsAt = stamp(l.StartedAt), stamp(l.ShownEnd())
	} else {
		v.EndsAt = stamp(s.Room.Policy.ClosesAt())
	}
	if left, ok := s.SecondsLeft(); ok {
		v.SecondsLeft = &left
	}
	return v
}

func showRooms(p doorkeeper.RoomPage) roomPage {
	return roomPage{each(p.Rooms, showSummary), p.Next}
}

func showConnectionPage(p doorkeeper.ConnPage) connectionPage {
	return connectionPage{showConnections(p.Connections), p.Next}
}

func showConnections(conns []lesson.Conn) []Connection { return each(conns, showConnection) }

func showConnection(c lesson.Conn) Connection {
	v := Connection{
		ID: c.ID, User: orNull(c.User), Role: orNull(c.Role), Observer: c.Observer, State: c.State,
		JoinedAt: stamp(c.CreatedAt), Streams: []Stream{},
	}
	for id, s := range c.Streams {
		if s.Made && !s.Gone {
			v.Streams = append(v.Streams, Stream{id, s.Kind})
		}
	}
	slices.SortFunc(v.Streams, func(a, b Stream) int { return cmp.Compare(a.ID, b.ID) })
	return v
}

// ShowAdmission gives the admission as clients read it.
func ShowAdmission(a doorkeeper.Admission) Admission {
	v := Admission{
		Credentials: Credentials{a.ApplicationID, a.APIKey, a.Session, a.Token, a.Expires.String()},
		Role:        orNull(a.Role),
		StartedAt:   stamp(a.StartedAt), EndsAt: stamp(a.EndsAt), ClosesAt: stamp(a.ClosesAt),
		Now: a.Now.String(),
	}
	if a.Limited {
		left := lesson.WholeSeconds(a.Left)
		v.SecondsLeft = &left
	}
	return v
}

// each shows all of a list, which is never null.
func each[T, V any](all []T, show func(T) V) []V {
	shown := make([]V, len(all))
	for i, one := range all {
		shown[i] = show(one)
	}
	return shown
}

// orNull is how a text stands in an answer: null where there is none.
func orNull[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}

// stamp is how a moment stands in an answer: RFC 3339 with milliseconds, or
// null where there is none.
func stamp(t epoch.Instant) *string {
	if t == 0 {
		return nil
	}
	s := t.String()
	return &s
}
