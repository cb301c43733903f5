package vonagetest

import (
	"net/http"
	"slices"
	"strings"
)

// Message is one thing that a client is told by the platform. Seq counts from 1
// for each connection.
type Message struct {
	Seq        int         `json:"seq"`
	Event      string      `json:"event"`
	Connection *Connection `json:"connection,omitempty"`
	Stream     *Stream     `json:"stream,omitempty"`
	Reason     string      `json:"reason,omitempty"`
	Type       string      `json:"type,omitempty"` // of a signal
	Data       string      `json:"data,omitempty"`
	From       *Connection `json:"from"` // null unless a peer sent it
}

// Signal is one that the platform took, by whomever it was sent. From is empty
// for the server, To for everyone.
type Signal struct {
	At   int64  `json:"at"` // milliseconds since the epoch
	From string `json:"from"`
	To   string `json:"to"`
	Type string `json:"type"`
	Data string `json:"data"`
}

// Bounds of a signal: those of its length that the vendor documents, in bytes,
// and the letters of its type that the vendor's browser library (2.35) takes.
// What the REST API answers to other letters is unknown; here it is 400.
const (
	maxSignalType  = 128
	maxSignalData  = 8 << 10
	plainInSignals = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~"
)

// own is the message with copies of what it points to.
func (m Message) own() Message {
	m.Connection, m.Stream, m.From = copyOf(m.Connection), copyOf(m.Stream), copyOf(m.From)
	return m
}

func copyOf[T any](v *T) *T {
	if v == nil {
		return nil
	}
	return new(*v)
}

// tell puts a message into the client's inbox and wakes its event stream. What
// stands in an inbox is its own and never changes: event streams write it
// without the lock. The caller holds Platform.mu.
func (c *peer) tell(m Message) {
	m = m.own()
	m.Seq = c.forgotten + len(c.inbox) + 1
	c.inbox = keepLast(c.inbox, m, remembered)
	c.forgotten = m.Seq - len(c.inbox)
	close(c.wake)
	c.wake = make(chan struct{})
}

func (s *sessionState) tellAll(m Message) {
	for _, c := range s.in {
		c.tell(m)
	}
}

// told is what other clients get to know of a connection.
func (c *peer) told() *Connection {
	return &Connection{ID: c.ID, SessionID: c.SessionID, CreatedAt: c.CreatedAt, Data: c.Data, Streams: []Stream{}}
}

// since gives what c was told after the message seq, and whether that was all
// and c is gone; wake is closed when there is more.
func (p *Platform) since(c *peer, seq int) (list []Message, over bool, wake <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := min(max(seq-c.forgotten, 0), len(c.inbox))
	return slices.Clone(c.inbox[from:]), c.LeftAt != 0, c.wake
}

// Inbox is what a connection has been told, at least the last 1,000
// messages, also after it left.
func (p *Platform) Inbox(session, connection string) (list []Message, err error) {
	err = p.with(session, func(s *sessionState) error {
		c := s.find(connection)
		if c == nil {
			c = lookup(s.gone, connection)
		}
		if c == nil {
			return fail(http.StatusNotFound, "there never was such a connection: "+connection)
		}
		for _, m := range c.inbox {
			list = append(list, m.own())
		}
		return nil
	})
	return list, err
}

// Signals lists the signals of a session, at least the last 1,000, oldest first.
func (p *Platform) Signals(session string) (list []Signal) {
	_ = p.with(session, func(s *sessionState) error {
		list = slices.Clone(s.signals)
		return nil
	})
	return list
}

// Signal sends a signal from a peer (empty from: the server) to one connection
// or, with an empty to, to everyone.
func (p *Platform) Signal(session, from, to, kind, data string) error {
	if err := checkSignal(kind, data); err != nil {
		return err
	}
	return p.with(session, func(s *sessionState) error {
		sender, err := s.sender(from)
		if err != nil {
			return err
		}
		receivers, err := s.receivers(to)
		if err != nil {
			return err
		}
		for _, c := range receivers {
			c.tell(Message{Event: "signal", Type: kind, Data: data, From: sender})
		}
		s.signals = keepLast(s.signals, Signal{At: p.millis(), From: from, To: to, Type: kind, Data: data}, remembered)
		return nil
	})
}

func checkSignal(kind, data string) error {
	switch {
	case len(kind) > maxSignalType:
		return fail(http.StatusRequestEntityTooLarge, "a signal's type has at most 128 bytes")
	case len(data) > maxSignalData:
		return fail(http.StatusRequestEntityTooLarge, "a signal's data has at most 8 kB")
	case strings.Trim(kind, plainInSignals) != "":
		return fail(http.StatusBadRequest, "a signal's type can only contain letters, numbers, '-', '_', and '~': "+kind)
	}
	return nil
}

func (s *sessionState) sender(from string) (*Connection, error) {
	if from == "" {
		return nil, nil
	}
	c := s.find(from)
	switch {
	case c == nil:
		return nil, fail(http.StatusNotFound, "the sender is not in the session: "+from)
	case c.Role == "subscriber":
		return nil, fail(http.StatusForbidden, "a subscriber may not signal")
	}
	return c.told(), nil
}

func (s *sessionState) receivers(to string) ([]*peer, error) {
	if to == "" {
		if len(s.in) == 0 {
			return nil, fail(http.StatusNotFound, "nobody is in the session")
		}
		return s.in, nil
	}
	c := s.find(to)
	if c == nil {
		return nil, fail(http.StatusNotFound, "there is no such connection in the session: "+to)
	}
	return []*peer{c}, nil
}
