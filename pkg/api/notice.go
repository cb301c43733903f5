package api

import (
	"bytes"
	"encoding/json"

	"usher/pkg/room"
)

// notice is the body of a POST to the owner's backend, in the form of the Standard
// Webhooks specification.
type notice struct {
	Type      string     `json:"type"`
	Timestamp *string    `json:"timestamp"` // when Usher decided
	Data      noticeData `json:"data"`
}

// noticeData is the line as GET events shows it, and of which lesson it is.
type noticeData struct {
	Room      string `json:"room"`
	SessionID string `json:"sessionId"`
	Line
	// Attendance is that of GET attendance, with lesson.ended.
	Attendance json.RawMessage `json:"attendance,omitempty"`
}

// Notice is the JSON of what the owner's backend is told.
func Notice(n room.Notice) ([]byte, error) {
	data := noticeData{Room: n.Room, SessionID: n.Session, Line: showLine(n.Line)}
	if n.Attendance != nil {
		var record bytes.Buffer
		if err := writeAttendance(&record, *n.Attendance); err != nil {
			return nil, err
		}
		data.Attendance = record.Bytes()
	}
	return json.Marshal(notice{Type: n.Line.Told(), Timestamp: stamp(n.Line.At), Data: data})
}
