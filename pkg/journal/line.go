// Package journal is the log of a lesson: its lines, and the actions, reasons and
// notes that stand in them. Fold adds the lines up to the state they tell, and
// Narrate prints them as a story.
//
// People and other programs read the log, and it outlives the rules that wrote
// it. So the package decides nothing and knows no lesson; it is trusted with
// the words, and with showing other people's text so that it cannot steer a
// terminal (Plain).
//
// Begin with line.go.
package journal

import (
	"strings"

	"usher/pkg/epoch"
)

// Status of a lesson.
type Status string

// The statuses.
const (
	Open    Status = "open"
	Running Status = "running"
	Paused  Status = "paused"
	Ended   Status = "ended"
)

// Outcome says how a lesson ended.
type Outcome string

// The outcomes.
const (
	ByAdmin   Outcome = "admin"
	Completed Outcome = "completed"
	NoShow    Outcome = "no-show"
)

// Reason says why a connection was told to go, or on what a decision rests.
type Reason string

// The reasons.
const (
	RoomFull      Reason = "room-full"
	NoTicket      Reason = "no-ticket"
	DuplicateUser Reason = "duplicate-user"
	LessonOver    Reason = "lesson-over"
	TooEarly      Reason = "too-early"
	Removed       Reason = "removed"
	NotAllowed    Reason = "not-allowed"
	Admin         Reason = "admin"
	Reconciled    Reason = "reconciled"
)

// IsRemoval reports whether somebody was removed by the owner's word or for a stream.
func (r Reason) IsRemoval() bool {
	return r == Admin || strings.HasSuffix(string(r), "-"+string(NotAllowed))
}

// Action is what a log line says was done.
type Action string

// The actions.
const (
	DidNothing    Action = "none"
	DidSeat       Action = "seated"
	DidWait       Action = "waiting"
	DidLeave      Action = "left"
	DidRefuse     Action = "refused"
	DidDisconnect Action = "disconnect"
	DidPromise    Action = "promise"
	DidStart      Action = "start"
	DidReset      Action = "reset"
	DidPause      Action = "pause"
	DidResume     Action = "resume"
	DidWarn       Action = "warn"
	DidExtend     Action = "extend"
	DidEnd        Action = "end"
	DidReopen     Action = "reopen"
	DidPolicy     Action = "policy"
	DidRepair     Action = "repair"
	DidAskAway    Action = "ask-unpublish"
	DidBan        Action = "ban"
)

// Names of the events that a log line answers to, beside webhooks.
const (
	FromJoin      = "join"
	FromAPI       = "api"
	FromDeadline  = "deadline"
	FromReconcile = "reconcile"
)

// Note is a line's note: one of those below, the policy of a policy line, the kind
// of a stream, or Vonage's reason for a departure.
type Note string

// The notes.
const (
	ToMoment          Note = "to-moment"           // the deadline was given, and stands as given
	ShownAgain        Note = "shown-again"         // a connection that was taken for gone waits now
	ShownAgainUnheard Note = "shown-again-unheard" // and its own webhook has never come
	PromiseLapsed     Note = "promise-lapsed"
	NotKept           Note = "not-kept"       // a stream that is one too many to be remembered
	AsObserver        Note = "observer"       // in without a seat
	StreamStopped     Note = "stream-stopped" // a stream that the list of streams does not show
	BanLifted         Note = "lifted"
)

// Line is one line of a lesson's log. The number is its place.
type Line struct {
	Seq        int64         `json:"-"`                 // filled in for readers
	At         epoch.Instant `json:"at"`                // when Usher decided
	EventAt    epoch.Instant `json:"eventAt,omitempty"` // Vonage's time; for start and extend the start and the deadline they set
	Event      string        `json:"event"`
	Connection string        `json:"connectionId,omitempty"`
	Stream     string        `json:"streamId,omitempty"`
	User       string        `json:"user,omitempty"`
	Role       string        `json:"role,omitempty"`
	Action     Action        `json:"action"`
	Reason     Reason        `json:"reason,omitempty"`
	Actor      string        `json:"actor,omitempty"`
	Note       Note          `json:"note,omitempty"`
	Because    Because       `json:"because,omitempty"`
}

// Names of the webhooks that move a lesson. Any other name is recorded and
// decides nothing.
const (
	ConnectionCreated   = "connectionCreated"
	ConnectionDestroyed = "connectionDestroyed"
	StreamCreated       = "streamCreated"
	StreamDestroyed     = "streamDestroyed"
	SessionDestroyed    = "sessionDestroyed"
	SessionNotification = "sessionNotification"
)
