package vonagetest

import (
	"net/http"
	"slices"
)

// Connect is a client that connects with a token: signature, expiry, session
// and scope are checked, the token is not used up. An empty session means the
// token's own. A refusal is an *Error with status 403 or 404.
func (p *Platform) Connect(session, token string) (Connection, error) {
	g, err := p.admit(session, token)
	if err != nil {
		return Connection{}, err
	}
	return p.enter(g)
}

// ConnectForeign is a client whose token was made elsewhere, by somebody who
// has the project's key. An empty role is publisher.
func (p *Platform) ConnectForeign(session, data, role string) (Connection, error) {
	if role == "" {
		role = "publisher"
	}
	g := grant{session: session, role: role, data: data}
	if err := checkGrant(g); err != nil {
		return Connection{}, fail(http.StatusBadRequest, err.Error())
	}
	return p.enter(g)
}

// enter lets a client in and tells everyone: first the newcomer who is there,
// then all others, then the callback. Whoever is told can make the newcomer
// leave at once; the answer shows it as it came in all the same.
func (p *Platform) enter(g grant) (v Connection, err error) {
	err = p.with(g.session, func(s *sessionState) error {
		p.sessions[s.id] = s
		c := p.newPeer(s, g)
		if len(s.in) == 0 {
			p.hook(s, event{Event: "sessionCreated"})
		}
		s.in = append(s.in, c)
		s.greet(c)
		p.hook(s, event{Event: "connectionCreated", Connection: c.wire(c.Data)})
		v = c.view()
		return nil
	})
	return v, err
}

func (p *Platform) newPeer(s *sessionState, g grant) *peer {
	return &peer{
		Connection: Connection{
			ID: newUUID(), SessionID: s.id, CreatedAt: p.millis(), Data: g.data, Role: g.role, Streams: []Stream{},
		},
		token: g.token, wake: make(chan struct{}), stopGrace: func() {},
	}
}

// greet tells c of everyone in the session, itself included, and the others of c.
func (s *sessionState) greet(c *peer) {
	for _, other := range s.in {
		c.tell(Message{Event: "connectionCreated", Connection: other.told()})
		if other != c {
			other.tell(Message{Event: "connectionCreated", Connection: c.told()})
		}
	}
	for _, stream := range s.streams() {
		c.tell(Message{Event: "streamCreated", Stream: &stream})
	}
}

// Disconnect ends a connection for that reason, and its streams with it;
// Vanish ends it without a webhook.
func (p *Platform) Disconnect(session, connection, reason string) error {
	return p.withPeer(session, connection, func(s *sessionState, c *peer) error {
		p.leave(s, c, reason)
		return nil
	})
}

// leave takes c out. The caller holds p.mu.
func (p *Platform) leave(s *sessionState, c *peer, reason string) {
	quiet := reason == Vanish
	if quiet {
		reason = NetworkDisconnected
	}
	for _, stream := range slices.Clone(c.Streams) {
		p.endStream(s, c, stream, reason, quiet)
	}
	c.LeftAt, c.Reason = p.millis(), reason
	c.stopGrace()
	s.in = slices.DeleteFunc(s.in, func(other *peer) bool { return other == c })
	s.gone = keepLast(s.gone, c, remembered)
	c.tell(Message{Event: "sessionDisconnected", Reason: reason})
	s.tellAll(Message{Event: "connectionDestroyed", Connection: c.told(), Reason: reason})
	if quiet {
		return
	}
	p.hook(s, event{Event: "connectionDestroyed", Connection: c.wire(""), Reason: reason})
	if len(s.in) == 0 {
		p.hook(s, event{Event: "sessionDestroyed", Reason: reason})
	}
}

// Publish starts a stream of that kind: camera, screen, custom or audio. A
// subscriber may not.
func (p *Platform) Publish(session, connection, kind, name string) (Stream, error) {
	if !slices.Contains([]string{"camera", "screen", "custom", "audio"}, kind) {
		return Stream{}, fail(http.StatusBadRequest, "kind is none of camera, screen, custom, audio: "+kind)
	}
	stream := Stream{ID: newUUID(), ConnectionID: connection, Kind: kind, Name: name}
	err := p.withPeer(session, connection, func(s *sessionState, c *peer) error {
		if c.Role == "subscriber" {
			return fail(http.StatusForbidden, "a subscriber may not publish")
		}
		stream.CreatedAt = p.millis()
		c.Streams = append(c.Streams, stream)
		s.tellAll(Message{Event: "streamCreated", Stream: &stream})
		p.hook(s, event{Event: "streamCreated", Stream: wireStream(c, stream)})
		return nil
	})
	return stream, err
}

// Unpublish ends a stream, whose ever it is. An empty reason is
// ClientUnpublished; Vanish ends it without a webhook.
func (p *Platform) Unpublish(session, stream, reason string) error {
	if reason == "" {
		reason = ClientUnpublished
	}
	return p.with(session, func(s *sessionState) error {
		for _, c := range s.in {
			if i := c.streamAt(stream); i >= 0 {
				p.endStream(s, c, c.Streams[i], reason, reason == Vanish)
				return nil
			}
		}
		return fail(http.StatusNotFound, "there is no such stream in the session: "+stream)
	})
}

func (p *Platform) endStream(s *sessionState, c *peer, stream Stream, reason string, quiet bool) {
	c.Streams = slices.DeleteFunc(c.Streams, func(other Stream) bool { return other.ID == stream.ID })
	s.ended = keepLast(s.ended, endedStream{stream, p.millis()}, remembered)
	if quiet {
		reason = NetworkDisconnected
	}
	s.tellAll(Message{Event: "streamDestroyed", Stream: &stream, Reason: reason})
	if !quiet {
		p.hook(s, event{Event: "streamDestroyed", Stream: wireStream(c, stream), Reason: reason})
	}
}

func (c *peer) streamAt(id string) int {
	return slices.IndexFunc(c.Streams, func(s Stream) bool { return s.ID == id })
}

// mute turns a stream's sound off.
func (p *Platform) mute(session, stream string) error {
	return p.with(session, func(s *sessionState) error {
		for _, c := range s.in {
			if i := c.streamAt(stream); i >= 0 {
				c.Streams[i].Muted = true
				c.tell(Message{Event: "muteForced", Stream: &c.Streams[i]})
				return nil
			}
		}
		return fail(http.StatusNotFound, "there is no such stream in the session: "+stream)
	})
}
