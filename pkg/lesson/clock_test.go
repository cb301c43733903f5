package lesson_test

import (
	"fmt"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// ended checks that the lesson has ended in the decision just made.
func (x *tale) ended(at epoch.Instant, why string) {
	x.t.Helper()
	if x.l.Status != journal.Ended || x.l.EndedAt != noon+at {
		x.t.Errorf("%s: the lesson is %s, and ended at %d", why, x.l.Status, x.l.EndedAt-noon)
	}
}

// What puts the end in the past ends the lesson in the same write: there is no moment at
// which it could be extended.
func TestAnEndInThePastEndsAtOnce(t *testing.T) {
	x := begin(t, `{"lessonSeconds":60}`)
	x.came("A", "ann", 0, 0)
	x.came("C", "cem", 50_000, 50_000)
	x.came("B", "ben", 5_000, 80_000)
	x.ended(80_000, "the start moves")

	x = begin(t, `{"lessonSeconds":60,"clock":"pause"}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 0, 0)
	x.left("B", 10_000)
	x.came("B2", "ben", 20_000, 200_000)
	x.ended(200_000, "a return is heard late")

	x = begin(t, `{"lessonSeconds":60}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 0, 0)
	x.closes(20_000, 30_000)
	x.ended(30_000, "a policy closes a running lesson")

	x = begin(t, `{}`)
	x.came("A", "ann", 0, 0)
	x.closes(20_000, 30_000)
	x.ended(30_000, "a policy closes an open lesson")

	x = begin(t, `{"lessonSeconds":60}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 0, 0)
	x.decide(lesson.Extend{EndsAt: noon + 10_000}, 30_000)
	x.ended(30_000, "an extension shortens")
}

// closes puts a policy by which the room closes at that moment.
func (x *tale) closes(at, now epoch.Instant) {
	x.t.Helper()
	p, err := policy.Parse(fmt.Appendf(nil, `{"closesAt":%q}`, (noon + at).String()))
	if err != nil {
		x.t.Fatal(err)
	}
	x.decide(lesson.NewPolicy{Policy: p, Version: 2}, now)
}
