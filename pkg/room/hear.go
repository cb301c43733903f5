package room

import (
	"fmt"
	"maps"
)

// Heard is a webhook, with the records that Wants asked for.
type Heard struct {
	Event   Event
	Records []Record
}

func (h Heard) decide(t *turn) error {
	t.recall(h.Records)
	e := h.Event
	if _, known := t.l.Conns[e.Connection]; !known && len(t.l.Conns) >= 2*maxEntries {
		return errCrowded
	}
	switch {
	case e.Name == ConnectionCreated && e.Connection != "":
		t.arrive(e)
	case e.Name == ConnectionDestroyed && e.Connection != "":
		t.depart(e)
	case e.Name == StreamCreated && e.Stream != "" && e.Connection != "":
		t.stream(e)
	case e.Name == StreamDestroyed && e.Stream != "" && e.Connection != "":
		t.stream(e)
	default:
		t.note(e)
	}
	if t.changed {
		t.keepTime(e.Name)
		if t.l.Status != Ended || e.Name == ConnectionCreated {
			t.watch()
		}
	}
	return nil
}

// errCrowded says that so many wait that the item can take in no more; the
// event is heard later.
var errCrowded = fmt.Errorf("%w: too many connections wait to be decided", ErrUnavailable)

// oldNews is the age beyond which a first sign of a connection needs the
// list's word before it takes a seat or counts for the clock.
const oldNews = 10 * Minute

// arrive hears of a connection's coming. Heard of before: nothing is decided
// again.
func (t *turn) arrive(e Event) {
	c, known := t.l.Conns[e.Connection]
	if known && c.Created {
		return
	}
	if !known {
		c = Conn{ID: e.Connection, CreatedAt: e.ConnectedAt, HeardAt: t.now, ShownAt: e.ConnectedAt}
		c.Old = e.Received-e.ConnectedAt > oldNews
	}
	if c.State == Unheard {
		c.CreatedAt = e.ConnectedAt
	}
	c.Created = true
	c = t.introduce(c, t.l.identify(e.Data))
	line := Line{Event: e.Name, EventAt: e.ConnectedAt}
	switch {
	case c.told() || c.State == Seated:
		// Decided already, on the list's evidence.
		t.put(c)
		line.Action = DidNothing
		t.tell(c, line)
	case c.LeftAt != 0:
		t.passBy(c, line)
	case c.State == Waiting:
		// It waited as a stranger; now that it is known, look again.
		t.put(c)
		line.Action = DidWait
		t.tell(c, line)
		t.judge(c, Line{Event: e.Name}, nil)
	default:
		c.State, c.Untold = Waiting, true
		t.put(c)
		t.judge(c, line, nil)
		t.claimFirst()
	}
}

// claimFirst takes the right to read the list together with the coming of the
// first who waits: one write less until it is decided.
func (t *turn) claimFirst() {
	if t.l.Status != Ended && len(t.l.waiting()) == 1 && t.now >= t.l.ReadAt+readEvery {
		t.l.ReadAt = t.now
	}
}

// introduce gives c the identity. Who was already judged as somebody stays
// that; the promise is used by the first connection that carries its id.
func (t *turn) introduce(c Conn, who identity) Conn {
	if c.User == "" && c.Promise == "" {
		c.User, c.Role, c.Foreign, c.Promise = who.user, who.role, who.foreign, who.promise
	}
	if p, ok := t.l.Promises[who.promise]; ok && p.Used == "" {
		p.Used = c.ID
		t.l.Promises[p.ID] = p
	}
	return c
}

// passBy records somebody who had left before the webhook of the coming was
// heard: attendance and the clock hear of it, unless it had no right to be in.
func (t *turn) passBy(c Conn, line Line) {
	c.State, c.Untold, line.Action = Passed, false, DidNothing
	if c.Foreign && t.l.Policy.Foreign(t.l.Own) == Refuse {
		c.Reason, line.Reason = NoTicket, NoTicket
	}
	t.put(c)
	t.tell(c, line)
}

// depart hears of a connection's going. One that overtakes its coming is
// remembered, so that no ghost is left.
func (t *turn) depart(e Event) {
	c, known := t.l.Conns[e.Connection]
	if known && c.Destroyed {
		return
	}
	if !known {
		c = Conn{ID: e.Connection, CreatedAt: e.ConnectedAt, HeardAt: t.now, State: Passed}
		c.Old = e.Received-e.ConnectedAt > oldNews
	}
	if c.State == Unheard {
		c.State = Passed
	}
	c = t.announce(c)
	c.Destroyed, c.Bound = true, false
	c.LeftAt = max(e.At, c.CreatedAt)
	c.RetryAt = 0
	t.put(c)
	t.tell(c, Line{Event: e.Name, EventAt: c.LeftAt, Action: DidLeave, Note: e.Reason})
	t.moveUp(e.Name)
}

// moveUp decides those who wait, the earliest first, by what is known without
// another look at the list.
func (t *turn) moveUp(event string) {
	if t.l.Status == Ended {
		return
	}
	for _, c := range t.l.waiting() {
		if c = t.l.Conns[c.ID]; c.State == Waiting {
			t.judge(c, Line{Event: event}, nil)
		}
	}
}

// stream hears of a stream's coming or going. A stream proves its connection.
func (t *turn) stream(e Event) {
	c, known := t.l.Conns[e.Connection]
	s := c.Streams[e.Stream]
	if e.Name == StreamCreated && s.Made || e.Name == StreamDestroyed && s.Gone {
		return
	}
	if !known {
		c = t.sighting(e.Connection, e.ConnectedAt, t.now)
		c.Old = e.Received-e.ConnectedAt > oldNews
	}
	if e.Name == StreamCreated {
		s.Made, s.Kind, s.CreatedAt = true, e.Kind, e.StreamAt
	} else {
		s.Gone = true
		s.CreatedAt = e.StreamAt
	}
	if c.ShownAt = max(c.ShownAt, e.StreamAt); c.Bound {
		c.LeftAt = max(c.LeftAt, c.ShownAt)
	}
	c.Streams = withStream(c.Streams, e.Stream, s)
	t.put(c)
	t.tell(c, Line{Event: e.Name, EventAt: e.At, Stream: e.Stream, Action: DidNothing, Note: string(s.Kind)})
	if c.State == Unheard && c.LeftAt == 0 && t.l.Status == Ended {
		t.refuse(c, LessonOver, Line{Event: e.Name, EventAt: e.At})
	}
}

// maxStreams bounds the remembered streams of a connection.
const maxStreams = 16

// withStream remembers the stream; beyond the bound those go that ended first.
func withStream(streams map[string]Stream, id string, s Stream) map[string]Stream {
	next := maps.Clone(streams)
	if next == nil {
		next = map[string]Stream{}
	}
	next[id] = s
	for len(next) > maxStreams {
		oldest := ""
		for other, o := range next {
			if other != id && o.Gone && (oldest == "" || o.CreatedAt < next[oldest].CreatedAt) {
				oldest = other
			}
		}
		if oldest == "" {
			break
		}
		delete(next, oldest)
	}
	return next
}

// maxAhead is how far ahead of Usher's clock Vonage's may be.
const maxAhead = 5 * Second

// sighting is a connection that Vonage showed and whose own webhook has not
// come.
func (t *turn) sighting(id string, since, listed Time) Conn {
	if since == 0 || since > t.now+maxAhead {
		since = t.now
	}
	return Conn{
		ID: id, CreatedAt: since, HeardAt: t.now, ShownAt: since,
		State: Unheard, ListedAt: listed, Foreign: true,
	}
}

// note records an event that decides nothing. What it hints at, a destroyed or
// rotated session, is compared with the list.
func (t *turn) note(e Event) {
	if _, known := t.l.Seen[e.Digest]; known {
		return
	}
	t.l.Seen[e.Digest] = t.now
	t.log(Line{Event: e.Name, EventAt: e.At, Action: DidNothing, Note: e.Reason})
	if e.Name == SessionDestroyed || e.Name == SessionNotification {
		t.l.WatchAt = t.now
	}
}
