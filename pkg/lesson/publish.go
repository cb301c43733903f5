package lesson

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// A stream that its publisher's role may not publish is asked away by a signal first.
// Still there after the policy's grace, by the platform's own list of streams, its
// connection is disconnected.

// Who toggles a forbidden stream is asked away no more: the third one within a
// minute goes at once.
const (
	forbiddenAtOnce = 3
	forbiddenWithin = time.Minute
)

// pending reports whether the stream was asked away and its grace runs.
func (s Stream) pending() bool { return s.onAir() && s.GraceEndsAt != 0 }

// onAir reports whether the stream goes on as far as it was heard.
func (s Stream) onAir() bool { return s.Made && !s.Gone }

// notAllowed is the reason for a stream of that kind.
func notAllowed(kind policy.Kind) journal.Reason { return journal.Reason(kind) + "-not-allowed" }

// reviewAllStreams holds the streams of everyone who is in against the policy.
func (t *turn) reviewAllStreams(event string) {
	for _, c := range t.l.Pick(Conn.In) {
		t.reviewStreams(c.ID, event)
	}
	if t.l.Policy.RulesStreams() {
		t.reviewOutside()
	}
}

// reviewStreams holds the streams of a connection against the policy, once it is known
// whose they are: a forbidden one is asked away, one that is allowed now is let be.
func (t *turn) reviewStreams(id, event string) {
	if t.l.Status == journal.Ended {
		return
	}
	for _, stream := range t.l.Conns[id].streamIDs() {
		c := t.l.Conns[id]
		if !c.In() || c.State == ListedOnly {
			return
		}
		s := c.Streams[stream]
		switch allowed := t.l.Policy.MayPublish(c.Role, s.Kind); {
		case !s.onAir():
		case allowed && s.AskedAt != 0:
			s.AskedAt, s.GraceEndsAt = 0, 0
			t.putStream(c, stream, s)
		case !allowed && s.AskedAt == 0:
			t.forbid(c, stream, s, event)
		}
	}
}

// streamIDs gives the ids of the connection's streams, the earliest first.
func (c Conn) streamIDs() []string {
	return slices.SortedFunc(maps.Keys(c.Streams), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Streams[a].CreatedAt, c.Streams[b].CreatedAt), cmp.Compare(a, b))
	})
}

func (t *turn) putStream(c Conn, id string, s Stream) {
	c.Streams = maps.Clone(c.Streams)
	c.Streams[id] = s
	t.write(c)
}

// forbid asks a forbidden stream away, or ends its connection where there is nothing
// to wait for. Old news is no proof that the stream is there: the list has to show it.
func (t *turn) forbid(c Conn, id string, s Stream, event string) {
	grace, old := t.l.Policy.UnpublishGrace(), t.now.Sub(s.CreatedAt) > lateNews
	if !old && (grace == 0 || t.forbiddenLately(c) >= forbiddenAtOnce-1) {
		t.evictPublisher(c, id, s.Kind, journal.Line{Event: event})
		return
	}
	s.AskedAt, s.GraceEndsAt = t.now, t.now.Add(grace)
	t.putStream(c, id, s)
	t.logAbout(c, journal.Line{Event: event, EventAt: s.GraceEndsAt, Stream: id, Action: journal.DidAskAway, Reason: notAllowed(s.Kind)})
	t.sayUnpublish(c.ID, id, s.Kind, grace)
}

// forbiddenLately counts the streams of c's user that were asked away within the last
// minute, before this one.
func (t *turn) forbiddenLately(c Conn) int {
	n := 0
	for _, o := range t.l.Conns {
		if o.person() != c.person() {
			continue
		}
		for _, s := range o.Streams {
			if s.AskedAt != 0 && s.AskedAt < t.now && t.now < s.AskedAt.Add(forbiddenWithin) {
				n++
			}
		}
	}
	return n
}

// evictPublisher ends the connection of a forbidden stream, and keeps its user out for as
// long as the policy says.
func (t *turn) evictPublisher(c Conn, stream string, kind policy.Kind, line journal.Line) {
	line.Stream = stream
	t.remove(c, notAllowed(kind), line)
	t.banAfterRemoval(c, journal.Line{Event: line.Event})
	t.reconsiderWaiting(line.Event)
}

// StreamsRead compares the streams whose grace is over with a reading of the
// platform's list. A nil Reading is one that failed: it is made again.
type StreamsRead struct{ Reading *StreamReading }

func (s StreamsRead) decide(t *turn) error {
	t.l.StreamsReadAt, t.rest = t.now, true
	if s.Reading == nil {
		t.l.StreamsUnread++
		return nil
	}
	unread := t.l.StreamsUnread
	t.l.StreamsUnread, t.reading = 0, s.Reading.Began
	for _, c := range t.l.Pick(Conn.In) {
		for _, id := range c.streamIDs() {
			c = t.l.Conns[c.ID]
			over := c.In() && c.Streams[id].pending() && c.Streams[id].GraceEndsAt <= s.Reading.Began
			if over && !t.confirmStream(c, id, *s.Reading) {
				t.l.StreamsUnread = unread + 1
			}
		}
	}
	t.updateClock(journal.FromReconcile)
	return nil
}

// confirmStream decides about a stream whose grace is over: shown, its connection goes;
// not shown in time to prove it, the stream has stopped. It reports whether the reading
// says anything.
func (t *turn) confirmStream(c Conn, id string, r StreamReading) bool {
	s := c.Streams[id]
	proves := s.AskedAt.Add(absenceProvesAfter)
	switch {
	case r.Present[id]:
		t.evictPublisher(c, id, s.Kind, journal.Line{Event: journal.FromReconcile})
	case !r.Whole:
		return false
	case r.Began < proves:
		s.GraceEndsAt = proves
		t.putStream(c, id, s)
	default:
		s.Gone, s.GraceEndsAt = true, 0
		t.putStream(c, id, s)
		t.logAbout(c, journal.Line{Event: journal.FromReconcile, Stream: id, Action: journal.DidRepair, Reason: journal.Reconciled, Note: journal.StreamStopped})
	}
	return true
}

// streamsAt is when the list of streams is to be read; 0 for never.
func (l *Lesson) streamsAt() epoch.Instant {
	if l.Status == journal.Ended {
		return 0
	}
	var at epoch.Instant
	for _, c := range l.Conns {
		if !c.In() {
			continue
		}
		for _, s := range c.Streams {
			if s.pending() {
				at = earlier(at, s.GraceEndsAt)
			}
		}
	}
	if at == 0 {
		return 0
	}
	return max(at, l.StreamsReadAt.Add(backoff(max(1, l.StreamsUnread))))
}
