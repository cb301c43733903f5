package lesson_test

import (
	"fmt"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// A host who came before a hall filled counts when the co-host comes.
func TestStartByRolesInAHall(t *testing.T) {
	x := begin(t, `{"quorumRoles":{"host":1,"cohost":1},"lessonSeconds":3600}`)
	come := func(id, role string, at epoch.Instant) {
		x.came(id, fmt.Sprintf(`{"user":"%s","role":"%s"}`, id, role), at, at)
		if out, ok := x.l.ToShed(); ok {
			x.l = out.Apply(x.l)
		}
	}
	come("H", "host", 1_000)
	for i := range 100 {
		come(fmt.Sprintf("g%03d", i), "guest", epoch.Instant(2_000+i*100))
	}
	come("C", "cohost", 60_000)
	if x.l.Status != journal.Running {
		t.Errorf("the lesson is %s; %d are outside: %v", x.l.Status, x.l.PresentOutside, x.l.OutsideByRole)
	}
}

// After its end, nobody gets credentials for a lesson whose wake is late.
func TestJoinAfterClosing(t *testing.T) {
	x := begin(t, fmt.Sprintf(`{"closesAt":%q}`, (noon+10_000)))
	d := lesson.Decide(x.l, lesson.Join{User: "ann", ID: "p1", Expires: noon + 70_000, Since: noon + 10_500}, noon+10_500)
	if d.Verdict == nil {
		t.Errorf("promised after closesAt: %+v", d.Lesson.Promises)
	}
}
