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

func (x *tale) policy(text string, version int64, at epoch.Instant) {
	x.t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		x.t.Fatal(err)
	}
	x.decide(lesson.NewPolicy{Policy: p, Version: version}, at)
}

func (x *tale) asks(user, id string, at epoch.Instant) {
	x.t.Helper()
	x.decide(lesson.Join{User: user, ID: id, Expires: (noon + at).Add(time.Minute), Since: noon + at}, at)
}

// crowdedLater is a room of three seats with Ann in it and Old, who came long
// ago, waiting; what then fills the room is lowered to two seats.
func crowdedLater(t *testing.T, fill func(*tale)) *tale {
	x := begin(t, `{"maxSeats":3,"duplicateUser":"replace-older"}`)
	x.came("A", "ann", -1_000_000, -999_000)
	x.came("O", "old", 0, 700_000)
	fill(x)
	x.policy(`{"maxSeats":2,"duplicateUser":"replace-older"}`, 2, 702_000)
	x.read(703_000, 703_100, map[string]epoch.Instant{"A": -1_000_000, "O": 0, "B": 700_900})
	return x
}

// A promise given after somebody's webhook was handled does not justify that
// this one is told the room is full: open, used, or for the seat that a later
// comer has.
func TestLaterPromiseJustifiesNothing(t *testing.T) {
	t.Run("open", func(t *testing.T) {
		crowdedLater(t, func(x *tale) { x.asks("ben", "p", 700_500) }).is("O", lesson.Waiting)
	})
	t.Run("used", func(t *testing.T) {
		crowdedLater(t, func(x *tale) {
			x.asks("ben", "p", 700_500)
			x.came("B", `{"usher":"p"}`, 700_900, 701_000)
		}).is("O", lesson.Waiting)
	})
	t.Run("for a seat", func(t *testing.T) {
		crowdedLater(t, func(x *tale) {
			x.came("B", "ben", 700_900, 701_000)
			x.asks("ben", "p", 701_500)
		}).is("O", lesson.Waiting)
	})
}

// The place of a ghost does not justify a refusal either.
func TestHeirOfAGhostJustifiesNothing(t *testing.T) {
	x := begin(t, `{"maxSeats":1,"duplicateUser":"replace-older"}`)
	x.came("G", "uma", 5_000, 5_100)
	x.came("U", "uma", 12_000, 12_100)
	x.came("T", "tom", 8_000, 12_200)
	x.read(12_300, 12_400, map[string]epoch.Instant{"T": 8_000, "U": 12_000})
	x.is("T", lesson.Waiting)
}

// A wake that is a millisecond early ends nothing.
func TestWakeBeforeItsTime(t *testing.T) {
	x := begin(t, `{"lessonSeconds":60}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 0, 0)
	if e := x.l.Outstanding(noon + 59_999); e.Wake {
		t.Error("the end is due before its time")
	}
	x.decide(lesson.Wake{}, 59_999)
	if x.l.Status != journal.Running {
		t.Errorf("the lesson is %s a millisecond before its time", x.l.Status)
	}
	x.decide(lesson.Wake{}, 60_000)
	if x.l.Status != journal.Ended {
		t.Errorf("the lesson is %s at its time", x.l.Status)
	}
}

// A promise does not lapse while the list shows somebody who may be its owner.
func TestPromiseOutlastsAStranger(t *testing.T) {
	x := begin(t, `{"maxSeats":1}`)
	x.asks("ann", "p", 0)
	x.read(76_000, 76_000, map[string]epoch.Instant{"Z": 59_000})
	if x.l.Promised() != 1 {
		t.Error("the seat was given away while its owner may be in")
	}
}

// A connection whose request to disconnect succeeded is looked for, not asked again
// blindly.
func TestDisconnectedAreLookedFor(t *testing.T) {
	x := begin(t, `{"foreignTokens":"refuse"}`)
	x.came("A", "ann", 0, 0)
	if e := x.l.Outstanding(noon + 5_000); e.Read != lesson.DueReading || len(e.Disconnect) != 0 {
		t.Errorf("five seconds later is due: %+v", e)
	}
}

// What leaves the item before the start may still count for the quorum of late
// news: that has to ask for it.
func TestFloorCoversThoseWhoLeft(t *testing.T) {
	x := begin(t, `{"quorum":5}`)
	for i := range 20 {
		id, at := fmt.Sprintf("c%02d", i), epoch.Instant(i)*10_000
		x.came(id, id, at, at)
		x.decide(lesson.Webhook{Event: lesson.Event{
			Name: journal.ConnectionDestroyed, Session: "s", At: noon + at + 5_000, Received: noon + at + 5_000, Connection: id, ConnectedAt: noon + at, Reason: "clientDisconnected",
		}}, at+5_000)
	}
	shed, ok := x.l.ToShed()
	if !ok || len(shed.Conns) == 0 {
		t.Fatal("nothing is shed")
	}
	for _, id := range shed.Conns {
		if left := x.l.Conns[id].LeftAt; shed.ShedThrough < left {
			t.Errorf("%s left at %d, the floor is at %d", id, left-noon, shed.ShedThrough-noon)
		}
	}
}

// Somebody who waits is not added to a lesson that has ended, nor where the
// connection may have been forgotten.
func TestWaitingFits(t *testing.T) {
	x := begin(t, `{"maxSeats":2}`)
	a := lesson.Arrival{
		Session: "s", PolicyVersion: 1, Due: x.l.Due,
		Conn: lesson.Conn{ID: "W", CreatedAt: noon, State: lesson.Waiting, Unlogged: true, Created: true},
	}
	if !a.Fits(x.l) {
		t.Fatal("it does not fit a lesson that is open")
	}
	ended, forgot := x.l, x.l
	ended.Status = journal.Ended
	forgot.ShedThrough = noon
	for name, l := range map[string]lesson.Lesson{"ended": ended, "forgotten": forgot} {
		if a.Fits(l) {
			t.Errorf("it fits a lesson that is %s", name)
		}
	}
}

// A promise protects one seat of its user, not two: the seat of the connection that
// came by it, not that of another one beside it. So an earlier comer is not told
// that the room is full of people with a better right.
func TestPromiseProtectsOneSeat(t *testing.T) {
	x := begin(t, `{"maxSeats":3,"duplicateUser":"allow"}`)
	x.came("A", "ann", 0, 100)
	x.came("B", "bea", 20_000, 20_100)
	x.asks("bea", "p", 30_000)
	x.asks("bea", "p", 36_000)
	x.came("C", `{"usher":"p"}`, 37_000, 37_100)
	x.came("O", "old", 10_000, 40_000)
	x.read(40_500, 40_600, map[string]epoch.Instant{"A": 0, "B": 20_000, "C": 37_000, "O": 10_000})
	x.is("O", lesson.Waiting)
}

// In a room that holds more people than its cap since a policy, nobody makes room for
// somebody who would be beyond the cap, too.
func TestNobodyMakesRoomBeyondTheCap(t *testing.T) {
	x := begin(t, `{"maxSeats":3}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "bea", 1_000, 1_000)
	x.came("D", "dan", 20_000, 20_000)
	x.came("O", "old", 10_000, 21_000)
	x.policy(`{"maxSeats":2}`, 2, 22_000)
	x.read(30_000, 30_100, map[string]epoch.Instant{"A": 0, "B": 1_000, "D": 20_000, "O": 10_000})
	x.is("D", lesson.Seated)
	x.is("O", lesson.Refused)
}

// Somebody earlier who was not heard of may be the same user where the user has a
// promise that is still to be used; else nobody waits for that.
func TestWhoMayBeAReload(t *testing.T) {
	for tokens, want := range map[int]lesson.State{1: lesson.Refused, 2: lesson.Waiting} {
		x := begin(t, `{"maxSeats":1}`)
		for i := range tokens {
			x.asks("ann", "p", epoch.Instant(i)*6_000)
		}
		x.read(90_000, 90_100, nil) // the promise has lapsed
		x.came("A", "bea", 100_000, 100_000)
		x.read(110_000, 110_100, map[string]epoch.Instant{"A": 100_000, "U": 105_000})
		x.came("C", `{"usher":"p"}`, 111_000, 111_000)
		x.read(112_000, 112_100, map[string]epoch.Instant{"A": 100_000, "U": 105_000, "C": 111_000})
		if c := x.l.Conns["C"]; c.State != want {
			t.Errorf("with %d tokens C is %s, want %s", tokens, c.State, want)
		}
	}
}

// However long somebody has waited, a seat is taken by who is shown to be there.
func TestWaitedLongBehindSomebodyUnseen(t *testing.T) {
	x := begin(t, `{"maxSeats":1}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 1_000, 1_000)
	some := lesson.Reading{Began: noon + 70_000, Present: []lesson.Presence{{ID: "B", Since: noon + 1_000}}}
	x.decide(lesson.Reconcile{Reading: &some}, 70_100) // not the whole list: nobody is freed by it
	x.is("B", lesson.Waiting)
}
