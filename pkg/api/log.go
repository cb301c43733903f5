package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Line is one line of a lesson's log. An absent value is null, never missing; a
// reason is empty.
type Line struct {
	Seq          int64          `json:"seq"`
	At           *string        `json:"at"`
	EventAt      *string        `json:"eventAt"`
	Event        string         `json:"event"`
	ConnectionID *string        `json:"connectionId"`
	StreamID     *string        `json:"streamId"`
	User         *string        `json:"user"`
	Role         *string        `json:"role"`
	Action       journal.Action `json:"action"`
	Reason       journal.Reason `json:"reason"`
	Because      *Because       `json:"because"`
	Actor        *string        `json:"actor"`
	Note         *journal.Note  `json:"note"`
}

// Because says who had the better right, and when the reading of the list began that
// proved it, or null.
type Because struct {
	Holders []string `json:"holders"` // ids of connections, and "promise:USER"
	ReadAt  *string  `json:"readAt"`
}

// LinePage is a page of a lesson's log; Next is what to pass as after.
type LinePage struct {
	Events    []Line  `json:"events"`
	SessionID *string `json:"sessionId"`
	Next      int64   `json:"next"`
}

func showLines(p doorkeeper.LinePage) LinePage {
	return LinePage{each(p.Lines, showLine), orNull(p.Session), p.Next}
}

// showLine shows other people's text in it, event names of Vonage's included, in
// plain characters.
func showLine(l journal.Line) Line {
	return Line{
		Seq: l.Seq, At: stamp(l.At), EventAt: stamp(l.EventAt), Event: journal.Plain(l.Event),
		ConnectionID: plainOrNull(l.Connection), StreamID: plainOrNull(l.Stream), User: plainOrNull(l.User), Role: plainOrNull(l.Role),
		Action: l.Action, Reason: journal.Plain(l.Reason), Because: showBecause(l.Because), Actor: plainOrNull(l.Actor), Note: plainOrNull(l.Note),
	}
}

func showBecause(b journal.Because) *Because {
	if b == "" {
		return nil
	}
	p := b.Proof()
	return &Because{each(p.Holders, journal.Plain[string]), stamp(p.ReadAt)}
}

func (b *Because) because() (journal.Because, error) {
	if b == nil {
		return "", nil
	}
	at, err := stamped(b.ReadAt)
	return journal.Proof{Holders: b.Holders, ReadAt: at}.Said(), err
}

func plainOrNull[T ~string](text T) *T { return orNull(journal.Plain(text)) }

// ReadLines reads the lines of a log as the API gives them: one page of events,
// or several, one after the other, or lines alone.
func ReadLines(r io.Reader) ([]journal.Line, error) {
	var lines []journal.Line
	err := readPages(r, func(p LinePage) (err error) {
		lines, err = p.lines(lines)
		return err
	})
	return lines, err
}

// ReadLog reads the lines of that session's log out of such pages, of which some may be of
// other sessions. A line alone says in its sessionId whose it is.
func ReadLog(r io.Reader, session string) ([]journal.Line, error) {
	var lines []journal.Line
	found := false
	err := readPages(r, func(p LinePage) (err error) {
		if orEmpty(p.SessionID) == session {
			found = true
			lines, err = p.lines(lines)
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("there is no page of the session %q; GET /v1/rooms/{room}/events?sessionId=%s answers them", session, url.QueryEscape(session))
	}
	return lines, err
}

func readPages(r io.Reader, each func(LinePage) error) error {
	pages := json.NewDecoder(r)
	for {
		var page struct {
			LinePage
			Line // alone
		}
		err := pages.Decode(&page)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && page.Seq != 0 {
			page.Events = append(page.Events, page.Line)
		}
		if err != nil {
			return fmt.Errorf("this is not a page of events as GET /v1/rooms/{room}/events answers it: %w", err)
		}
		if err := each(page.LinePage); err != nil {
			return err
		}
	}
}

// lines appends those of the page.
func (p LinePage) lines(to []journal.Line) ([]journal.Line, error) {
	for _, v := range p.Events {
		line, err := v.Journal()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", v.Seq, err)
		}
		to = append(to, line)
	}
	return to, nil
}

// Journal is the log line that is shown.
func (v Line) Journal() (journal.Line, error) {
	at, err := stamped(v.At)
	eventAt, err2 := stamped(v.EventAt)
	because, err3 := v.Because.because()
	return journal.Line{
		Seq: v.Seq, At: at, EventAt: eventAt, Event: v.Event,
		Connection: orEmpty(v.ConnectionID), Stream: orEmpty(v.StreamID), User: orEmpty(v.User), Role: orEmpty(v.Role),
		Action: v.Action, Reason: v.Reason, Actor: orEmpty(v.Actor), Note: orEmpty(v.Note), Because: because,
	}, errors.Join(err, err2, err3)
}

// stamped is the opposite of stamp.
func stamped(s *string) (epoch.Instant, error) {
	if s == nil {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, *s)
	return epoch.Of(t), err
}

// orEmpty is the opposite of orNull.
func orEmpty[T ~string](text *T) T {
	if text == nil {
		return ""
	}
	return *text
}
