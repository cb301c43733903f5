package doorkeeper_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/room"
)

func answer(status int) error {
	return &room.PlatformError{Operation: "disconnect", Status: status}
}

// asked counts the requests to disconnect id.
func (d *door) asked(id string) (n int) {
	for _, r := range d.Platform.Requests {
		if r.Connection == id {
			n++
		}
	}
	return n
}

// TestNeedlessDisconnectIsDropped: who left by themselves is asked no more,
// also where only the list says so.
func TestNeedlessDisconnectIsDropped(t *testing.T) {
	for name, leave := range map[string]func(d *door){
		"a webhook says so":  func(d *door) { d.Platform.Go("B") },
		"the list says so":   func(d *door) { d.Platform.Vanish("B") },
		"the process is new": func(d *door) { d.Platform.Vanish("B"); d.Restart(); d.Forget() },
	} {
		t.Run(name, func(t *testing.T) {
			d := adopted(t, `{"maxSeats":1}`)
			d.come("A", "alice")
			d.Platform.DisconnectFails = func(string) error { return answer(500) }
			d.come("B", "bob")
			d.Pass(20 * time.Second)
			d.Platform.DisconnectFails = nil
			leave(d)
			d.Pass(12 * time.Minute)
			n := d.asked("B")
			d.Pass(time.Hour)
			if more := d.asked("B") - n; more > 0 {
				t.Errorf("%d more requests for somebody who is gone", more)
			}
			if l, err := d.Lesson(d.session); err != nil || l.Conns["B"].RetryAt != 0 {
				t.Errorf("something is left to do: %+v, %v", l.Conns["B"], err)
			}
		})
	}
}

// TestDisconnectOutlivesItsProcess: the process that decided is gone before a
// request got through, and its wakes with it; the sweep alone finishes.
func TestDisconnectOutlivesItsProcess(t *testing.T) {
	for name, failure := range map[string]error{"it failed": answer(500), "it never left": errors.New("the process died")} {
		t.Run(name, func(t *testing.T) {
			d := adopted(t, `{"maxSeats":1}`)
			d.WakeTimes = func(string, epoch.Instant) []epoch.Instant { return nil }
			d.come("A", "alice")
			d.Platform.DisconnectFails = func(string) error { return failure }
			d.come("B", "bob")
			for range 5 {
				d.Restart()
				d.Forget()
				d.Pass(time.Minute)
			}
			d.in("A", "B")
			d.Platform.DisconnectFails = nil
			d.Restart()
			d.Forget()
			d.Pass(2 * time.Minute)
			d.in("A")
			d.says(1, "B", journal.DidRefuse, journal.RoomFull)
		})
	}
}

// TestEndIsCarriedOut: a lesson's end during an outage of the platform empties
// the room when that is over, in a process that knows nothing of it.
func TestEndIsCarriedOut(t *testing.T) {
	d := adopted(t, `{"lessonSeconds":60}`)
	for i := range 30 {
		d.come(fmt.Sprintf("c%02d", i), fmt.Sprintf("user%d", i))
	}
	var asked atomic.Int64
	d.Platform.DisconnectFails = func(string) error { return []error{answer(500), answer(429), simulation.ErrAway}[asked.Add(1)%3] }
	d.Platform.ListFails = func() error { return simulation.ErrAway }
	d.Pass(2 * time.Minute)
	if v := d.view(); v.Status() != journal.Ended || len(d.Platform.In(d.session)) != 30 {
		t.Fatalf("%s with %d people in", v.Status(), len(d.Platform.In(d.session)))
	}
	d.Restart()
	d.Forget()
	d.Platform.DisconnectFails, d.Platform.ListFails = nil, nil
	d.Pass(2*time.Minute + time.Second)
	d.in()
}

// TestHangingPlatform: a platform that does not answer holds no webhook for
// more than a few seconds; the rest goes on later.
func TestHangingPlatform(t *testing.T) {
	for name, c := range map[string]struct {
		people                int
		disconnects, listings bool
	}{
		"one disconnect":                  {2, true, false},
		"the list":                        {2, false, true},
		"both":                            {2, true, true},
		"an end with 64 people":           {64, true, false},
		"an end with 300 people":          {300, true, false},
		"an end with 300 people, no list": {300, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy, first := `{}`, c.people
				if c.people == 2 {
					policy, first = `{"maxSeats":1}`, 1
				}
				d := inBubble(t, openBolt(t), policy)
				for i := range first {
					d.come(fmt.Sprintf("c%03d", i), fmt.Sprint("user", i))
					d.Pass(10 * time.Millisecond)
				}
				d.hang(c.disconnects, c.listings)
				d.Pass(2 * time.Second)
				d.Platform.Notify = d.Hold
				start := time.Now()
				if c.people == 2 {
					d.Platform.Come(d.session, "c001", "bob")
					if err := d.Hear(d.Held[0]); err != nil {
						t.Fatal(err)
					}
				} else if _, err := d.Service.End(t.Context(), "lesson", "admin"); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
				d.hang(false, false)
				d.Platform.Notify = nil
				d.Pass(time.Hour)
				if left := len(d.Platform.In(d.session)); c.people == 2 && left != 1 || c.people > 2 && left != 0 {
					t.Errorf("%d of %d are still in", left, c.people)
				}
			})
		})
	}
}
