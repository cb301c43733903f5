package doorkeeper_test

import (
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/doorkeeper/simulation"
)

// Signals hang. Late news starts the lesson and puts its end in the past: the disconnects
// wait for the last word alone, and no longer than for that.
func TestDisconnectsWaitForTheLastWordAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inBubble(t, openBolt(t), `{"lessonSeconds":60}`)
		d.come("A", "ann")
		d.Pass(5 * time.Second)
		d.Platform.Notify = d.Hold
		d.Platform.Come(d.session, "B", "bob")
		d.Pass(75 * time.Second)
		d.Platform.SignalFails = func() error { return simulation.ErrHangs }
		start := d.Now()
		if err := d.Hear(d.Held[0]); err != nil {
			t.Fatal(err)
		}
		if len(d.Platform.Requests) != 2 {
			t.Fatalf("%d requests to disconnect", len(d.Platform.Requests))
		}
		for _, r := range d.Platform.Requests {
			if late := r.At.Sub(start); late > 400*time.Millisecond {
				t.Errorf("%s was disconnected %v after the news", r.Connection, late)
			}
		}
	})
}

// A word of the clock to everyone that hangs keeps nobody in who has to go.
func TestDisconnectsWaitForNoWordOfTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := inBubble(t, openBolt(t), `{"lessonSeconds":60,"quorum":4}`)
		d.come("A", "ann")
		d.come("B", "bob")
		d.Platform.Come(d.session, "C", "cem")
		d.Pass(2 * time.Second)
		d.Platform.Notify = d.Hold
		d.Platform.SignalFails = func() error { return simulation.ErrHangs }
		start := d.Now()
		if err := d.Put("lesson", `{"lessonSeconds":60,"quorum":2,"allowedUsers":["ann","bob"]}`, ""); err != nil {
			t.Fatal(err)
		}
		if len(d.Platform.Requests) != 1 || d.Platform.Requests[0].At.Sub(start) > 400*time.Millisecond {
			t.Errorf("requests to disconnect: %+v, from %s on", d.Platform.Requests, start)
		}
	})
}
