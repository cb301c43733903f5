package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"usher/pkg/room"
)

// Codes of this package's own, beside those of package room.
const (
	codeNotFound    room.Code = "not-found"
	codeMethod      room.Code = "method-not-allowed"
	codeMedia       room.Code = "unsupported-media-type"
	codeInternal    room.Code = "internal"
	codeUnavailable room.Code = "unavailable"
)

// statusOf is the one table from a refusal's code to its HTTP status.
var statusOf = map[room.Code]int{
	room.CodeBadJSON:      http.StatusBadRequest,
	room.CodeInvalidField: http.StatusBadRequest,
	room.CodeInvalidRoom:  http.StatusBadRequest,
	room.CodeInvalidUser:  http.StatusBadRequest,
	room.CodeNotSupported: http.StatusBadRequest,

	room.CodeUnauthorized: http.StatusUnauthorized,
	room.CodeWrongScope:   http.StatusForbidden,
	room.CodeWrongRoom:    http.StatusForbidden,

	room.CodeNoSuchRoom:       http.StatusNotFound,
	room.CodeNoSuchConnection: http.StatusNotFound,
	codeNotFound:              http.StatusNotFound,
	codeMethod:                http.StatusMethodNotAllowed,

	room.CodeRoomFull:      http.StatusConflict,
	room.CodeDuplicateUser: http.StatusConflict,
	room.CodeNotRunning:    http.StatusConflict,
	room.CodeNoLimit:       http.StatusConflict,
	room.CodeNotEnded:      http.StatusConflict,
	room.CodeRoomInUse:     http.StatusConflict,
	room.CodeSessionInUse:  http.StatusConflict,

	room.CodeLessonOver:      http.StatusGone,
	room.CodeChanged:         http.StatusPreconditionFailed,
	room.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	codeMedia:                http.StatusUnsupportedMediaType,
	room.CodeTooManyRequests: http.StatusTooManyRequests,

	codeInternal:                 http.StatusInternalServerError,
	codeUnavailable:              http.StatusServiceUnavailable,
	room.CodePlatformUnavailable: http.StatusServiceUnavailable,
}

// soon is the Retry-After of a 503 that names none.
const soon = 2 * time.Second

// problem is the body of a refusal (RFC 9457). The type is about:blank, so the
// title is the status in words; code tells refusals apart.
type problem struct {
	Type   string    `json:"type"`
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail"`
	Code   room.Code `json:"code"`
	Field  string    `json:"field,omitempty"`  // the first of Fields
	Fields []string  `json:"fields,omitempty"` // where there are several
}

func refuse(code room.Code, format string, args ...any) *room.Problem {
	return &room.Problem{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// refuseField says that one field is wrong.
func refuseField(field, format string, args ...any) *room.Problem {
	p := refuse(room.CodeInvalidField, format, args...)
	p.Fields = []string{field}
	return p
}

func writeProblem(w http.ResponseWriter, p *room.Problem) {
	status := statusOf[p.Code]
	body := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: p.Detail, Code: p.Code}
	if len(p.Fields) > 0 {
		body.Field = p.Fields[0]
	}
	if len(p.Fields) > 1 {
		body.Fields = p.Fields
	}
	after := p.RetryAfter
	if after <= 0 && status == http.StatusServiceUnavailable {
		after = soon
	}
	if after > 0 {
		w.Header().Set("Retry-After", wholeSeconds(after))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	write(w, status, "application/problem+json", body)
}

// wholeSeconds rounds up, so that who waits that long has waited long enough.
func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	write(w, status, "application/json", v)
	return nil
}

func write(w http.ResponseWriter, status int, kind string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values of this package's and package room's own types come here
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// clip shortens a value that somebody sent, for showing it.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
