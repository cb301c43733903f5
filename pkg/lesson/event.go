package lesson

import (
	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// Event is one webhook of Vonage's session monitoring, decoded leniently.
type Event struct {
	Name    string `json:"event"`
	Session string `json:"sessionId"`
	// Project and Application are the API key or application id as the body
	// names it under either name; "" where it does not.
	Project     string        `json:"projectId,omitempty"`
	Application string        `json:"applicationId,omitempty"`
	At          epoch.Instant `json:"at"`       // Vonage's timestamp, or Received where the body has none
	Received    epoch.Instant `json:"received"` // Usher's clock when the webhook came

	Connection  string        `json:"connectionId,omitempty"`
	ConnectedAt epoch.Instant `json:"connectedAt,omitempty"` // the connection's createdAt
	Data        string        `json:"data,omitempty"`        // the connection's data; reliable on connectionCreated only

	Stream   string        `json:"streamId,omitempty"`
	StreamAt epoch.Instant `json:"streamAt,omitempty"` // the stream's createdAt
	Kind     policy.Kind   `json:"kind,omitempty"`

	Reason string `json:"reason,omitempty"` // why a connection or stream ended, in Vonage's words

	// Digest names an event that has no connection or stream of its own: the
	// SHA-256 of its body, in hex.
	Digest string `json:"digest"`
}

// Presence is one connection in Vonage's list.
type Presence struct {
	ID    string
	Since epoch.Instant // createdAt
}

// Reading is one look at Vonage's list of a session's connections.
// Presence in it always proves. Absence proves only where Whole is true.
type Reading struct {
	Began    epoch.Instant // by Usher's clock, before the first request left
	Whole    bool          // complete in a single page; a 404 and a reading over several pages are not
	NotFound bool          // answered 404
	Present  []Presence
}

// StreamReading is one look at Vonage's list of a session's streams. Presence in it
// always proves. Absence proves only where Whole is true.
type StreamReading struct {
	Began   epoch.Instant // by Usher's clock, before the request left
	Whole   bool
	Present map[string]bool // by stream id
}
