package lesson_test

import (
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// Somebody who was seated as nobody in particular, and turns out to be of a role whose
// seats are taken, keeps the seat and takes none of the role's.
func TestRoleThatIsKnownLater(t *testing.T) {
	x := begin(t, `{"maxByRole":{"student":1}}`)
	x.read(1_000, 1_100, map[string]epoch.Instant{"A": 500})
	x.read(62_000, 62_100, map[string]epoch.Instant{"A": 500})
	x.came("B", `{"user":"bea","role":"student"}`, 63_000, 63_100)
	x.came("A", `{"user":"ann","role":"student"}`, 500, 90_000)
	x.is("A", lesson.Seated)
	x.is("B", lesson.Seated)
	if gate := x.l.Gate().Roles["student"]; gate.Live != 1 || x.l.Conns["A"].User != "ann" {
		t.Errorf("%d students have seats, and A is %q", gate.Live, x.l.Conns["A"].User)
	}
}
