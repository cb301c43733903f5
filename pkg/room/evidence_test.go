package room_test

import (
	"fmt"
	"testing"

	"usher/pkg/room"
)

// tale is a lesson decided by values alone.
type tale struct {
	t *testing.T
	l room.Lesson
}

// noon is when a tale begins.
const noon room.Time = 1_000_000_000

func begin(t *testing.T, policy string) *tale {
	t.Helper()
	p, err := room.ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	return &tale{t, room.NewLesson(room.Begin{Room: "r", Session: "s", Policy: p, PolicyVersion: 1}, room.FromAPI, "", noon-1000)}
}

func (x *tale) decide(in room.Input, at room.Time) {
	x.t.Helper()
	next, err := room.Decide(x.l, in, noon+at)
	if err != nil {
		x.t.Fatal(err)
	}
	x.l = next
}

// came lets the webhook of somebody who came at that moment be heard later.
func (x *tale) came(id, user string, came, heard room.Time) {
	x.t.Helper()
	x.decide(room.Heard{Event: room.Event{
		Name: room.ConnectionCreated, Session: "s", At: noon + came, Received: noon + heard,
		Connection: id, ConnectedAt: noon + came, Data: user,
	}}, heard)
}

// read settles the lesson by a complete list that shows who came when.
func (x *tale) read(began, settled room.Time, shown map[string]room.Time) {
	x.t.Helper()
	r := room.Reading{Began: noon + began, Whole: true}
	for id, came := range shown {
		r.Present = append(r.Present, room.Presence{ID: id, Since: noon + came})
	}
	x.decide(room.Settle{Reading: &r}, settled)
}

func (x *tale) is(id string, want room.State) {
	x.t.Helper()
	if c := x.l.Conns[id]; c.State != want {
		x.t.Errorf("%s is %s %s, want %s", id, c.State, c.Reason, want)
	}
}

// Who took over the place of a ghost did not come first by that.
func TestHeirOfAGhostDisplacesNobody(t *testing.T) {
	x := begin(t, `{"maxSeats":2,"duplicateUser":"replace-older"}`)
	x.came("A", "ann", 0, 100)
	x.came("B", "ben", 10_000, 10_100)
	x.came("G", "uma", 5_000, 10_500)
	x.came("U", "uma", 12_000, 12_100)
	x.read(12_200, 12_300, map[string]room.Time{"A": 0, "B": 10_000, "U": 12_000})
	x.is("B", room.Seated)
}

// The rule that a running lesson rests on is not forgotten, however often the
// policy changes.
func TestRuleOfTheStartIsKept(t *testing.T) {
	x := begin(t, `{"lessonSeconds":60}`)
	change := func(seconds int, version int64, at room.Time) {
		p, err := room.ParsePolicy(fmt.Appendf(nil, `{"lessonSeconds":%d}`, seconds))
		if err != nil {
			t.Fatal(err)
		}
		x.decide(room.NewPolicy{Policy: p, Version: version}, at)
	}
	change(3600, 2, 0)
	x.came("A", "ann", 1_000, 1_000)
	x.came("B", "ben", 2_000, 2_000)
	for i := range 40 {
		change(4000+i, int64(i)+3, 100_000+room.Time(i)*1000)
	}
	if want := noon + 2_000 + 3600*room.Second; x.l.Status != room.Running || x.l.Deadline() != want {
		t.Errorf("%s until %d, want %d", x.l.Status, x.l.Deadline()-noon, want-noon)
	}
}

// Vonage's clock may be ahead: the list counts by the same times as webhooks.
func TestListOfAClockAhead(t *testing.T) {
	x := begin(t, `{"maxSeats":1,"quorum":1}`)
	both := map[string]room.Time{"A": 3_000, "B": 3_500}
	x.came("A", "ann", 3_000, 200)
	x.read(700, 800, both)
	x.came("B", "ben", 3_500, 900)
	x.read(1_900, 2_000, both)
	x.is("A", room.Seated)
	x.is("B", room.Refused)
}

// Two readings that overlap say the same in either order of their settling.
func TestOverlappingReadings(t *testing.T) {
	settle := []func(*tale){
		func(x *tale) { x.read(10_000, 13_000, map[string]room.Time{"A": 0}) },
		func(x *tale) { x.read(11_500, 13_000, nil) },
	}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		x := begin(t, `{}`)
		x.came("A", "ann", 0, 100)
		for _, i := range order {
			settle[i](x)
		}
		x.came("B", "ben", 12_000, 13_100)
		if x.l.Status != room.Open || x.l.Conns["A"].LeftAt == 0 {
			t.Errorf("in the order %v the lesson is %s", order, x.l.Status)
		}
	}
}

// A stream proves its connection, whether it is heard of before or after the
// reading that did not show it any more.
func TestStreamProvesPresence(t *testing.T) {
	steps := []func(*tale){
		func(x *tale) {
			x.decide(room.Heard{Event: room.Event{
				Name: room.StreamCreated, Session: "s", At: noon + 60_000, Received: noon + 70_000,
				Connection: "A", ConnectedAt: noon, Stream: "st", StreamAt: noon + 60_000, Kind: room.Camera,
			}}, 70_000)
		},
		func(x *tale) { x.read(65_000, 70_000, map[string]room.Time{"B": 50_000}) },
	}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		x := begin(t, `{}`)
		x.came("A", "ann", 0, 100)
		x.came("B", "ben", 50_000, 50_100)
		for _, i := range order {
			steps[i](x)
		}
		if x.l.Status != room.Running || x.l.StartedAt != noon+50_000 || x.l.Conns["A"].LeftAt != noon+60_000 {
			t.Errorf("in the order %v the lesson is %s since %d", order, x.l.Status, x.l.StartedAt-noon)
		}
	}
}

// After the death of the only process the deadline rings on time, though the
// sweep comes too late for it.
func TestDeadlineAfterADeath(t *testing.T) {
	d := adopted(t, `{"lessonSeconds":900}`)
	d.come("A", "ann")
	d.come("B", "bob")
	start := d.Now()
	d.SweepEvery = 5 * room.Minute
	d.Pass(room.Minute)
	d.Restart()
	d.Forget()
	d.Advance(start + 900*room.Second)
	d.in()
}

// Somebody outside the item of a hall who vanished is freed like the rest.
func TestGhostsOfAHall(t *testing.T) {
	d := adopted(t, `{"quorum":2}`)
	for i := range 100 {
		d.come(fmt.Sprintf("c%03d", i), "")
	}
	for i := range 100 {
		d.Platform.Vanish(fmt.Sprintf("c%03d", i))
	}
	d.Pass(room.Hour)
	if v := d.view(); v.Seats != 0 {
		t.Errorf("%d seats are taken by nobody", v.Seats)
	}
}
