package doorkeeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// ReadLines reads the lines of a log as the API gives them: one page of events,
// or several, one after the other.
func ReadLines(r io.Reader) ([]journal.Line, error) {
	var lines []journal.Line
	pages := json.NewDecoder(r)
	for {
		var page LinePage
		err := pages.Decode(&page)
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("this is not a page of events as GET /v1/rooms/{room}/events answers it: %w", err)
		}
		for _, v := range page.Events {
			line, err := v.line()
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", v.Seq, err)
			}
			lines = append(lines, line)
		}
	}
}

// line is the log line that the view shows.
func (v LineView) line() (journal.Line, error) {
	at, err := stamped(v.At)
	eventAt, err2 := stamped(v.EventAt)
	return journal.Line{
		Seq: v.Seq, At: at, EventAt: eventAt, Event: v.Event,
		Connection: untext(v.ConnectionID), Stream: untext(v.StreamID), User: untext(v.User), Role: untext(v.Role),
		Action: v.Action, Reason: v.Reason, Actor: untext(v.Actor), Note: journal.Note(untext(v.Note)),
	}, errors.Join(err, err2)
}

func stamped(s *string) (epoch.Instant, error) {
	if s == nil {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, *s)
	return epoch.Of(t), err
}

func untext(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
