package lesson

import (
	"cmp"
	"maps"

	"usher/pkg/journal"
)

// Bounds of the streams that a lesson remembers. A page needs a few; a client that
// makes more, and gives each an id of 255 bytes, must not keep the lesson from being
// written.
const (
	maxStreams         = 16  // of a connection
	maxStreamsInLesson = 256 // four each in a full room
)

// stream hears of a stream's coming or going. A stream proves its connection,
// also where it is one too many to be kept.
func (t *turn) stream(e Event) {
	c, known := t.l.Conns[e.Connection]
	s := c.Streams[e.Stream]
	if e.Name == journal.StreamCreated && s.Made || e.Name == journal.StreamDestroyed && s.Gone || t.l.wasNotKept(e) {
		return
	}
	if !known {
		c = t.listedConn(e.Connection, e.ConnectedAt, t.now)
		c.HeardLate = e.Received.Sub(e.ConnectedAt) > lateNews
	}
	s.CreatedAt = e.StreamAt
	if e.Name == journal.StreamCreated {
		s.Made, s.Kind = true, e.Kind
	} else {
		s.Gone = true
	}
	if c.ShownAt = max(c.ShownAt, e.StreamAt); c.LeftLowerBound {
		c.LeftAt = max(c.LeftAt, c.ShownAt)
	}
	t.write(c)
	note, kept := journal.Note(s.Kind), t.keepStream(c.ID, e.Stream, s)
	if !kept {
		note = journal.NotKept
		t.l.Seen[notKeptKey(e)], t.rest = t.now, true
	}
	c = t.l.Conns[c.ID]
	t.logAbout(c, journal.Line{Event: e.Name, EventAt: e.At, Stream: e.Stream, Action: journal.DidNothing, Note: note})
	t.afterStream(c, e)
	if !kept {
		t.endUnkept(c.ID, e)
	}
}

// endUnkept ends the connection of a forbidden stream that there is no place to remember:
// nobody could look whether it stops.
func (t *turn) endUnkept(id string, e Event) {
	c := t.l.Conns[id]
	known := c.In() && c.State != ListedOnly && t.l.Status != journal.Ended
	if known && e.Name == journal.StreamCreated && !t.l.Policy.MayPublish(c.Role, e.Kind) && t.now.Sub(e.StreamAt) <= lateNews {
		t.evictPublisher(c, e.Stream, e.Kind, journal.Line{Event: e.Name})
	}
}

// afterStream decides about the connection of a stream that shows it to be there.
func (t *turn) afterStream(c Conn, e Event) {
	if e.Name == journal.StreamCreated && c.Destroyed && e.StreamAt > c.LeftAt {
		t.comeBack(c, e.StreamAt, e.Name)
		return
	}
	if c.State == ListedOnly && c.LeftAt == 0 && t.l.Status == journal.Ended {
		t.refuse(c, journal.LessonOver, journal.Line{Event: e.Name, EventAt: e.At})
	}
}

// keepStream remembers the stream of a connection. Beyond the bounds the oldest of
// those that are over is forgotten; where all of them go on, it reports false, and the
// stream is not kept.
func (t *turn) keepStream(conn, id string, s Stream) bool {
	if _, kept := t.l.Conns[conn].Streams[id]; !kept {
		if len(t.l.Conns[conn].Streams) >= maxStreams && !t.forgetStream(conn) ||
			t.l.streams() >= maxStreamsInLesson && !t.forgetStream("") ||
			t.l.Size()+sizeOfStream+len(id) > FullSize {
			return false
		}
	}
	c := t.l.Conns[conn]
	c.Streams = maps.Clone(c.Streams)
	if c.Streams == nil {
		c.Streams = map[string]Stream{}
	}
	c.Streams[id] = s
	t.write(c)
	return true
}

// forgetStream forgets the oldest stream that is over: of that connection, or of
// all, where one counts whose connection is over, too. It reports whether there
// was one.
func (t *turn) forgetStream(of string) bool {
	var holder Conn
	oldest := ""
	for id, c := range t.l.Conns {
		if of != "" && of != id {
			continue
		}
		for stream, s := range c.Streams {
			over := s.Gone || of == "" && !c.In()
			if over && (oldest == "" || older(s, holder.Streams[oldest], stream, oldest)) {
				holder, oldest = c, stream
			}
		}
	}
	if oldest == "" {
		return false
	}
	holder.Streams = maps.Clone(holder.Streams)
	delete(holder.Streams, oldest)
	t.write(holder)
	return true
}

func older(a, b Stream, aID, bID string) bool {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(aID, bID)) < 0
}

// notKeptKey names an event of a stream that was not kept, among the digests of
// events that have no other memory: logged once, it is not logged again.
func notKeptKey(e Event) string { return e.Name + " " + e.Stream }

// wasNotKept reports whether the event was heard of a stream that was not kept.
func (l *Lesson) wasNotKept(e Event) bool {
	_, heard := l.Seen[notKeptKey(e)]
	return heard
}

// mayNotBeKept reports whether the event may be one of a stream that was not
// kept and whose memory was shed.
func (l *Lesson) mayNotBeKept(e Event) bool {
	c, known := l.Conns[e.Connection]
	if _, kept := c.Streams[e.Stream]; kept || e.Stream == "" || l.wasNotKept(e) {
		return false
	}
	return !known || len(c.Streams) >= maxStreams || l.streams() >= maxStreamsInLesson
}

// streams counts those that the lesson remembers.
func (l *Lesson) streams() int {
	n := 0
	for _, c := range l.Conns {
		n += len(c.Streams)
	}
	return n
}
