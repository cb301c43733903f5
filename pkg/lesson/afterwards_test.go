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

// Who hangs up right after the deadline, and is heard before its wake, keeps no lesson from ending.
func TestPauseAfterTheDeadline(t *testing.T) {
	x := begin(t, `{"lessonSeconds":60,"clock":"pause","quorum":2}`)
	x.came("A", "ann", 1_000, 1_000)
	x.came("B", "bea", 2_000, 2_000)
	x.left("B", 62_300) // the deadline was 62_000
	x.decide(lesson.Wake{}, 62_500)
	if x.l.Status != journal.Ended {
		t.Errorf("the lesson is %s, ends by %v, and has %+v", x.l.Status, x.l.EndsAt(), x.l.Outstanding(noon+62_500))
	}
}

// A clock that runs stands still no more once its time is up, whatever that is by then; until
// then, and from a pause that goes on then, it is what it was.
func TestPausesUpToTheEnd(t *testing.T) {
	extend := func(e lesson.Extend) func(*tale) { return func(x *tale) { x.decide(e, 3_000) } }
	for name, c := range map[string]struct {
		before func(*tale)
		left   epoch.Instant
		want   journal.Status
		paused epoch.Instant // since when
	}{
		"at its end":                  {nil, 62_000, journal.Ended, 0},
		"before its end":              {nil, 61_999, journal.Paused, 61_999},
		"after an end that was fixed": {extend(lesson.Extend{EndsAt: noon + 30_000}), 30_100, journal.Ended, 0},
		"before a later fixed end":    {extend(lesson.Extend{EndsAt: noon + 90_000}), 70_000, journal.Paused, 70_000},
		"in the time that was added":  {extend(lesson.Extend{Seconds: 60}), 70_000, journal.Paused, 70_000},
		"in the time of a pause": {func(x *tale) {
			x.left("B", 10_000)
			x.came("C", "bea", 30_000, 30_000)
		}, 70_000, journal.Paused, 70_000},
	} {
		x := begin(t, `{"lessonSeconds":60,"clock":"pause","quorum":2}`)
		x.came("A", "ann", 1_000, 1_000)
		x.came("B", "bea", 2_000, 2_000)
		if c.before != nil {
			c.before(x)
		}
		who := "B"
		if _, again := x.l.Conns["C"]; again {
			who = "C"
		}
		x.left(who, c.left)
		since := max(0, x.l.PausedAt-noon)
		if x.l.Status != c.want || since != c.paused {
			t.Errorf("%s: the lesson is %s, paused since %d", name, x.l.Status, since)
		}
	}

	x := begin(t, `{"lessonSeconds":60,"clock":"pause","quorum":2}`)
	x.came("A", "ann", 1_000, 1_000)
	x.came("B", "bea", 2_000, 2_000)
	x.left("B", 50_000)
	x.came("C", "bea", 80_000, 80_000)
	if x.l.Status != journal.Running || x.leftAt(80_000) != 12*time.Second {
		t.Errorf("after a pause beyond its first end it is %s, with %s left", x.l.Status, x.leftAt(80_000))
	}
}

// Of a quorum of roles, those of the role who stand only in records are a part, too.
func TestRolesOutsideKeepTheClockRunning(t *testing.T) {
	x := begin(t, `{"quorumRoles":{"student":40},"lessonSeconds":3600,"clock":"pause"}`)
	in := 0
	for ; in < 250; in++ {
		at := epoch.Instant(in * 100)
		x.came(fmt.Sprintf("s%03d", in), fmt.Sprintf(`{"user":"u%03d","role":"student"}`, in), at, at)
		x.shed()
	}
	for i, c := range x.l.Pick(lesson.Conn.In) {
		x.left(c.ID, 30_000+epoch.Instant(i))
		x.shed()
		if in--; (x.l.Status == journal.Running) != (in >= 40) {
			t.Fatalf("with %d in, %v of them outside, it is %s", in, x.l.OutsideByRole, x.l.Status)
		}
	}
	if inside := len(x.l.Pick(lesson.Conn.In)); inside >= 40 || in < 40 {
		t.Errorf("%d of %d stand in the item", inside, in)
	}
}

// hall fills the item until people are shed.
func (x *tale) hall(from, n int, at epoch.Instant) {
	x.t.Helper()
	for i := range n {
		x.came(fmt.Sprintf("h%03d", from+i), fmt.Sprintf("user%03d", from+i), at+epoch.Instant(i*100), at+epoch.Instant(i*100))
		if out, ok := x.l.ToShed(); ok {
			x.l = out.Apply(x.l)
		}
	}
}

// What a clock stood still for is not forgotten when the hall fills.
func TestPausesOfAHall(t *testing.T) {
	x := begin(t, `{"lessonSeconds":3600,"clock":"pause","quorum":2}`)
	x.came("A", "ann", 1_000, 1_000)
	x.came("B", "bea", 2_000, 2_000)
	x.left("B", 10_000)
	x.came("C", "cem", 610_000, 610_000)
	if x.l.PausedMillis != 600_000 {
		t.Fatalf("paused for %d ms", x.l.PausedMillis)
	}
	x.came("D", "dan", 611_000, 611_000)
	x.left("A", 612_000) // no witness of the start is in any more, so who fills the item is added
	end := x.l.EndsAt()
	x.read(615_000, 615_100, map[string]epoch.Instant{"C": 610_000, "D": 611_000})
	x.hall(0, 100, 620_000)
	x.left("h099", 640_000) // by which the pauses are added up again
	if x.l.PausedMillis != 600_000 || x.l.EndsAt() != end {
		t.Errorf("%d are outside; paused for %d ms, ends at %v, want %v", x.l.PresentOutside, x.l.PausedMillis, x.l.EndsAt(), end)
	}
}

// An ended lesson reviews nobody.
func TestEndedWhileToReview(t *testing.T) {
	x := begin(t, `{}`)
	x.hall(0, 100, 1_000)
	if x.l.PresentOutside == 0 {
		t.Fatal("nobody is outside")
	}
	x.decide(lesson.BanUser{Ban: lesson.Ban{User: "zed", At: noon + 20_000}}, 20_000)
	x.decide(lesson.End{}, 20_100)
	x.decide(lesson.OutsideDismissed{Last: true}, 20_200)
	for range 20 {
		e := x.l.Outstanding(noon + 3_600_000)
		if !e.ReviewOutside {
			t.Logf("fine: %+v", e)
			return
		}
		d := lesson.Decide(x.l, lesson.OutsideReviewed{Last: true}, noon+3_600_000)
		x.l = d.Lesson
	}
	t.Errorf("still to review outside; no retry, reading or ban to keep is ever reached: %+v", x.l.Outstanding(noon+3_600_000))
}

// A review that began before a second ban does not end that one's.
func TestSecondBanDuringAReview(t *testing.T) {
	x := begin(t, `{}`)
	var out []lesson.Record
	for i := range 100 {
		at := epoch.Instant(1_000 + i*100)
		x.came(fmt.Sprintf("h%03d", i), fmt.Sprintf("user%03d", i), at, at)
		if s, ok := x.l.ToShed(); ok {
			x.l = s.Apply(x.l)
			out = append(out, s.Records...)
		}
	}
	find := func(l lesson.Lesson) (some []lesson.Record) {
		for _, r := range out {
			if r.Conn != nil && r.Conn.In() && l.Concerns(*r.Conn) {
				some = append(some, r)
			}
		}
		return some
	}
	first, second := out[0].Conn.User, ""
	for _, r := range out[1:] {
		if r.Conn != nil && r.Conn.User != first {
			second = r.Conn.User
			break
		}
	}
	x.decide(lesson.BanUser{Ban: lesson.Ban{User: first, At: noon + 20_000}}, 20_000)
	one := find(x.l) // by the process that banned the first: it reads all records of the hall
	x.decide(lesson.BanUser{Ban: lesson.Ban{User: second, At: noon + 20_100}}, 20_100)
	two := find(x.l)
	if len(one) != 1 || len(two) != 2 {
		t.Fatalf("%d and %d", len(one), len(two))
	}
	x.decide(lesson.OutsideReviewed{Records: one, Last: true}, 20_200)
	x.decide(lesson.OutsideReviewed{Records: two, Last: true}, 20_300)
	for _, r := range two {
		if c := x.l.Conns[r.ID]; !c.DisconnectRequested() {
			t.Errorf("%s, banned, is in; to review at %v, bans to keep %v", r.Conn.User, x.l.OutsideReviewAt, x.l.BansToKeep)
		}
	}
}

// Settling pauses says nothing.
func TestSettlingSaysNothing(t *testing.T) {
	x := begin(t, `{"lessonSeconds":3600,"clock":"pause","quorum":3}`)
	at := epoch.Instant(1_000)
	x.came("T", "tom", at, at)
	paused := 0
	wasPaused, since := x.l.PausedMillis, x.l.PausedAt
	for i := range 200 {
		a, b := fmt.Sprintf("a%03d", i), fmt.Sprintf("b%03d", i)
		for n, id := range []string{a, b} {
			at += 1_000
			x.came(id, fmt.Sprintf("u%d", n), at, at)
			if out, ok := x.l.ToShed(); ok {
				x.l = out.Apply(x.l)
			}
		}
		for _, id := range []string{a, b} {
			at += 1_000
			e := arrives(id, "", noon+at)
			e.Event.Name, e.Event.ConnectedAt, e.Event.Reason = "connectionDestroyed", noon+at-3_000, "clientDisconnected"
			before := x.l
			x.decide(e, at)
			if before.Status == journal.Paused && x.l.Status == journal.Paused && (x.l.PausedAt != before.PausedAt || x.l.PausedMillis != before.PausedMillis) {
				paused++
				if paused < 3 {
					t.Logf("round %d: %d %d -> %d %d settled %d %d: %+v", i, before.PausedMillis, before.PausedAt-noon, x.l.PausedMillis, x.l.PausedAt-noon, x.l.SettledThrough-noon, x.l.SettledMillis, x.last())
				}
			}
			if out, ok := x.l.ToShed(); ok {
				x.l = out.Apply(x.l)
			}
		}
	}
	_, _ = wasPaused, since
	if paused > 0 {
		t.Errorf("%d times a pause that goes on was said again", paused)
	}
}

// Streams that a new policy forbids are asked away, however many one publishes.
func TestThreeStreamsOfANewPolicy(t *testing.T) {
	x := begin(t, `{}`)
	x.came("A", "ann", 0, 0)
	for i := range 3 {
		x.streamed("streamCreated", "A", fmt.Sprintf("s%d", i), epoch.Instant(1_000+i))
	}
	x.policy(`{"publish":{"camera":[]}}`, 2, 100_000)
	x.is("A", lesson.Seated)
}

// A reading of several pages is one failure, however many streams it leaves in doubt.
func TestUnreadCountsReadings(t *testing.T) {
	x := begin(t, `{"publish":{"camera":[]}}`)
	for i := range 8 {
		id := fmt.Sprintf("c%d", i)
		x.came(id, "u"+id, 0, 0)
		x.streamed("streamCreated", id, "s"+id, 1_000)
	}
	x.decide(lesson.StreamsRead{Reading: &lesson.StreamReading{Began: noon + 7_000}}, 7_000)
	if x.l.StreamsUnread != 1 {
		t.Errorf("one reading failed to prove, %d are counted: the next is at %v", x.l.StreamsUnread, x.l.Outstanding(noon+7_000).NextAt-noon)
	}
}

// Removing somebody who had left is said once.
func TestRemovedAfterLeavingTwice(t *testing.T) {
	x := begin(t, `{"rejoinSeconds":60}`)
	x.came("A", "ann", 1_000, 1_000)
	x.left("A", 2_000)
	x.decide(lesson.Remove{Connection: "A"}, 3_000)
	n := x.l.Bans
	x.decide(lesson.Remove{Connection: "A"}, 50_000)
	if x.l.Bans != n {
		t.Errorf("the repeated request prolonged the ban: %+v", x.last())
	}
}

func reviewPolicy(t testing.TB, text string) policy.Policy {
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Bans while a review waits for its next try do not keep anybody busy.
func TestBansWaitForTheReview(t *testing.T) {
	x := begin(t, `{"rejoinSeconds":60}`)
	x.hall(0, 100, 1_000)
	x.decide(lesson.Remove{Connection: "h099"}, 20_000)
	// a handful is reviewed, and the process dies
	x.decide(lesson.OutsideReviewed{}, 20_100)
	for i := range 10 {
		now := noon + 20_200 + epoch.Instant(i)
		e := x.l.Outstanding(now)
		if len(e.KeepBans) == 0 {
			t.Log(e, e.NextAt-now)
			return
		}
		d := lesson.Decide(x.l, lesson.BanUser{Ban: e.KeepBans[0]}, now)
		x.l = d.Lesson
	}
	t.Errorf("for %s each run commits the room again, at once: %+v", time.Duration(x.l.OutsideReviewAt-noon-20_200)*time.Millisecond, x.l.Outstanding(noon+20_300))
}
