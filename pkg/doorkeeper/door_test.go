package doorkeeper_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/bolt"
	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// door is a room in a world of its own.
type door struct {
	*simulation.World
	t       *testing.T
	session string
}

// adopted opens a room over a session made elsewhere, so that foreign
// connections are accepted.
func adopted(t *testing.T, policy string) *door {
	t.Helper()
	d := &door{World: simulation.NewWorld(openBolt(t)), t: t, session: "1_adopted"}
	d.put(policy, "1_adopted")
	d.Pass(time.Second) // the list has been read, and may be again
	return d
}

// own opens a room whose session Usher makes at the first join.
func own(t *testing.T, policy string) *door {
	t.Helper()
	d := &door{World: simulation.NewWorld(openBolt(t)), t: t, session: "2_session1"}
	d.put(policy, "")
	return d
}

func openBolt(t testing.TB) room.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "usher.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func (d *door) put(text, session string) {
	d.t.Helper()
	if err := d.Put("lesson", text, session); err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) view() doorkeeper.Snapshot {
	d.t.Helper()
	v, err := d.Service.Room(context.Background(), "lesson")
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

func (d *door) in(want ...string) {
	d.t.Helper()
	slices.Sort(want)
	if got := d.Platform.In(d.session); !slices.Equal(got, want) {
		d.t.Errorf("in the session: %v, want %v\n%s", got, want, d.story())
	}
}

func (d *door) join(user string) (string, error) {
	c, err := d.Service.Join(context.Background(), "lesson", user, "")
	return c.Token, err
}

func (d *door) mustJoin(user string) string {
	d.t.Helper()
	token, err := d.join(user)
	if err != nil {
		d.t.Fatalf("join of %s: %v", user, err)
	}
	return token
}

// come connects and lets the webhook arrive at once.
func (d *door) come(id, data string) {
	d.Platform.Come(d.session, id, data)
	d.Pass(0)
}

func (d *door) lines() []journal.Line {
	d.t.Helper()
	page, err := d.Service.Events(context.Background(), "lesson", "", 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	return page.Lines
}

// story is the log in words.
func (d *door) story() string {
	s := ""
	for _, l := range d.lines() {
		s += "  " + l.Event + " " + dash(l.Connection) + " " + dash(l.User) + ": " + string(l.Action) + " " + string(l.Reason) + "\n"
	}
	return s
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// says checks that the log has exactly n lines of this action and reason for
// the connection.
func (d *door) says(n int, id string, action journal.Action, reason journal.Reason) {
	d.t.Helper()
	found := 0
	for _, l := range d.lines() {
		if dash(l.Connection) == id && l.Action == action && l.Reason == reason {
			found++
		}
	}
	if found != n {
		d.t.Errorf("%d lines %s/%s for %s, want %d\n%s", found, action, reason, id, n, d.story())
	}
}

func TestThirdPersonGoes(t *testing.T) {
	d := adopted(t, `{"maxSeats":2}`)
	d.come("A", "alice")
	d.Pass(time.Second)
	d.come("B", "bob")
	d.Pass(time.Second)
	d.Platform.Come(d.session, "C", "carol")
	d.Pass(0) // the webhook is handled, and nothing else
	d.in("A", "B")
	d.says(1, "C", journal.DidRefuse, journal.RoomFull)
	if l := d.view().Lesson; l.Seats() != 2 || l.Status != journal.Running || len(l.Waiting()) != 0 {
		t.Errorf("the lesson is %+v", l)
	}
}

// The third in truth goes, even when its webhook came second.
func TestLateWebhookDisplacesTheLaterComer(t *testing.T) {
	d := adopted(t, `{"maxSeats":2}`)
	d.come("A", "alice")
	d.Pass(time.Second)
	var late lesson.Event
	d.Platform.Notify = func(e lesson.Event) { late = e }
	d.Platform.Come(d.session, "B", "bob")
	d.Platform.Notify = nil
	d.Pass(time.Second)
	d.come("C", "carol")
	d.in("A", "B", "C")
	d.Pass(time.Second)
	if err := d.Hear(late); err != nil {
		t.Fatal(err)
	}
	d.in("A", "B")
	d.says(1, "C", journal.DidDisconnect, journal.RoomFull)
	d.says(1, "B", journal.DidSeat, "")
}

func TestLessonEndsAtItsTime(t *testing.T) {
	d := adopted(t, `{"lessonSeconds":60}`)
	d.come("A", "alice")
	d.Pass(10 * time.Second)
	d.come("B", "bob")
	start := d.Now()
	d.Advance(start.Add(60*time.Second) - 1)
	d.in("A", "B")
	d.Advance(start.Add(60 * time.Second))
	d.in()
	if at := d.Platform.Requests[0].At; at != start.Add(60*time.Second) {
		t.Errorf("the first request to disconnect left %d ms after the start", at-start)
	}
	v := d.view()
	if v.Status() != journal.Ended || v.Outcome() != journal.Completed {
		t.Errorf("the room is %s, %s", v.Status(), v.Outcome())
	}
	d.Pass(5 * time.Second)
	d.come("L", "late")
	d.in()
	d.says(1, "L", journal.DidRefuse, journal.LessonOver)
}

func TestPromiseHoldsTheSeat(t *testing.T) {
	d := own(t, `{"maxSeats":2}`)
	alice, bob := d.mustJoin("alice"), d.mustJoin("bob")
	if _, err := d.join("carol"); !isProblem(err, problem.RoomFull) {
		t.Fatalf("join of a third: %v", err)
	}
	d.come("B", bob)
	d.come("A", alice)
	d.in("A", "B")
	l := d.view().Lesson
	if l.Seats() != 2 || l.SeatsPromised() != 0 || l.Status != journal.Running {
		t.Errorf("the lesson is %+v\n%s", l, d.story())
	}
	d.come("X", "mallory")
	d.in("A", "B")
	d.says(1, "X", journal.DidRefuse, journal.NoTicket)
}

func isProblem(err error, code problem.Code) bool {
	var p *problem.Details
	return errors.As(err, &p) && p.Code == code
}

func TestReloadTakesOverTheSeat(t *testing.T) {
	d := own(t, `{"maxSeats":2}`)
	d.come("A", d.mustJoin("alice"))
	d.come("B", d.mustJoin("bob"))
	d.Pass(time.Second)
	d.come("A2", d.mustJoin("alice"))
	d.in("A2", "B")
	d.says(1, "A", journal.DidDisconnect, journal.DuplicateUser)
	if n := d.view().Lesson.Seats(); n != 2 {
		t.Errorf("seats: %d\n%s", n, d.story())
	}
}

func TestPromiseLapsesAndFreesTheSeat(t *testing.T) {
	d := own(t, `{"maxSeats":1}`)
	d.mustJoin("alice")
	if _, err := d.join("bob"); !isProblem(err, problem.RoomFull) {
		t.Fatalf("join while alice's promise holds: %v", err)
	}
	d.Pass(76 * time.Second)
	d.come("B", d.mustJoin("bob"))
	d.in("B")
}

func TestTwiceIsOnce(t *testing.T) {
	d := adopted(t, `{"maxSeats":2}`)
	d.Platform.Notify = func(e lesson.Event) {
		for range 3 {
			d.Send(d.Now(), e)
		}
	}
	for _, id := range []string{"A", "B", "C"} {
		d.come(id, id)
		d.Pass(time.Second)
	}
	d.Platform.Go("A")
	d.Pass(time.Second)
	seen := map[string]int{}
	for _, l := range d.lines() {
		seen[l.Event+l.Connection+string(l.Action)]++
	}
	for what, n := range seen {
		if n > 1 {
			t.Errorf("%s was logged %d times\n%s", what, n, d.story())
		}
	}
	if n := len(d.Platform.Requests); n != 1 {
		t.Errorf("%d requests to disconnect, want 1", n)
	}
}

func TestDepartureOvertakesArrival(t *testing.T) {
	d := adopted(t, `{"maxSeats":1}`)
	var events []lesson.Event
	d.Platform.Notify = func(e lesson.Event) { events = append(events, e) }
	d.Platform.Come(d.session, "A", "alice")
	d.Pass(time.Second)
	d.Platform.Go("A")
	d.Platform.Notify = nil
	for _, e := range []lesson.Event{events[1], events[0]} {
		if err := d.Hear(e); err != nil {
			t.Fatal(err)
		}
	}
	if d.view().Lesson.Seats() != 0 {
		t.Errorf("a ghost holds a seat\n%s", d.story())
	}
}

// All of up to 200 people are told within the second in which the lesson ends,
// each with a line, also when nobody can read the list.
func TestEndOfALargeRoom(t *testing.T) {
	d := adopted(t, `{"quorum":64,"lessonSeconds":600}`)
	start := d.Now()
	for i := range 200 {
		d.come(fmt.Sprintf("c%03d", i), fmt.Sprintf("u%03d", i))
	}
	d.Platform.ListFails = func() error { return simulation.ErrAway }
	d.Advance(start.Add(600 * time.Second))
	d.in()
	ended := 0
	for _, l := range d.lines() {
		if l.Action == journal.DidDisconnect && l.Reason == journal.LessonOver {
			ended++
		}
	}
	if ended != 200 {
		t.Errorf("%d lines tell of 200 people", ended)
	}
	d.Platform.ListFails = nil
	d.Pass(10 * time.Minute)
	if l, err := d.Lesson(d.session); err != nil || l.PresentOutside != 0 || len(l.Logged().Seated) != 0 {
		t.Errorf("%d are left outside the item, %v", l.PresentOutside, err)
	}
}

func TestHallEnd(t *testing.T) { simulation.TestHallEnd(t, openBolt(t)) }

// Those who are turned away from a full room share a reading of the list, and wait
// for none longer than it is under way.
func TestJoinsShareAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{World: simulation.InBubble(openBolt(t)), t: t, session: "2_session1"}
		d.put(`{"maxSeats":1}`, "")
		d.mustJoin("alice")
		d.Pass(time.Second)
		asked := d.Now()
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if _, err := d.join(fmt.Sprintf("u%d", i)); !isProblem(err, problem.RoomFull) {
					t.Errorf("join: %v", err)
				}
			})
		}
		all.Wait()
		if n := len(d.Platform.Readings[d.session]); n != 1 {
			t.Errorf("the list was read %d times for 40 joins", n)
		}
		if took := d.Now().Sub(asked); took > 100*time.Millisecond {
			t.Errorf("the last was answered after %v", took)
		}
	})
}
