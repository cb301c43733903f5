package lesson_test

import (
	"fmt"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// promised is a lesson in which so many users have asked for credentials, a
// tenth of a second apart, and what it has shed.
func promised(t *testing.T, policy string, n int) (*tale, map[string]lesson.Record) {
	x, records := begin(t, policy), map[string]lesson.Record{}
	for i := range n {
		x.asks(fmt.Sprintf("u%03d", i), fmt.Sprintf("p%03d", i), epoch.Instant(i)*100)
		if s, ok := x.l.ToShed(); ok {
			x.l = s.Apply(x.l)
			for _, r := range s.Records {
				records[r.ID] = r
			}
		}
	}
	return x, records
}

// In a room without a cap the oldest open promises leave the item; nobody is
// turned away, and who asks again soon gets what it was given.
func TestPromisesOfAHall(t *testing.T) {
	x, records := promised(t, `{}`, 600)
	if n := len(x.l.Promises); n < 128 || n >= 128+16 {
		t.Errorf("%d promises stand in the item", n)
	}
	if r := records[lesson.PromiseKey("p000")]; r.Promise == nil || r.Promise.User != "u000" {
		t.Errorf("the first promise is remembered as %+v", r)
	}
	lines := len(x.l.Tail)
	x.asks("u599", "again", 60_100)
	if p, _ := x.l.Current("u599", ""); p.ID != "p599" || len(x.l.Tail) > lines+1 {
		t.Errorf("asking again gives %s", p.ID)
	}
}

// Who comes by a promise that has left the item is its user all the same.
func TestComingByAPromiseThatWasShed(t *testing.T) {
	x, records := promised(t, `{}`, 600)
	e := arrives("A", lesson.DataOf("p000", nil), noon+60_000)
	ids := x.l.RecordsFor(e.Event)
	if len(ids) != 1 {
		t.Fatalf("asked for are %q", ids)
	}
	e.Records = []lesson.Record{records[ids[0]]}
	x.decide(e, 60_000)
	if c := x.l.Conns["A"]; c.State != lesson.Seated || c.User != "u000" || c.Foreign {
		t.Errorf("it is %+v", c)
	}
}

// A promise that has left the item holds no seat, also where the room gets a cap
// before its owner comes.
func TestCapAfterPromisesWereShed(t *testing.T) {
	x, records := promised(t, `{"quorum":2}`, 200)
	x.policy(`{"maxSeats":2}`, 2, 20_000)
	for i := range 128 {
		id := fmt.Sprintf("p%03d", i)
		if r, shed := records[lesson.PromiseKey(id)]; shed {
			e := arrives("c"+id, lesson.DataOf(id, nil), noon+21_000+epoch.Instant(i))
			e.Records = []lesson.Record{r}
			x.decide(e, 21_000+epoch.Instant(i))
			x.is("c"+id, lesson.Waiting)
		}
	}
}

// Somebody whose webhook never comes and who may have come by a promise that has
// left the item is not sent away for want of a ticket; who came later is.
func TestNeverHeardOfAndPromisesWereShed(t *testing.T) {
	x, _ := promised(t, `{"foreignTokens":"refuse"}`, 200)
	late := x.l.PromisedThrough.Add(time.Second) - noon
	for id := range x.l.Promises {
		p := x.l.Promises[id]
		p.Used, p.Came = "somebody", 1
		x.l.Promises[id] = p
	}
	list := map[string]epoch.Instant{"A": 5_000, "B": late}
	x.read(late+1_000, late+1_000, list)
	x.read(late+70_000, late+70_000, list)
	x.is("A", lesson.Seated)
	x.is("B", lesson.Refused)
}

// In a room with a cap promises stay: they hold seats.
func TestPromisesOfARoomWithACap(t *testing.T) {
	x := begin(t, `{}`)
	for i := range 200 {
		x.asks(fmt.Sprint("u", i), fmt.Sprint("p", i), epoch.Instant(i))
	}
	x.policy(`{"maxSeats":2}`, 2, 1_000)
	if s, _ := x.l.ToShed(); len(s.Promises) > 0 {
		t.Errorf("%d promises leave the item", len(s.Promises))
	}
}

// Whom the start rests on stays in the item, however many came and left since.
func TestWitnessesStay(t *testing.T) {
	x := begin(t, `{"quorum":2}`)
	for i := range 40 {
		at := epoch.Instant(1_000 + 10*i)
		x.came(fmt.Sprintf("c%02d", i), "", at, at)
		if i > 0 {
			x.left(fmt.Sprintf("c%02d", i-1), at+5)
		}
	}
	started := x.l.StartedAt
	s, _ := x.l.ToShed()
	x.l = s.Apply(x.l)
	x.came("last", "last", 3_000, 3_000)
	if x.l.StartedAt != started || started == 0 {
		t.Errorf("the start moved from %d to %d", started-noon, x.l.StartedAt-noon)
	}
}

// In a large room everybody may have been in at its start: it rests on some of
// them, and the others leave the item like anybody.
func TestWitnessesOfAHall(t *testing.T) {
	x := begin(t, `{"quorum":2}`)
	for i := range 300 {
		x.came(fmt.Sprintf("c%03d", i), "", 1_000, epoch.Instant(1_000+i))
	}
	s, ok := x.l.ToShed()
	if !ok {
		t.Fatal("nothing is shed")
	}
	started := x.l.StartedAt
	x.l = s.Apply(x.l)
	if n := len(x.l.Conns); n > 100 {
		t.Errorf("%d connections stay", n)
	}
	x.came("last", "", 2_000, 2_000)
	if x.l.StartedAt != started {
		t.Errorf("the start moved by %d ms", x.l.StartedAt-started)
	}
}

// Of somebody who was in several times at the start, one connection bears
// witness: the others leave the item.
func TestWitnessesOfOnePerson(t *testing.T) {
	x := begin(t, `{"quorum":2}`)
	for i := range 100 {
		x.came(fmt.Sprintf("a%03d", i), "ann", 1_000, epoch.Instant(1_000+i))
	}
	x.came("b", "ben", 2_000, 2_000)
	for i := range 100 {
		x.left(fmt.Sprintf("a%03d", i), epoch.Instant(3_000+i))
	}
	s, _ := x.l.ToShed()
	started := x.l.StartedAt
	x.l = s.Apply(x.l)
	if n := len(x.l.Conns); n > 20 {
		t.Errorf("%d connections stay", n)
	}
	x.came("c", "cem", 4_000, 4_000)
	if x.l.StartedAt != started || started != noon+2_000 {
		t.Errorf("the start moved from %d to %d", started-noon, x.l.StartedAt-noon)
	}
}

// Of a person's connections one bears witness that is proven to have been in: that
// another was a ghost takes nothing from the start.
func TestGhostBearsNoWitness(t *testing.T) {
	x := begin(t, `{"quorum":2}`)
	x.came("ghost", "ann", 1_000, 1_000)
	x.came("a", "ann", 2_000, 2_000)
	x.came("b", "ben", 20_000, 20_000)
	list := map[string]epoch.Instant{"a": 2_000, "b": 20_000}
	for i := range 20 {
		x.came(fmt.Sprint("c", i), "", 21_000, 21_000+epoch.Instant(i))
		x.left(fmt.Sprint("c", i), 22_000+epoch.Instant(i))
	}
	x.decide(lesson.Webhook{Event: lesson.Event{
		Name: journal.StreamCreated, Session: "s", At: noon + 23_000, Received: noon + 23_000,
		Connection: "a", ConnectedAt: noon + 2_000, Stream: "st", StreamAt: noon + 23_000,
	}}, 23_000)
	for i := range 80 {
		id := fmt.Sprint("d", i)
		list[id] = 24_000 + epoch.Instant(i)
		x.came(id, "", list[id], list[id])
	}
	s, _ := x.l.ToShed()
	x.l = s.Apply(x.l)
	if _, here := x.l.Conns["a"]; !here {
		t.Error("who is proven to have been in has left the item")
	}
	x.read(40_000, 40_000, list)
	if x.l.StartedAt != noon+20_000 {
		t.Errorf("the start is at %d", x.l.StartedAt-noon)
	}
}

// left lets the webhook of a departure be heard at once.
func (x *tale) left(id string, at epoch.Instant) {
	x.t.Helper()
	e := arrives(id, "", noon+at)
	e.Event.Name, e.Event.ConnectedAt, e.Event.Reason = "connectionDestroyed", noon+1_000, "clientDisconnected"
	x.decide(e, at)
}

// asksAs lets somebody with a role ask for credentials, after a look at an empty list.
func (x *tale) asksAs(user, role, id string, at epoch.Instant) error {
	x.t.Helper()
	d := lesson.Decide(x.l, lesson.Join{
		User: user, Role: role, ID: id, Expires: (noon + at).Add(time.Minute), Since: noon + at,
		Looked: &lesson.Reconcile{Reading: &lesson.Reading{Began: noon + at, Whole: true}},
	}, noon+at)
	x.l = d.Lesson
	return d.Verdict
}

// formerObserver is a room of one seat in which Sue was promised a place that needed none,
// until a policy changed that.
func formerObserver(t *testing.T) *tale {
	t.Helper()
	x := begin(t, `{"maxSeats":1,"observers":["support"]}`)
	if err := x.asksAs("sue", "support", "p1", 0); err != nil {
		t.Fatal(err)
	}
	x.policy(`{"maxSeats":1}`, 2, 1_000)
	return x
}

// Who asks again after a policy has made a seat of what needed none is promised that
// seat, or told that there is none.
func TestPromiseOfAFormerObserver(t *testing.T) {
	x := formerObserver(t)
	if err := x.asksAs("sue", "support", "p2", 10_000); err != nil || x.l.Promised() != 1 {
		t.Errorf("%v; %d seats are promised", err, x.l.Promised())
	}
	x = formerObserver(t)
	x.asks("ben", "q", 2_000)
	if err := x.asksAs("sue", "support", "p2", 10_000); err == nil {
		t.Error("she was given credentials for a full room")
	}
}

// A lesson in which an observer was promised a place is in use.
func TestPromisedObserverIsInUse(t *testing.T) {
	x := begin(t, `{"observers":["support"]}`)
	if x.l.InUse() {
		t.Error("nobody has come")
	}
	if err := x.asksAs("sue", "support", "p1", 0); err != nil {
		t.Fatal(err)
	}
	if !x.l.InUse() {
		t.Error("sue may come any moment")
	}
}
