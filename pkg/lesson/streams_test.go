package lesson_test

import (
	"fmt"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// streamed lets the webhook of a stream be heard at once.
func (x *tale) streamed(name, id, stream string, at epoch.Instant) {
	x.t.Helper()
	x.decide(lesson.Webhook{Event: lesson.Event{
		Name: name, Session: "s", At: noon + at, Received: noon + at,
		Connection: id, ConnectedAt: noon, Stream: stream, StreamAt: noon + at, Kind: policy.Camera,
	}}, at)
}

// last is the last line of the log.
func (x *tale) last() journal.Line { return x.l.Tail[len(x.l.Tail)-1] }

// A connection's streams beyond sixteen are lines in the log, said once, and
// nothing else; who left room is followed by the next.
func TestStreamsOfOneConnection(t *testing.T) {
	x := begin(t, `{}`)
	x.came("A", "ann", 0, 0)
	for i := range 20 {
		x.streamed(journal.StreamCreated, "A", fmt.Sprint("s", i), epoch.Instant(i))
	}
	if n := len(x.l.Conns["A"].Streams); n != 16 || x.last().Stream != "s19" || x.last().Note != journal.NotKept {
		t.Fatalf("%d streams are kept, and the last line says %+v", n, x.last())
	}
	lines := len(x.l.Tail)
	x.streamed(journal.StreamCreated, "A", "s19", 19)
	if len(x.l.Tail) != lines {
		t.Errorf("heard again, it is said again: %+v", x.last())
	}
	x.streamed(journal.StreamDestroyed, "A", "s19", 30)
	x.streamed(journal.StreamDestroyed, "A", "s3", 31)
	x.streamed(journal.StreamCreated, "A", "s20", 32)
	if s, kept := x.l.Conns["A"].Streams["s20"]; !kept || x.last().Note != journal.Note(policy.Camera) {
		t.Errorf("after one that ended a new one is %+v, and the log says %+v", s, x.last())
	}
	if _, kept := x.l.Conns["A"].Streams["s3"]; kept {
		t.Error("the one that ended is remembered")
	}
	logged := journal.Fold(x.l.Tail).Streams
	if _, goesOn := logged["s19"]; goesOn || len(logged) != len(x.l.Logged().Streams) {
		t.Errorf("by the log go on %v", logged)
	}
}

// Of a lesson's streams those are forgotten first that are over, and then those
// of people who left: somebody who comes later finds a place.
func TestStreamsOfALesson(t *testing.T) {
	x := begin(t, `{"quorum":64}`)
	at := epoch.Instant(0)
	for i := range 16 {
		id := fmt.Sprint("c", i)
		x.came(id, id, 0, 0)
		for n := range 16 {
			at++
			x.streamed(journal.StreamCreated, id, fmt.Sprintf("%s-%d", id, n), at)
		}
	}
	kept := func(id, stream string) bool {
		_, kept := x.l.Conns[id].Streams[stream]
		return kept
	}
	x.came("L", "late", 0, 0)
	x.streamed(journal.StreamCreated, "L", "l0", at+1)
	if kept("L", "l0") || x.last().Note != journal.NotKept {
		t.Errorf("one more than 256 is kept")
	}
	x.streamed(journal.StreamDestroyed, "c6", "c6-9", at+2)
	x.streamed(journal.StreamDestroyed, "c7", "c7-9", at+3)
	x.streamed(journal.StreamCreated, "L", "l1", at+4)
	if !kept("L", "l1") || kept("c6", "c6-9") || !kept("c7", "c7-9") {
		t.Error("the oldest that ended did not make room")
	}
	x.streamed(journal.StreamCreated, "L", "l2", at+5)
	x.decide(lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionDestroyed, Session: "s", At: noon + at + 6, Received: noon + at + 6,
		Connection: "c5", ConnectedAt: noon, Reason: "clientDisconnected",
	}}, at+6)
	x.streamed(journal.StreamCreated, "L", "l3", at+7)
	if !kept("L", "l2") || !kept("L", "l3") || kept("c5", "c5-0") || !kept("c5", "c5-1") {
		t.Error("one of somebody who left did not make room")
	}
}

// Where the item is full of other things, a stream is not kept either.
func TestStreamsOfAFullItem(t *testing.T) {
	x := begin(t, `{}`)
	x.came("A", "ann", 0, 0)
	x.l.Tail = append(x.l.Tail, journal.Line{Action: journal.DidNothing, Note: journal.Note(make([]byte, lesson.FullSize-x.l.Size()))})
	x.streamed(journal.StreamCreated, "A", "s", 1)
	if len(x.l.Conns["A"].Streams) != 0 || x.last().Note != journal.NotKept {
		t.Errorf("kept are %v", x.l.Conns["A"].Streams)
	}
}

// What a stream that was not kept leaves behind is asked for when it may be
// meant, and not for any other stream.
func TestMemoryOfStreamsNotKept(t *testing.T) {
	x := begin(t, `{}`)
	x.came("A", "ann", 0, 0)
	for i := range 40 {
		x.streamed(journal.StreamCreated, "A", fmt.Sprint("s", i), epoch.Instant(i))
	}
	shed, _ := x.l.ToShed()
	x.l = shed.Apply(x.l)
	event := lesson.Event{Name: journal.StreamCreated, Session: "s", Connection: "A", ConnectedAt: noon, Stream: "s16", StreamAt: noon + 16}
	ids := x.l.RecordsFor(event)
	if len(ids) != 1 {
		t.Fatalf("asked for are %q", ids)
	}
	lines := len(x.l.Tail)
	for _, r := range shed.Records {
		if r.ID == ids[0] {
			x.decide(lesson.Webhook{Event: event, Records: []lesson.Record{r}}, 100)
		}
	}
	if len(x.l.Tail) != lines {
		t.Errorf("heard again, it is said again: %+v", x.last())
	}
	x.came("B", "ben", 0, 0)
	event.Connection = "B"
	if ids := x.l.RecordsFor(event); len(ids) != 0 {
		t.Errorf("for the first stream of somebody are asked %q", ids)
	}
}
