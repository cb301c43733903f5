package lesson_test

import (
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// added decides the arrival of B, who is Ben, and gives the Add.
func (x *tale) added() lesson.Arrival {
	x.t.Helper()
	d := lesson.Decide(x.l, arrives("B", "ben", noon+2_000), noon+2_000)
	if d.Write != lesson.Add || !d.Add.Fits(x.l) {
		x.t.Fatalf("write %d, want an Add that fits", d.Write)
	}
	return d.Add
}

// An Add that was decided before its user came by another connection does not fit
// any more, where the same user again is a duplicate.
func TestAddRestsOnItsUser(t *testing.T) {
	for text, fits := range map[string]bool{
		`{"quorum":9,"maxSeats":9}`:                                 true, // foreigners are no duplicates
		`{"quorum":9,"maxSeats":9,"duplicateUser":"replace-older"}`: false,
		`{"quorum":9,"maxSeats":9,"duplicateUser":"refuse-newer"}`:  false,
	} {
		x := begin(t, text)
		a := x.added()
		x.came("B1", "ben", 1_000, 1_900)
		if a.Fits(x.l) != fits {
			t.Errorf("%s: with Ben in already it fits: %t, want %t", text, !fits, fits)
		}
	}
}

// An Add into a hall rests on what its records say of its user: not once more has
// been shed.
func TestAddRestsOnRecords(t *testing.T) {
	x := begin(t, `{"quorum":9,"duplicateUser":"replace-older"}`)
	x.l.PresentOutside, x.l.Shed = 3, 6
	a := x.added()
	x.l.Shed += 2
	if a.Fits(x.l) {
		t.Error("it fits a lesson that has shed others since")
	}
}

// While one who came has to be looked at beside the others, no Add gives a seat,
// whatever it was decided by.
func TestAddNeedsNobodyInDoubt(t *testing.T) {
	for name, doubt := range map[string]func(*tale){
		"somebody waits": func(x *tale) { x.l.Conns["W"] = lesson.Conn{ID: "W", CreatedAt: noon, State: lesson.Waiting} },
		"somebody is shown only": func(x *tale) {
			x.read(1_000, 1_000, map[string]epoch.Instant{"Z": 500})
		},
		"the lesson is over":    func(x *tale) { x.decide(lesson.End{}, 1_000) },
		"nobody looks after it": func(x *tale) { x.l.Due, x.l.WatchAt, x.l.EmptyReadings = 0, 0, 2 },
	} {
		x := begin(t, `{"quorum":9,"maxSeats":9}`)
		a := x.added()
		doubt(x)
		if a.Fits(x.l) {
			t.Errorf("%s: it fits", name)
		}
	}
}

// Only somebody who came after the start of a running lesson is added: it cannot
// move the start.
func TestAddComesAfterWhatTheClockKnows(t *testing.T) {
	x := begin(t, `{"quorum":2,"maxSeats":9}`)
	a := x.added()
	x.came("A", "ann", 1_000, 1_000)
	x.came("C", "cem", 2_000, 2_000)
	if x.l.Status != journal.Running || a.Fits(x.l) {
		t.Errorf("the lesson is %s since %d, and somebody who came then fits", x.l.Status, x.l.StartedAt-noon)
	}
	a.Conn.CreatedAt++
	if !a.Fits(x.l) {
		t.Error("somebody who came after the start does not fit")
	}
}

// waits decides the arrival of somebody for whom there is no seat.
func (x *tale) waits(id string, at epoch.Instant) lesson.Decision {
	x.t.Helper()
	d := lesson.Decide(x.l, arrives(id, "user-"+id, noon+at), noon+at)
	if c := d.Lesson.Conns[id]; c.State != lesson.Waiting {
		x.t.Fatalf("%s is %s", id, c.State)
	}
	return d
}

// The first who waits takes the right to read the list in the same write, which no
// Add can. Those who come meanwhile are added, and so is the first where the list
// was read within the last second.
func TestWhoWaitsIsAdded(t *testing.T) {
	x := begin(t, `{"maxSeats":1}`)
	x.came("A", "ann", 0, 100)
	read := x.l
	read.ReadAt = noon + 4_500
	if d := lesson.Decide(read, arrives("B", "ben", noon+5_000), noon+5_000); d.Write != lesson.Add || d.Add.Into(read).Due != noon+5_500 {
		t.Errorf("half a second after a reading: write %d, due at %d", d.Write, d.Add.Due-noon)
	}
	first := x.waits("B", 5_000)
	if first.Write != lesson.Swap || first.Effects.Read != lesson.ClaimedReading {
		t.Fatalf("the first: write %d, reading %d", first.Write, first.Effects.Read)
	}
	x.l = first.Lesson
	if d := x.waits("C", 5_100); d.Write != lesson.Add || d.Effects.Read != lesson.NoReading {
		t.Errorf("the next: write %d, reading %d", d.Write, d.Effects.Read)
	}
}

// Who is added to those who wait puts off nothing that is due before that.
func TestWhoWaitsPutsNothingOff(t *testing.T) {
	x := begin(t, `{"maxSeats":1}`)
	x.came("A", "ann", 0, 100)
	x.l = x.waits("B", 5_000).Lesson
	a := x.waits("C", 5_100).Add
	if x.l.Due = a.Due; !a.Fits(x.l) {
		t.Error("it does not fit a lesson that is due then")
	}
	if x.l.Due--; a.Fits(x.l) {
		t.Error("it fits a lesson with an earlier duty")
	}
}

// What came back from the records is part of what was decided: no Add stores it.
func TestAddLeavesNothingRecalled(t *testing.T) {
	x := begin(t, `{"quorum":9,"duplicateUser":"allow"}`)
	x.came("B1", "ben", 0, 100)
	outside := x.l.Conns["B1"]
	delete(x.l.Conns, "B1")
	x.l.PresentOutside, x.l.Shed, x.l.ShedThrough = 1, 2, outside.CreatedAt
	in := arrives("B", "ben", noon+2_000)
	in.Records = []lesson.Record{{ID: "u:ben", Holder: "B1"}, {ID: "B1", Conn: &outside}}
	d := lesson.Decide(x.l, in, noon+2_000)
	if d.Write != lesson.Swap || d.Lesson.PresentOutside != 0 || len(d.Lesson.Conns) != 2 {
		t.Errorf("write %d, %d outside, in the item %d", d.Write, d.Lesson.PresentOutside, len(d.Lesson.Conns))
	}
}

// Two arrivals of the time before a policy that asks for more people are not added beside
// each other: together they are the quorum of then.
func TestAddsBeforeAPolicyAreLookedAt(t *testing.T) {
	x := begin(t, `{"quorum":2,"maxSeats":9}`)
	x.policy(`{"quorum":5,"maxSeats":9}`, 2, 10_000)
	came := func(id string) lesson.Decision {
		w := arrives(id, id, noon+11_000)
		w.Event.ConnectedAt = noon + 9_000
		return lesson.Decide(x.l, w, noon+11_000)
	}
	a, b := came("A"), came("B")
	if x.l = a.Lesson; b.Write == lesson.Add && b.Add.Fits(x.l) {
		x.l = b.Add.Into(x.l)
	} else {
		x.l = came("B").Lesson
	}
	if x.l.Status != journal.Running || x.l.StartedAt != noon+9_000 {
		t.Errorf("it is %s, started at %d", x.l.Status, x.l.StartedAt-noon)
	}
}
