package doorkeeper_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"usher/pkg/epoch"
)

// After the death of the only process the deadline's wake comes on time, though the
// sweep comes too late for it.
func TestDeadlineAfterADeath(t *testing.T) {
	d := adopted(t, `{"lessonSeconds":900}`)
	d.come("A", "ann")
	d.come("B", "bob")
	start := d.Now()
	d.SweepEvery = 5 * time.Minute
	d.Pass(time.Minute)
	d.Restart()
	d.Forget()
	d.Advance(start.Add(900 * time.Second))
	d.in()
}

// Somebody outside the item of a hall who vanished is freed like the rest.
func TestGhostsOfAHall(t *testing.T) {
	d := adopted(t, `{"quorum":2}`)
	for i := range 100 {
		d.come(fmt.Sprintf("c%03d", i), "")
		d.Pass(time.Second)
	}
	if l, err := d.Lesson(d.session); err != nil || l.PresentOutside == 0 {
		t.Fatalf("%d are outside the item, %v", l.PresentOutside, err)
	}
	for i := range 100 {
		d.Platform.Vanish(fmt.Sprintf("c%03d", i))
	}
	d.Pass(time.Hour)
	if n := d.view().Lesson.Seats(); n != 0 {
		t.Errorf("%d seats are taken by nobody", n)
	}
}

// A policy that starts the clock asks for the deadline's wake at once, as a webhook
// does.
func TestDeadlineOfAPolicyThatStartsTheClock(t *testing.T) {
	d := adopted(t, `{"lessonSeconds":60}`)
	d.come("A", "ann")
	d.Pass(time.Second)
	var asked []epoch.Instant
	d.WakeTimes = func(_ string, at epoch.Instant) []epoch.Instant {
		asked = append(asked, at)
		return []epoch.Instant{at}
	}
	d.put(`{"lessonSeconds":60,"quorum":1}`, "")
	if want := d.Now().Add(60 * time.Second); !slices.Contains(asked, want) {
		t.Errorf("wakes were asked for at %v, want %v among them", asked, want)
	}
}
