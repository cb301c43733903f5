package lesson_test

import (
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// Somebody who was removed before it was known who it is, is kept out from the removal on
// once that is known.
func TestRemovedAndKnownLater(t *testing.T) {
	x := begin(t, `{"rejoinSeconds":60}`)
	x.read(1_000, 1_100, map[string]epoch.Instant{"A": 500})
	x.decide(lesson.Remove{Connection: "A"}, 5_000)
	x.came("A", "mal", 500, 9_000)
	if b, banned := x.l.BansToKeep["mal"]; !banned || b.Until != noon+65_000 {
		t.Errorf("the bans are %v", x.l.BansToKeep)
	}
	x.came("B", "mal", 10_000, 10_000)
	if c := x.l.Conns["B"]; c.State != lesson.Refused || c.Reason != journal.Removed {
		t.Errorf("mal is %s, %s", c.State, c.Reason)
	}
}

// A removal that began earlier does not shorten the ban of a later one.
func TestEarlierRemovalShortensNoBan(t *testing.T) {
	x := begin(t, `{"rejoinSeconds":600,"duplicateUser":"allow"}`)
	x.came("A", "ann", 0, 0)
	x.read(2_000, 2_100, map[string]epoch.Instant{"A": 0, "B": 1_000})
	x.read(63_000, 63_100, map[string]epoch.Instant{"A": 0, "B": 1_000})
	x.decide(lesson.Remove{Connection: "B"}, 64_000) // nobody knows who it is
	x.decide(lesson.Remove{Connection: "A"}, 90_000)
	until := x.l.BansToKeep["ann"].Until
	x.came("B", "ann", 1_000, 91_000)
	if got := x.l.BansToKeep["ann"].Until; until != noon+690_000 || got != until {
		t.Errorf("ann was banned until %d, and is until %d", until-noon, got-noon)
	}
}

// A request to remove somebody who waited and has left, made twice, bans once.
func TestRemovedTwiceAfterWaiting(t *testing.T) {
	x := begin(t, `{"maxSeats":1,"rejoinSeconds":60}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 1_000, 1_000)
	x.left("B", 2_000)
	x.decide(lesson.Remove{Connection: "B"}, 3_000)
	n, until := x.l.Bans, x.l.BansToKeep["ben"].Until
	x.decide(lesson.Remove{Connection: "B"}, 20_000)
	if x.l.Bans != n || x.l.BansToKeep["ben"].Until != until || n != 1 {
		t.Errorf("%d bans, then %d, until %d", n, x.l.Bans, x.l.BansToKeep["ben"].Until-noon)
	}
}
