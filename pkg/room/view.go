package room

import "encoding/json"

// View is a room as the API shows it.
type View struct {
	Room        string          `json:"room"`
	SessionID   *string         `json:"sessionId"`
	Status      Status          `json:"status"`
	Outcome     *Outcome        `json:"outcome"`
	Seats       int             `json:"seats"`
	Promised    int             `json:"promised"`
	Waiting     int             `json:"waiting"`
	StartedAt   *string         `json:"startedAt"`
	EndsAt      *string         `json:"endsAt"`
	SecondsLeft *int64          `json:"secondsLeft"`
	Connections []ConnView      `json:"connections"`
	Policy      json.RawMessage `json:"policy"`

	ETag string `json:"-"` // quoted, as the header carries it
}

// Summary is a room in a list: without connections and policy.
type Summary struct {
	Room        string   `json:"room"`
	SessionID   *string  `json:"sessionId"`
	Status      Status   `json:"status"`
	Outcome     *Outcome `json:"outcome"`
	Seats       int      `json:"seats"`
	Promised    int      `json:"promised"`
	Waiting     int      `json:"waiting"`
	StartedAt   *string  `json:"startedAt"`
	EndsAt      *string  `json:"endsAt"`
	SecondsLeft *int64   `json:"secondsLeft"`
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
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
}

// LineView is one log line as the API shows it.
type LineView struct {
	Seq          int64   `json:"seq"`
	At           *string `json:"at"`
	EventAt      *string `json:"eventAt"`
	Event        string  `json:"event"`
	ConnectionID *string `json:"connectionId"`
	StreamID     *string `json:"streamId"`
	User         *string `json:"user"`
	Role         *string `json:"role"`
	Action       Action  `json:"action"`
	Reason       Reason  `json:"reason"` // empty where there is none
	Actor        *string `json:"actor"`
	Note         *string `json:"note"`
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
