package vonage

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"usher/pkg/epoch"
	"usher/pkg/object"
)

// callback is the body of a webhook. encoding/json passes over fields of
// another type than these and goes on; the last of several equal keys counts.
type callback struct {
	Session     string         `json:"sessionId"`
	Project     label          `json:"projectId"`
	Application label          `json:"applicationId"`
	Name        string         `json:"event"`
	Timestamp   moment         `json:"timestamp"`
	Reason      string         `json:"reason"`
	Connection  wireConnection `json:"connection"`
	Stream      wireStream     `json:"stream"`
}

type wireConnection struct {
	ID        string `json:"id"`
	CreatedAt moment `json:"createdAt"`
	Data      string `json:"data"`
}

type wireStream struct {
	ID         string         `json:"id"`
	CreatedAt  moment         `json:"createdAt"`
	VideoType  string         `json:"videoType"`
	Connection wireConnection `json:"connection"`
}

func parseCallback(body []byte) (*callback, error) {
	body = object.TrimMark(body)
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return nil, ErrMalformed
	}
	var w callback
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(body, &w); err != nil && !errors.As(err, &wrongType) {
		return nil, ErrMalformed
	}
	return &w, nil
}

// moment is a time in milliseconds since the epoch, as a number or a text with
// a number in it. Everything else is 0, "not known".
type moment epoch.Instant

const (
	// firstMoment is in 1973. A time in seconds, of these years, is before
	// it, and would make a connection that came then the first of all.
	firstMoment = 100_000_000_000
	// lastMoment is the end of the year 9999, the last that RFC 3339 can write.
	lastMoment = 253_402_300_799_999
)

func (m *moment) UnmarshalJSON(body []byte) error {
	*m = parseMoment(string(bytes.Trim(body, "\" ")))
	return nil
}

func parseMoment(s string) moment {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n >= firstMoment && n <= lastMoment {
			return moment(n)
		}
		return 0
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= firstMoment && f <= lastMoment {
		return moment(f)
	}
	return 0
}

// label is a text, or a number taken as the text that it is written as.
type label string

func (l *label) UnmarshalJSON(body []byte) error {
	*l = ""
	switch c := body[0]; {
	case c == '"':
		var s string
		_ = json.Unmarshal(body, &s)
		*l = label(s)
	case c == '-' || (c >= '0' && c <= '9'):
		*l = label(body)
	}
	return nil
}
