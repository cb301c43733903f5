package lesson_test

import (
	"fmt"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// shed lets all leave the item that is over, as after each decision.
func (x *tale) shed() {
	if s, ok := x.l.ToShed(); ok {
		x.l = s.Apply(x.l)
	}
}

// A user who comes and goes for hours: whatever has left the item since, and was settled
// there, the clock stood still for as long as the user was away, to the millisecond. The
// lesson does not grow.
func TestPausesOutliveTheItem(t *testing.T) {
	x := begin(t, `{"lessonSeconds":80000,"clock":"pause"}`)
	x.came("A", "ann", 0, 0)
	const in, away = 10_000, 7_003
	var largest int
	for i := range epoch.Instant(200) {
		id, came := fmt.Sprintf("B%03d", i), i*(in+away)
		x.came(id, "ben", came, came)
		if x.l.Status != journal.Running || x.l.PausedMillis != int64(i)*away || x.l.StartedAt != noon {
			t.Fatalf("at the %d. coming the lesson is %s, started at %d, and stood still for %d ms, want %d", i, x.l.Status, x.l.StartedAt-noon, x.l.PausedMillis, int64(i)*away)
		}
		x.shed()
		x.left(id, came+in)
		if want := 80_000*time.Second - time.Duration(i+1)*in*time.Millisecond; x.leftAt(came+in+5_000) != want {
			t.Fatalf("after the %d. going %v are left, want %v", i, x.leftAt(came+in+5_000), want)
		}
		x.shed()
		if i == 100 {
			largest = x.l.Size()
		}
	}
	if got := x.l.Size(); got > largest+4_000 || len(x.l.Stays) > 48 {
		t.Errorf("the lesson takes %d bytes with %d stays; it took %d", got, len(x.l.Stays), largest)
	}
	if x.l.SettledThrough <= x.l.StartedAt {
		t.Error("nothing was settled")
	}
}

func (x *tale) leftAt(at epoch.Instant) time.Duration {
	left, _ := x.l.Left(noon + at)
	return left
}

// What is settled is so with the pause that was going on at that moment: two are there
// together, and a third alone between.
func TestPauseOverTheSettledMoment(t *testing.T) {
	x := begin(t, `{"lessonSeconds":80000,"clock":"pause","quorum":2}`)
	for i := range epoch.Instant(120) {
		came := i * 10_000
		b, c, d := fmt.Sprintf("B%03d", i), fmt.Sprintf("C%03d", i), fmt.Sprintf("D%03d", i)
		x.came(b, b, came, came)
		x.came(c, c, came, came)
		x.left(b, came+4_000)
		x.left(c, came+4_000)
		x.shed()
		x.came(d, d, came+5_000, came+5_000)
		x.left(d, came+6_000)
		x.shed()
		if want := int64(i) * 6_000; x.l.PausedMillis != want || x.l.PausedAt != noon+came+4_000 {
			t.Fatalf("after %d it stood still for %d ms and since %d, want %d and %d", i, x.l.PausedMillis, x.l.PausedAt-noon, want, came+4_000)
		}
	}
}

// Late news of the time that is not settled yet counts, though the connection's own entry
// has left the item.
func TestLateNewsOfAStay(t *testing.T) {
	x := begin(t, `{"lessonSeconds":80000,"clock":"pause"}`)
	x.came("A", "ann", 0, 0)
	x.came("B", "ben", 0, 0)
	x.left("B", 10_000)
	x.came("C", "cem", 30_000, 30_000)
	x.left("C", 40_000)
	for i := range epoch.Instant(30) { // others come and go, so that the entries leave
		id, at := fmt.Sprintf("D%03d", i), 50_000+i*1_000
		x.came(id, "ann", at, at)
		x.left(id, at+500)
		x.shed()
	}
	if _, there := x.l.Conns["C"]; there {
		t.Fatal("C stands in the item still")
	}
	if x.l.PausedMillis != 20_000 || x.l.PausedAt != noon+40_000 {
		t.Fatalf("it stood still for %d ms and since %d", x.l.PausedMillis, x.l.PausedAt-noon)
	}
	x.came("L", "lea", 15_000, 90_000) // she was in from 15 s on, and is
	if x.l.PausedMillis != 5_000 || x.l.PausedAt != 0 || x.l.Status != journal.Running {
		t.Errorf("it is %s, stood still for %d ms and since %d", x.l.Status, x.l.PausedMillis, x.l.PausedAt-noon)
	}
}
