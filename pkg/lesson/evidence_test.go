package lesson_test

import (
	"fmt"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// tale is a lesson decided by values alone.
type tale struct {
	t *testing.T
	l lesson.Lesson
}

// noon is when a tale begins.
const noon epoch.Instant = 1_000_000_000

func begin(t *testing.T, text string) *tale {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &tale{t, lesson.New(lesson.Begin{Room: "r", Session: "s", Policy: p, PolicyVersion: 1}, journal.FromAPI, "", noon-1000)}
}

func (x *tale) decide(in lesson.Input, at epoch.Instant) {
	x.t.Helper()
	d := lesson.Decide(x.l, in, noon+at)
	if d.Verdict != nil {
		x.t.Fatal(d.Verdict)
	}
	x.l = stored(x.l, d)
}

// stored is the lesson once the decision about it is committed.
func stored(l lesson.Lesson, d lesson.Decision) lesson.Lesson {
	switch d.Write {
	case lesson.Add:
		return d.Add.Into(l)
	case lesson.Leave:
		return d.Leave.Into(l)
	}
	return d.Lesson
}

// came lets the webhook of somebody who came at that moment be heard later.
func (x *tale) came(id, user string, came, heard epoch.Instant) {
	x.t.Helper()
	x.decide(lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionCreated, Session: "s", At: noon + came, Received: noon + heard,
		Connection: id, ConnectedAt: noon + came, Data: user,
	}}, heard)
}

// read reconciles the lesson with a complete list that shows who came when.
func (x *tale) read(began, decided epoch.Instant, shown map[string]epoch.Instant) {
	x.t.Helper()
	r := lesson.Reading{Began: noon + began, Whole: true}
	for id, came := range shown {
		r.Present = append(r.Present, lesson.Presence{ID: id, Since: noon + came})
	}
	x.decide(lesson.Reconcile{Reading: &r}, decided)
}

func (x *tale) is(id string, want lesson.State) {
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
	x.read(12_200, 12_300, map[string]epoch.Instant{"A": 0, "B": 10_000, "U": 12_000})
	x.is("B", lesson.Seated)
}

// The rule that a running lesson rests on is not forgotten, however often the
// policy changes.
func TestRuleOfTheStartIsKept(t *testing.T) {
	x := begin(t, `{"lessonSeconds":60}`)
	change := func(seconds int, version int64, at epoch.Instant) {
		p, err := policy.Parse(fmt.Appendf(nil, `{"lessonSeconds":%d}`, seconds))
		if err != nil {
			t.Fatal(err)
		}
		x.decide(lesson.NewPolicy{Policy: p, Version: version}, at)
	}
	change(3600, 2, 0)
	x.came("A", "ann", 1_000, 1_000)
	x.came("B", "ben", 2_000, 2_000)
	for i := range 40 {
		change(4000+i, int64(i)+3, 100_000+epoch.Instant(i)*1000)
	}
	if want := (noon + 2_000).Add(3600 * time.Second); x.l.Status != journal.Running || x.l.Deadline() != want {
		t.Errorf("%s until %d, want %d", x.l.Status, x.l.Deadline()-noon, want-noon)
	}
}

// Vonage's clock may be ahead: the list counts by the same times as webhooks.
func TestListOfAClockAhead(t *testing.T) {
	x := begin(t, `{"maxSeats":1,"quorum":1}`)
	both := map[string]epoch.Instant{"A": 3_000, "B": 3_500}
	x.came("A", "ann", 3_000, 200)
	x.read(700, 800, both)
	x.came("B", "ben", 3_500, 900)
	x.read(1_900, 2_000, both)
	x.is("A", lesson.Seated)
	x.is("B", lesson.Refused)
}

// Two readings that overlap say the same in either order of their settling.
func TestOverlappingReadings(t *testing.T) {
	readings := []func(*tale){
		func(x *tale) { x.read(10_000, 13_000, map[string]epoch.Instant{"A": 0}) },
		func(x *tale) { x.read(11_500, 13_000, nil) },
	}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		x := begin(t, `{}`)
		x.came("A", "ann", 0, 100)
		for _, i := range order {
			readings[i](x)
		}
		x.came("B", "ben", 12_000, 13_100)
		if x.l.Status != journal.Open || x.l.Conns["A"].LeftAt == 0 {
			t.Errorf("in the order %v the lesson is %s", order, x.l.Status)
		}
	}
}

// A stream proves its connection, whether it is heard of before or after the
// reading that did not show it any more.
func TestStreamProvesPresence(t *testing.T) {
	steps := []func(*tale){
		func(x *tale) {
			x.decide(lesson.Webhook{Event: lesson.Event{
				Name: journal.StreamCreated, Session: "s", At: noon + 60_000, Received: noon + 70_000,
				Connection: "A", ConnectedAt: noon, Stream: "st", StreamAt: noon + 60_000, Kind: policy.Camera,
			}}, 70_000)
		},
		func(x *tale) { x.read(65_000, 70_000, map[string]epoch.Instant{"B": 50_000}) },
	}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		x := begin(t, `{}`)
		x.came("A", "ann", 0, 100)
		x.came("B", "ben", 50_000, 50_100)
		for _, i := range order {
			steps[i](x)
		}
		if x.l.Status != journal.Running || x.l.StartedAt != noon+50_000 || x.l.Conns["A"].LeftAt != noon+60_000 {
			t.Errorf("in the order %v the lesson is %s since %d", order, x.l.Status, x.l.StartedAt-noon)
		}
	}
}
