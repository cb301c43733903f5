package doorkeeper_test

import (
	"testing"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/room"
)

// inBubble opens a room with a queue on the clock of a synctest bubble, where
// something may hang.
func inBubble(t *testing.T, store room.Store, policy string) *door {
	t.Helper()
	d := &door{World: simulation.InBubble(store), t: t, session: "1_adopted"}
	d.Queue = &simulation.Queue{}
	d.Restart()
	d.put(policy, d.session)
	d.Pass(time.Second) // an adopted session's list has been read, and may be again
	return d
}

// hang has the platform answer no more, or again.
func (d *door) hang(disconnects, listings bool) {
	answer := func(hangs bool) func() error {
		if !hangs {
			return nil
		}
		return func() error { return simulation.ErrHangs }
	}
	d.Platform.ListFails, d.Platform.SignalFails = answer(listings), answer(disconnects)
	d.Platform.DisconnectFails = nil
	if disconnects {
		d.Platform.DisconnectFails = func(string) error { return simulation.ErrHangs }
	}
}
