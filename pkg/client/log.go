package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// LogPage is a page of a log, its lines as the server gave them.
type LogPage struct {
	Events    []json.RawMessage `json:"events"`
	SessionID string            `json:"sessionId"` // "": the room has had none
	Next      int64             `json:"next"`
}

// LogPage reads one page of the log of a session, or with session "" of the room's own.
func (c *Client) LogPage(ctx context.Context, room, session string, after int64) (p LogPage, err error) {
	r := Room(http.MethodGet, room, "events")
	r.Query = url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(pageLength)}}
	if session != "" {
		r.Query.Set("sessionId", session)
	}
	body, err := c.Do(ctx, r)
	if err != nil {
		return p, err
	}
	return Read[LogPage](body)
}

// Log reads the log of a session to its end, or with session "" of the room's own as it
// is at the first page.
func (c *Client) Log(ctx context.Context, room, session string, each func(LogPage) error) error {
	f := Follower{Client: c, Room: room, Session: session, Each: each}
	return f.rest(ctx)
}

const (
	// pollEvery is how long a follower waits between two looks, and longestWait how
	// long after several that failed.
	pollEvery   = time.Second
	longestWait = 8 * time.Second
)

// Follower reads a log as it grows. Each is called for every page that is not empty, in
// the order of the lines, each line once.
type Follower struct {
	Client *Client
	Room   string
	// Session is the one that is read; "": the room's own, also when it has another.
	Session string
	Each    func(LogPage) error
	// Trouble is called when looks begin to fail, and with nil when one succeeds
	// again. Nil: nobody is told.
	Trouble func(error)

	at    string // the session that is read
	after int64
	ill   bool
}

// Follow reads until ctx ends, then gives nil. A server that is away is waited for, once
// it has answered; what it refuses ends the reading.
func (f *Follower) Follow(ctx context.Context) error {
	wait := time.Duration(0)
	for known := false; ctx.Err() == nil; {
		switch err := f.look(ctx); {
		case ctx.Err() != nil: // it was broken off
		case err == nil:
			known, wait = true, pollEvery
			f.say(nil)
		case known && passing(err):
			wait = min(max(2*wait, pollEvery), longestWait)
			f.say(err)
		default:
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

// passing reports whether an error may be gone at the next look.
func passing(err error) bool {
	var r *Refusal
	return errors.Is(err, ErrUnreachable) || errors.As(err, &r) && r.Later()
}

func (f *Follower) say(err error) {
	if ill := err != nil; ill != f.ill && f.Trouble != nil {
		f.ill = ill
		f.Trouble(err)
	}
}

// look reads what is new. Where the room has another session, what is left of the one
// before comes first.
func (f *Follower) look(ctx context.Context) error {
	if f.Session != "" || f.at == "" {
		return f.rest(ctx)
	}
	p, err := f.Client.LogPage(ctx, f.Room, "", f.after)
	if err != nil {
		return err
	}
	if p.SessionID == f.at {
		if err := f.take(p); err != nil {
			return err
		}
		if len(p.Events) < pageLength {
			return nil
		}
		return f.rest(ctx)
	}
	var gone *Refusal // with the room that had it, where another has its name
	if err := f.rest(ctx); err != nil && (!errors.As(err, &gone) || gone.Later()) {
		return err
	}
	f.at, f.after = p.SessionID, 0
	return f.rest(ctx)
}

// rest reads the session to its end.
func (f *Follower) rest(ctx context.Context) error {
	if f.at == "" {
		f.at = f.Session
	}
	for {
		p, err := f.Client.LogPage(ctx, f.Room, f.at, f.after)
		if err != nil {
			return err
		}
		f.at = p.SessionID
		if len(p.Events) == 0 {
			return nil
		}
		if err := f.take(p); err != nil {
			return err
		}
	}
}

func (f *Follower) take(p LogPage) error {
	if len(p.Events) == 0 {
		return nil
	}
	f.after = p.Next
	return f.Each(p)
}
