package lesson_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// hall is a lesson whose records are at hand.
type hall struct {
	l       lesson.Lesson
	records map[string]lesson.Record
	now     epoch.Instant
}

func newHall(t *testing.T, text string, people int) *hall {
	t.Helper()
	h := &hall{begin(t, text).l, map[string]lesson.Record{}, noon}
	for i := range people {
		h.decide(h.webhook(journal.ConnectionCreated, fmt.Sprintf("c%03d", i), ""))
		h.shed()
	}
	return h
}

// webhook is that of a moment later, with the records that are wanted.
func (h *hall) webhook(event, id, reason string) lesson.Webhook {
	h.now += 100
	came := h.now
	if c, here := h.l.Conns[id]; here {
		came = c.CreatedAt
	} else if r, there := h.records[id]; there {
		came = r.Conn.CreatedAt
	}
	e := lesson.Event{
		Name: event, Session: "s", At: h.now, Received: h.now, Connection: id, ConnectedAt: came,
		Data: "user " + id, Reason: reason,
	}
	if event == journal.StreamCreated {
		e.Stream, e.Kind = "s"+h.now.String(), policy.Camera
	}
	return h.asked(e)
}

func (h *hall) asked(e lesson.Event) lesson.Webhook {
	w := lesson.Webhook{Event: e}
	for _, id := range h.l.RecordsFor(e) {
		if r, ok := h.records[id]; ok {
			w.Records = append(w.Records, r)
		}
	}
	return w
}

func (h *hall) decide(in lesson.Input) lesson.Decision {
	d := lesson.Decide(h.l, in, h.now)
	h.l = d.Lesson
	h.l.Revision++
	return d
}

func (h *hall) shed() {
	out, ok := h.l.ToShed()
	if !ok {
		return
	}
	for _, r := range out.Records {
		h.records[r.ID] = r
	}
	h.l = out.Apply(h.l)
}

// anybody draws somebody who has come.
func (h *hall) anybody(t *rapid.T, people int) string {
	return fmt.Sprintf("c%03d", rapid.IntRange(0, people-1).Draw(t, "who"))
}

// alike compares what is stored with what was decided, but for the counts of writes.
func alike(decided, stored lesson.Lesson) string {
	stored.Revision, stored.Added, stored.Tell = decided.Revision, decided.Added, decided.Tell
	return cmp.Diff(decided, stored)
}

// What a Leave stores is what was decided, of somebody in the item and of somebody outside.
func TestLeaveIsTheDecision(t *testing.T) {
	h := newHall(t, `{"lessonSeconds":3600}`, 100)
	for _, id := range []string{"c005", "c099"} {
		d := lesson.Decide(h.l, h.webhook(journal.ConnectionDestroyed, id, "clientDisconnected"), h.now)
		if _, inside := h.l.Conns[id]; d.Write != lesson.Leave || d.Leave.Outside == inside {
			t.Fatalf("%s: write %d, outside %t", id, d.Write, d.Leave.Outside)
		}
		if diff := alike(d.Lesson, d.Leave.Into(h.l)); diff != "" {
			t.Errorf("%s: what was decided and what is stored differ:\n%s", id, diff)
		}
	}
}

// A departure is a Leave only where nothing else rests on it.
func TestLeaveConcernsNobody(t *testing.T) {
	for name, c := range map[string]struct {
		policy, reason string
		before         func(*hall)
		want           lesson.Write
	}{
		"a hall":               {`{"lessonSeconds":3600}`, "clientDisconnected", nil, lesson.Leave},
		"a cap":                {`{"maxSeats":30}`, "clientDisconnected", nil, lesson.Swap},
		"a clock that pauses":  {`{"lessonSeconds":3600,"clock":"pause"}`, "clientDisconnected", nil, lesson.Swap},
		"not started":          {`{"quorum":60}`, "clientDisconnected", nil, lesson.Swap},
		"a departure in doubt": {`{"lessonSeconds":3600}`, "networkDisconnected", nil, lesson.Swap},
		"somebody is listed only": {`{"lessonSeconds":3600}`, "clientDisconnected", func(h *hall) {
			h.l.Conns["Z"] = lesson.Conn{ID: "Z", State: lesson.ListedOnly, ListedAt: h.now, CreatedAt: h.now}
		}, lesson.Swap},
		"the end": {`{"maxSeats":30}`, "forceDisconnected", func(h *hall) { h.decide(lesson.End{}) }, lesson.Leave},
		"the end of a clock that pauses": {
			`{"lessonSeconds":3600,"clock":"pause"}`, "forceDisconnected",
			func(h *hall) { h.decide(lesson.End{}) }, lesson.Swap,
		},
		"the deadline has come": {`{"lessonSeconds":9}`, "clientDisconnected", func(h *hall) { h.now += 10_000 }, lesson.Swap},
		"no place for a Leave": {`{"lessonSeconds":3600}`, "clientDisconnected", func(h *hall) {
			h.l.Tail = append(h.l.Tail, journal.Line{Note: journal.Note(strings.Repeat("x", lesson.FullSize-h.l.Size()-100))})
		}, lesson.Swap},
		"told to go from under a cap": {`{"maxSeats":30}`, "forceDisconnected", func(h *hall) { h.decide(lesson.Remove{Connection: "c007"}) }, lesson.Leave},
		"heard of for the first time": {`{"lessonSeconds":3600}`, "clientDisconnected", func(h *hall) { delete(h.l.Conns, "c007") }, lesson.Swap},
		"the list told it before": {`{"lessonSeconds":3600}`, "clientDisconnected", func(h *hall) {
			h.change("c007", func(c *lesson.Conn) { c.LeftAt, c.LeftLowerBound = h.now, true })
		}, lesson.Swap},
		"another one is given up": {`{"lessonSeconds":3600}`, "clientDisconnected", func(h *hall) {
			h.decide(lesson.Remove{Connection: "c008"})
			h.change("c008", func(c *lesson.Conn) { c.DisconnectRequestedAt = h.now.Add(-25 * time.Hour) })
		}, lesson.Swap},
		"nobody watches": {`{}`, "clientDisconnected", func(h *hall) {
			h.l.WatchAt, h.l.EmptyReadings, h.l.Due = 0, 2, h.now.Add(time.Second)
		}, lesson.Swap},
		"a Due that has come": {`{"lessonSeconds":3600}`, "clientDisconnected", func(h *hall) { h.l.Due = h.now }, lesson.Leave},
		"the last one to wait for": {`{}`, "forceDisconnected", func(h *hall) {
			h.over("c007")
			h.l.Due = h.l.Conns["c007"].RetryAt
		}, lesson.Swap},
		"the backend is to be told, and nothing else is due": {`{}`, "forceDisconnected", func(h *hall) {
			h.over("c007")
			h.change("c007", func(c *lesson.Conn) { c.RetryAt, c.GivenUp = 0, true })
			h.l.Tell, h.l.Due = &lesson.Tell{Through: h.l.Base + int64(len(h.l.Tail))}, 0
		}, lesson.Swap},
	} {
		h := newHall(t, c.policy, 20)
		if c.before != nil {
			c.before(h)
		}
		d := lesson.Decide(h.l, h.webhook(journal.ConnectionDestroyed, "c007", c.reason), h.now)
		if d.Write != c.want {
			t.Errorf("%s: write %d, want %d", name, d.Write, c.want)
		}
		if d.Write != lesson.Leave {
			continue
		}
		if diff := alike(d.Lesson, d.Leave.Into(h.l)); diff != "" {
			t.Errorf("%s: what was decided and what is stored differ:\n%s", name, diff)
		}
	}
}

// Other news of somebody who was told to go is no Leave, though it changes nothing else.
func TestOtherNewsIsNoLeave(t *testing.T) {
	h := newHall(t, `{}`, 20)
	h.decide(lesson.End{})
	if d := lesson.Decide(h.l, h.webhook(journal.StreamCreated, "c007", ""), h.now); d.Write != lesson.Swap {
		t.Errorf("a stream: write %d, want a Swap", d.Write)
	}
	h.decide(h.webhook(journal.ConnectionDestroyed, "c007", "forceDisconnected"))
	h.change("c007", func(c *lesson.Conn) { c.Destroyed, c.LeftAt, c.RetryAt, c.Tries = false, 0, h.now, 1 }) // it is back
	if d := lesson.Decide(h.l, lesson.DisconnectFailed{Connection: "c007", After: 1}, h.now); d.Write != lesson.Swap {
		t.Errorf("a request that failed: write %d, want a Swap", d.Write)
	}
}

// change changes a connection of the item.
func (h *hall) change(id string, by func(*lesson.Conn)) {
	c := h.l.Conns[id]
	by(&c)
	h.l.Conns[id] = c
}

// over ends the lesson, lets all but one leave, and the watch be over.
func (h *hall) over(but string) {
	h.decide(lesson.End{})
	for id := range h.l.Conns {
		if id != but {
			h.change(id, func(c *lesson.Conn) { c.Destroyed, c.LeftAt, c.RetryAt = true, h.now, 0 })
		}
	}
	h.l.WatchAt, h.l.EmptyReadings = 0, 2
}

// One of two connections of a user is no witness beside the other, until that one turns out
// to have left before the start as well.
func TestLeaveBeforeTheStart(t *testing.T) {
	x := begin(t, `{"lessonSeconds":3600}`)
	x.came("A1", "ann", 0, 0)
	x.came("A2", "ann", 100, 100)
	x.came("B", "ben", 2_000, 2_000)
	left := lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionDestroyed, Session: "s", At: noon + 1_000, Received: noon + 3_000,
		Connection: "A2", ConnectedAt: noon + 100, Reason: "clientDisconnected",
	}}
	if d := lesson.Decide(x.l, left, noon+3_000); d.Write != lesson.Swap {
		t.Errorf("write %d, want a Swap", d.Write)
	}
}

// What a Leave rests on: who was in the item when it was decided, and who was not.
func TestLeaveRestsOn(t *testing.T) {
	for name, change := range map[string]func(*hall){
		"":              func(*hall) {},
		"its policy":    func(h *hall) { h.l.PolicyVersion++ },
		"the start":     func(h *hall) { h.l.StartedAt -= 10 },
		"going on":      func(h *hall) { h.l.Status = journal.Ended },
		"a short tail":  func(h *hall) { h.l.Tail = append(h.l.Tail, make([]journal.Line, lesson.MaxTail)...) },
		"nobody's wait": func(h *hall) { h.l.Conns["W"] = lesson.Conn{ID: "W", State: lesson.Waiting} },
	} {
		for _, id := range []string{"c005", "c099"} {
			h := newHall(t, `{"lessonSeconds":3600}`, 100)
			d := lesson.Decide(h.l, h.webhook(journal.ConnectionDestroyed, id, "clientDisconnected"), h.now)
			if change(h); d.Write != lesson.Leave || d.Leave.Fits(h.l) != (name == "") {
				t.Errorf("%s: write %d rests on %q: it fits: %t", id, d.Write, name, d.Leave.Fits(h.l))
			}
		}
	}
	h := newHall(t, `{"lessonSeconds":3600}`, 100)
	d := lesson.Decide(h.l, h.webhook(journal.ConnectionDestroyed, "c005", "clientDisconnected"), h.now)
	back := h.l
	back.Conns = map[string]lesson.Conn{"c005": d.Leave.Was}
	if h.l.Shed++; d.Leave.Fits(h.l) || d.Leave.Fits(back) {
		t.Error("it fits though its record was written anew, or came back")
	}
}

// A Leave that was decided before other things happened, and still fits, is what would be
// decided after them.
func TestLeaveStaysTheDecision(t *testing.T) {
	fit := 0
	rapid.Check(t, func(r *rapid.T) {
		people := rapid.SampledFrom([]int{3, 20, 120}).Draw(r, "people")
		h := newHall(t, rapid.SampledFrom([]string{
			`{"lessonSeconds":3600}`, `{}`, `{"maxSeats":60}`, `{"maxByRole":{"student":2}}`, `{"quorum":3,"lessonSeconds":60,"clock":"pause"}`,
		}).Draw(r, "policy"), people)
		if rapid.IntRange(0, 4).Draw(r, "over") == 0 {
			h.decide(lesson.End{})
		}
		e := h.webhook(journal.ConnectionDestroyed, h.anybody(r, people), "clientDisconnected")
		d := lesson.Decide(h.l, e, h.now)
		r.Repeat(map[string]func(*rapid.T){
			"come": func(r *rapid.T) { h.decide(h.webhook(journal.ConnectionCreated, "n"+h.now.String(), "")) },
			"leave": func(r *rapid.T) {
				h.decide(h.webhook(journal.ConnectionDestroyed, h.anybody(r, people), "clientDisconnected"))
			},
			"stream": func(r *rapid.T) { h.decide(h.webhook(journal.StreamCreated, h.anybody(r, people), "")) },
			"shed":   func(*rapid.T) { h.shed() },
			"remove": func(r *rapid.T) { h.decide(lesson.Remove{Connection: h.anybody(r, people)}) },
			"later":  func(*rapid.T) { h.now += 500 },
			"wake":   func(*rapid.T) { h.decide(lesson.Wake{}) },
		})
		if d.Write != lesson.Leave || !d.Leave.Fits(h.l) {
			return
		}
		fit++
		stored := d.Leave.Into(h.l)
		again := lesson.Decide(h.l, h.asked(e.Event), d.Leave.Line.At)
		again.Lesson.Due = stored.Due // a Due that has come may stay
		if diff := alike(again.Lesson, stored); diff != "" || again.Write == lesson.Nothing {
			r.Fatalf("decided anew it is another departure (write %d):\n%s", again.Write, diff)
		}
	})
	if fit == 0 {
		t.Error("none fitted")
	}
	t.Logf("%d fitted", fit)
}

// On a clock that pauses, those who stand only in records are of the quorum, too.
func TestPeopleOutsideKeepTheClockRunning(t *testing.T) {
	h := newHall(t, `{"quorum":60,"lessonSeconds":3600,"clock":"pause"}`, 300)
	for _, c := range h.l.Pick(lesson.Conn.In) {
		h.decide(h.webhook(journal.ConnectionDestroyed, c.ID, "clientDisconnected"))
		h.shed()
	}
	if len(h.l.Pick(lesson.Conn.In)) >= 60 || h.l.PresentOutside < 60 || h.l.Status != journal.Running {
		t.Fatalf("%d outside, %s", h.l.PresentOutside, h.l.Status)
	}
	for id, r := range h.records {
		if r.Conn == nil || !r.Conn.In() {
			continue
		}
		h.decide(h.webhook(journal.ConnectionDestroyed, id, "clientDisconnected"))
		h.shed()
		if in := h.l.Seats(); (h.l.Status == journal.Running) != (in >= 60) {
			t.Fatalf("with %d in it is %s", in, h.l.Status)
		}
	}
	if h.l.Seats() >= 60 {
		t.Errorf("%d are still in", h.l.Seats())
	}
}
