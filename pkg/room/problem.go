package room

import "time"

// Code is the stable name of a refusal, as the API shows it.
type Code string

// The codes.
const (
	CodeBadJSON             Code = "bad-json"
	CodeInvalidField        Code = "invalid-field"
	CodeInvalidRoom         Code = "invalid-room"
	CodeInvalidUser         Code = "invalid-user"
	CodeNotSupported        Code = "not-supported"
	CodeUnauthorized        Code = "unauthorized"
	CodeWrongScope          Code = "wrong-scope"
	CodeWrongRoom           Code = "wrong-room"
	CodeNoSuchRoom          Code = "no-such-room"
	CodeNoSuchConnection    Code = "no-such-connection"
	CodeRoomFull            Code = "room-full"
	CodeDuplicateUser       Code = "duplicate-user"
	CodeNotRunning          Code = "not-running"
	CodeNoLimit             Code = "no-limit"
	CodeNotEnded            Code = "not-ended"
	CodeRoomInUse           Code = "room-in-use"
	CodeSessionInUse        Code = "session-in-use"
	CodeLessonOver          Code = "lesson-over"
	CodeChanged             Code = "changed"
	CodeTooLarge            Code = "too-large"
	CodeTooManyRequests     Code = "too-many-requests"
	CodePlatformUnavailable Code = "platform-unavailable"
)

// Problem is a refusal in words for the person who asked. Detail never carries
// text of an internal error; the cause is for the log.
type Problem struct {
	Code       Code
	Fields     []string // the wrong fields, for invalid-field and not-supported
	Detail     string
	RetryAfter time.Duration // 0: none
	Cause      error
}

func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

func (p *Problem) Unwrap() error { return p.Cause }
