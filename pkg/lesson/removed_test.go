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
