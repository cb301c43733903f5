package lesson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// A start by many roles keeps no more people in the item than it has place for.
func TestWitnessesOfManyRoles(t *testing.T) {
	roles := map[string]int{}
	for i := range 30 {
		roles[fmt.Sprintf("role%02d", i)] = 1
	}
	q, _ := json.Marshal(roles)
	x := begin(t, fmt.Sprintf(`{"quorumRoles":%s}`, q))
	at := epoch.Instant(1_000)
	n, crowded := 0, 0
	come := func(role string) {
		at += 10
		n++
		user := fmt.Sprintf("%s%04d", strings.Repeat("u", 110), n)
		in := lesson.Webhook{Event: lesson.Event{
			Name: journal.ConnectionCreated, Session: "s", At: noon + at, Received: noon + at,
			Connection: fmt.Sprintf("c%04d", n), ConnectedAt: noon + at, Data: fmt.Sprintf(`{"user":%q,"role":%q}`, user, role),
		}}
		for range 8 {
			d := lesson.Decide(x.l, in, noon+at)
			out, ok := d.Lesson.ToShed()
			x.l = d.Lesson
			if ok {
				x.l = out.Apply(x.l)
			}
			if d.Verdict == nil {
				return
			}
		}
		crowded++
	}
	for i := range 17 {
		_ = i
		for r := range 29 {
			come(fmt.Sprintf("role%02d", r))
		}
	}
	t.Logf("%d before the start: in item %d, %d bytes, outside %d, %d crowded", n, len(x.l.Conns), x.l.Size(), x.l.PresentOutside, crowded)
	come("role29")
	for range 200 {
		come("role00")
	}
	t.Logf("%s: %d came, in item %d, %d bytes, outside %d, %d crowded out", x.l.Status, n, len(x.l.Conns), x.l.Size(), x.l.PresentOutside, crowded)
	if crowded > 0 {
		t.Error("a hall is full")
	}
}

// A user who was banned before they were heard of goes when they are.
func TestBannedStrangerIsKnown(t *testing.T) {
	x := begin(t, `{}`)
	x.read(1_000, 1_100, map[string]epoch.Instant{"A": 500})
	b := lesson.Ban{User: "ann", At: noon + 2_000}
	x.decide(lesson.BanUser{Ban: b}, 2_000)
	x.read(62_000, 62_100, map[string]epoch.Instant{"A": 500})
	e := lesson.Webhook{Event: lesson.Event{
		Name: journal.ConnectionCreated, Session: "s", At: noon + 500, Received: noon + 90_000,
		Connection: "A", ConnectedAt: noon + 500, Data: "ann",
	}, Records: []lesson.Record{{ID: lesson.BanKey("ann"), Ban: &b}}}
	x.decide(e, 90_000)
	if c := x.l.Conns["A"]; c.User != "ann" || !c.DisconnectRequested() {
		t.Errorf("%s is %s", c.User, c.State)
	}
}

// A pause that goes on is said once, also where those who left fill the item.
func TestOnePauseOneLine(t *testing.T) {
	x := begin(t, `{"lessonSeconds":3600,"clock":"pause","quorum":50}`)
	for i := range 64 {
		x.came(fmt.Sprintf("c%02d", i), fmt.Sprintf("u%02d", i), 1_000, 1_000)
		if out, ok := x.l.ToShed(); ok {
			x.l = out.Apply(x.l)
		}
	}
	pauses := 0
	for i := range 64 {
		n := x.l.Base + int64(len(x.l.Tail))
		x.left(fmt.Sprintf("c%02d", i), epoch.Instant(10_000+i*1_000))
		for k := n - x.l.Base; k < int64(len(x.l.Tail)); k++ {
			if x.l.Tail[k].Action == journal.DidPause {
				pauses++
				t.Logf("%d: pausedAt %d millis %d settled %d through %d stays %d conns %d: %s", i, x.l.PausedAt-noon, x.l.PausedMillis, x.l.SettledMillis, x.l.SettledThrough-noon, len(x.l.Stays), len(x.l.Conns), x.l.Tail[k].Note)
			}
		}
		if out, ok := x.l.ToShed(); ok {
			x.l = out.Apply(x.l)
		}
	}
	if pauses != 1 {
		t.Errorf("%d lines of one pause", pauses)
	}
}

// An observer left outside counts nowhere once the lesson was cleared.
func TestCountsTogether(t *testing.T) {
	x := begin(t, `{}`)
	x.hall(0, 100, 1_000)
	x.l.ObserversOutside = 3
	x.decide(lesson.End{}, 20_100)
	x.decide(lesson.OutsideDismissed{Last: true}, 20_200)
	if x.l.Seats() < 0 || len(x.l.OutsideByRole) > 0 {
		t.Errorf("%d seats, outside %v", x.l.Seats(), x.l.OutsideByRole)
	}
}
