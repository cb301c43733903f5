package lesson_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// besieged is a lesson with people in it who are refused and whom the platform
// does not disconnect, and the records that it has shed.
type besieged struct {
	*tale
	now     epoch.Instant // since noon
	ids     []string
	records map[string]lesson.Record
	asked   map[string]int // requests to disconnect, by connection
	givenUp map[string]int
	works   bool // the platform disconnects
}

// besiege lets so many people without a ticket come, a tenth of a second apart.
func besiege(t *testing.T, n int) *besieged {
	x := &besieged{
		tale: begin(t, `{"foreignTokens":"refuse"}`), records: map[string]lesson.Record{},
		asked: map[string]int{}, givenUp: map[string]int{},
	}
	for i := range n {
		x.now += 100
		id := fmt.Sprintf("c%03d", i)
		x.ids = append(x.ids, id)
		x.carryOut(arrives(id, "", noon+x.now))
	}
	return x
}

// carryOut decides, asks the platform for what follows, and sheds.
// It reports whether the input has more to say.
func (x *besieged) carryOut(in lesson.Input) (again bool) {
	x.t.Helper()
	d := lesson.Decide(x.l, in, noon+x.now)
	if d.Verdict != nil {
		x.t.Fatal(d.Verdict)
	}
	x.l = d.Lesson
	for _, id := range d.Effects.GivenUp {
		x.givenUp[id]++
	}
	x.ask(d.Effects.Disconnect)
	x.ask(x.l.Outstanding(noon + x.now).Disconnect)
	if s, ok := x.l.ToShed(); ok {
		x.l = s.Apply(x.l)
		for _, r := range s.Records {
			x.records[r.ID] = r
		}
	}
	return d.Effects.Again
}

// ask asks the platform to disconnect them.
func (x *besieged) ask(ids []string) {
	for _, id := range ids {
		x.asked[id]++
		if !x.works {
			x.decide(lesson.DisconnectFailed{Connection: id, After: x.l.Conns[id].Tries}, x.now)
			continue
		}
		x.ids = slices.DeleteFunc(x.ids, func(other string) bool { return other == id })
		e := arrives(id, "", noon+x.now)
		e.Event.Name, e.Event.ConnectedAt, e.Event.Reason = journal.ConnectionDestroyed, noon, "forceDisconnected"
		x.decide(e, x.now)
	}
}

// look reads the list, which shows all of them.
func (x *besieged) look() {
	x.t.Helper()
	r := lesson.Reading{Began: noon + x.now, Whole: true}
	s := lesson.Reconcile{Reading: &r, Shed: x.l.Shed}
	var records []lesson.Record
	for _, id := range x.ids {
		r.Present = append(r.Present, lesson.Presence{ID: id, Since: noon + 1})
		if _, here := x.l.Conns[id]; !here {
			records = append(records, x.records[id])
		}
	}
	s.Recollect(records)
	for x.carryOut(s) {
	}
}

// The item keeps a bounded number of those who do not go. The others are asked
// once, stand in records, and the list is read soon.
func TestWhoDoesNotGoIsLeftToTheList(t *testing.T) {
	x := besiege(t, 300)
	asked := x.l.Pick(func(c lesson.Conn) bool { return c.RetryAt != 0 })
	if len(asked) != lesson.MaxAsked || len(x.l.Conns) > lesson.MaxAsked+16 {
		t.Errorf("of %d connections in the item %d are asked", len(x.l.Conns), len(asked))
	}
	for _, id := range x.ids {
		if _, here := x.l.Conns[id]; x.asked[id] == 0 || !here && x.records[id].Conn == nil {
			t.Errorf("%s was asked %d times, and is remembered as %+v", id, x.asked[id], x.records[id])
		}
	}
	if next := x.l.Outstanding(noon + x.now).NextAt; next == 0 || next > (noon+x.now).Add(time.Minute) {
		t.Errorf("there is something to do at %s", next)
	}
}

// As long as there are such people, each reading of the list brings some of
// them back, in turn, until all were asked as often.
func TestBacklogIsAskedInTurn(t *testing.T) {
	x := besiege(t, 300)
	clear(x.asked)
	for range 12 {
		at := x.l.WatchAt - noon
		if at == 0 || at > x.now+60_000 {
			t.Fatalf("the list is read again at %s", x.l.WatchAt)
		}
		x.now = max(at, x.now+1000)
		x.look()
	}
	for _, id := range x.ids {
		if n := x.asked[id]; n < 2 {
			t.Errorf("%s was asked %d times in twelve minutes", id, n)
		}
	}
}

// Once the platform disconnects again, everybody is gone within minutes: the item
// is empty between two readings, and the list is read all the same.
func TestBacklogGoes(t *testing.T) {
	x := besiege(t, 300)
	x.works = true
	for step := 0; len(x.ids) > 0; step++ {
		e := x.l.Outstanding(noon + x.now)
		if step == 200 || e.NextAt == 0 {
			t.Fatalf("%d are still in, and there is something to do at %s", len(x.ids), e.NextAt)
		}
		x.now = max(x.now, e.NextAt-noon)
		if e = x.l.Outstanding(noon + x.now); e.Read == lesson.DueReading {
			x.look()
			x.l.ReadAt = noon + x.now
		}
		x.ask(e.Disconnect)
	}
	if x.now > 3*60_000 {
		t.Errorf("that took %d s", x.now/1000)
	}
	x.now += 60_000
	x.look()
	if x.l.Backlog {
		t.Error("the list is still read for them")
	}
}

// After a day everybody is given up, with one alarm each, and the lesson has
// nothing to do for them any more.
func TestBacklogIsGivenUp(t *testing.T) {
	x := besiege(t, 300)
	x.now += 25 * 3600 * 1000
	for range 20 {
		x.look()
		x.now += 60_000
	}
	for _, id := range x.ids {
		if x.givenUp[id] != 1 {
			t.Errorf("%s was given up %d times", id, x.givenUp[id])
		}
	}
	if e := x.l.Outstanding(noon + x.now); e.NextAt != 0 || x.l.Backlog {
		t.Errorf("there is something to do at %s", e.NextAt)
	}
}

// Somebody who leaves and comes back after that is asked to go like anybody.
func TestComingBackAfterBeingGivenUp(t *testing.T) {
	x := besiege(t, 1)
	x.now += 25 * 3600 * 1000
	x.look()
	x.decide(lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionDestroyed, Session: "s", At: noon + x.now, Received: noon + x.now,
		Connection: "c000", ConnectedAt: noon + 100, Reason: "clientDisconnected",
	}}, x.now)
	clear(x.asked)
	x.now += 60_000
	x.look()
	if x.asked["c000"] != 1 || x.givenUp["c000"] != 1 {
		t.Errorf("asked %d times, given up %d times", x.asked["c000"], x.givenUp["c000"])
	}
}

// Who was shed after its record was looked for is no stranger: the reading
// leaves it to the next one.
func TestShedWhileTheListIsRead(t *testing.T) {
	x := besiege(t, 20)
	r := lesson.Reading{Began: noon + x.now, Whole: true, Present: []lesson.Presence{{ID: "c003", Since: noon + 400}}}
	s := lesson.Reconcile{Reading: &r, Shed: x.l.Shed}
	c := x.l.Conns["c003"]
	x.l = lesson.Shed{Conns: []string{"c003"}, Records: []lesson.Record{{ID: "c003", Conn: &c}}, ShedThrough: c.CreatedAt}.Apply(x.l)
	x.decide(s, x.now)
	if c, here := x.l.Conns["c003"]; here || x.l.WatchAt > (noon+x.now).Add(time.Minute) {
		t.Errorf("it is taken for %+v; the list is read again at %s", c, x.l.WatchAt)
	}
}

// Strangers on the list are taken in as long as there is place; the list is read
// again soon for the others, in a lesson that goes on and in one that has ended.
func TestManyStrangersOnTheList(t *testing.T) {
	for name, end := range map[string]bool{"open": false, "ended": true} {
		t.Run(name, func(t *testing.T) {
			x := besiege(t, 0)
			if end {
				x.decide(lesson.End{}, 0)
			}
			for i := range 3000 {
				x.ids = append(x.ids, fmt.Sprintf("s%04d", i))
			}
			for range 40 {
				x.look()
				if n := x.l.Size(); n > lesson.MaxSize {
					t.Fatalf("the lesson takes %d bytes", n)
				}
				if !x.l.Backlog {
					break
				}
				if x.l.WatchAt > (noon + x.now).Add(time.Minute) {
					t.Fatalf("the list is read again at %s", x.l.WatchAt)
				}
				x.now = max(x.l.WatchAt-noon, x.now+61_000)
			}
			for _, id := range x.ids {
				if c, here := x.l.Conns[id]; !here && x.records[id].Conn == nil || end && x.asked[id] == 0 {
					t.Fatalf("%s is %+v and was asked to go %d times", id, c, x.asked[id])
				}
			}
		})
	}
}
