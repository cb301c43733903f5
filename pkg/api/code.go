package api

import (
	"cmp"
	"net/http"

	"usher/pkg/problem"
)

// Codes of refusals that only HTTP knows, beside the codes of package problem.
const (
	codeUnauthorized  problem.Code = "unauthorized"
	codeWrongScope    problem.Code = "wrong-scope"
	codeWrongRoom     problem.Code = "wrong-room"
	codeInvalidUser   problem.Code = "invalid-user"
	codeNotFound      problem.Code = "not-found"
	codeMethod        problem.Code = "method-not-allowed"
	codeNotAcceptable problem.Code = "not-acceptable"
	codeTooLarge      problem.Code = "too-large"
	codeMedia         problem.Code = "unsupported-media-type"
	codeInternal      problem.Code = "internal"
	codeUnavailable   problem.Code = "unavailable"
)

// shownAs are the codes that are shown as another one, which has another status
// elsewhere.
var shownAs = map[problem.Code]problem.Code{problem.Closed: problem.LessonOver}

func shown(code problem.Code) problem.Code { return cmp.Or(shownAs[code], code) }

// statusOf is the one table from a refusal's code to its HTTP status.
var statusOf = map[problem.Code]int{
	problem.BadJSON:      http.StatusBadRequest,
	problem.InvalidField: http.StatusBadRequest,
	problem.InvalidRoom:  http.StatusBadRequest,
	codeInvalidUser:      http.StatusBadRequest,
	problem.NotSupported: http.StatusBadRequest,

	codeUnauthorized: http.StatusUnauthorized,
	codeWrongScope:   http.StatusForbidden,
	codeWrongRoom:    http.StatusForbidden,

	problem.TooEarly:   http.StatusForbidden,
	problem.Removed:    http.StatusForbidden,
	problem.NotAllowed: http.StatusForbidden,

	problem.NoSuchRoom:       http.StatusNotFound,
	problem.NoSuchConnection: http.StatusNotFound,
	codeNotFound:             http.StatusNotFound,
	codeMethod:               http.StatusMethodNotAllowed,

	codeNotAcceptable: http.StatusNotAcceptable,

	problem.RoomFull:      http.StatusConflict,
	problem.DuplicateUser: http.StatusConflict,
	problem.NotRunning:    http.StatusConflict,
	problem.NoLimit:       http.StatusConflict,
	problem.NotEnded:      http.StatusConflict,
	problem.RoomInUse:     http.StatusConflict,
	problem.SessionInUse:  http.StatusConflict,
	problem.Closed:        http.StatusConflict,

	problem.LessonOver:      http.StatusGone,
	problem.Changed:         http.StatusPreconditionFailed,
	codeTooLarge:            http.StatusRequestEntityTooLarge,
	codeMedia:               http.StatusUnsupportedMediaType,
	problem.TooManyRequests: http.StatusTooManyRequests,

	codeInternal:                http.StatusInternalServerError,
	codeUnavailable:             http.StatusServiceUnavailable,
	problem.PlatformUnavailable: http.StatusServiceUnavailable,
}
