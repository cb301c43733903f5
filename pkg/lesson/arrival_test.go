package lesson_test

import (
	"testing"

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
		`{"quorum":9,"maxSeats":9}`:                                true, // foreigners are no duplicates
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
