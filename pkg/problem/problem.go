// Package problem is a refusal in words for the person who asked, with a stable
// code. How it looks in HTTP is package api's; text of an internal error is never
// part of it, but for the cause, which is for the log.
package problem

import "time"

// Code is the stable name of a refusal, as the API shows it.
type Code string

// The codes that the rules and the doorkeeper refuse with. Whoever refuses for
// reasons of its own, like HTTP, has codes of its own.
const (
	BadJSON             Code = "bad-json"
	InvalidField        Code = "invalid-field"
	InvalidRoom         Code = "invalid-room"
	NotSupported        Code = "not-supported"
	NoSuchRoom          Code = "no-such-room"
	NoSuchConnection    Code = "no-such-connection"
	RoomFull            Code = "room-full"
	DuplicateUser       Code = "duplicate-user"
	NotRunning          Code = "not-running"
	NoLimit             Code = "no-limit"
	NotEnded            Code = "not-ended"
	RoomInUse           Code = "room-in-use"
	SessionInUse        Code = "session-in-use"
	LessonOver          Code = "lesson-over"
	Closed              Code = "closed" // no new lesson, for the room's time is over
	TooEarly            Code = "too-early"
	Removed             Code = "removed"
	NotAllowed          Code = "not-allowed"
	Changed             Code = "changed"
	TooManyRequests     Code = "too-many-requests"
	PlatformUnavailable Code = "platform-unavailable"
)

// Details is a refusal in words for the person who asked. Detail never carries
// text of an internal error; the cause is for the log.
type Details struct {
	Code       Code
	Fields     []string // the wrong fields, for invalid-field and not-supported
	Detail     string
	RetryAfter time.Duration // 0: none
	Cause      error
}

func (p *Details) Error() string { return string(p.Code) + ": " + p.Detail }

func (p *Details) Unwrap() error { return p.Cause }
