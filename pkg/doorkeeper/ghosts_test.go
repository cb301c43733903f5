package doorkeeper_test

import (
	"fmt"
	"testing"

	"usher/pkg/epoch"
)

// After the death of the only process the deadline rings on time, though the
// sweep comes too late for it.
func TestDeadlineAfterADeath(t *testing.T) {
	d := adopted(t, `{"lessonSeconds":900}`)
	d.come("A", "ann")
	d.come("B", "bob")
	start := d.Now()
	d.SweepEvery = 5 * epoch.Minute
	d.Pass(epoch.Minute)
	d.Restart()
	d.Forget()
	d.Advance(start + 900*epoch.Second)
	d.in()
}

// Somebody outside the item of a hall who vanished is freed like the rest.
func TestGhostsOfAHall(t *testing.T) {
	d := adopted(t, `{"quorum":2}`)
	for i := range 100 {
		d.come(fmt.Sprintf("c%03d", i), "")
	}
	for i := range 100 {
		d.Platform.Vanish(fmt.Sprintf("c%03d", i))
	}
	d.Pass(epoch.Hour)
	if v := d.view(); v.Seats != 0 {
		t.Errorf("%d seats are taken by nobody", v.Seats)
	}
}
