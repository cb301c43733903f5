package exploration_test

import (
	"flag"
	"testing"
	"time"

	"usher/pkg/lesson/exploration"
)

// How far it goes: "few" in each test, "many" in make verify, "most" in make explore.
var bounds = flag.String("bounds", "few", "few, many or most")

func TestEveryHistory(t *testing.T) {
	var all exploration.Count
	began := time.Now()
	for _, w := range exploration.Worlds() {
		t.Run(w.Name, func(t *testing.T) {
			for _, w.Bounds = range exploration.BoundsOf(*bounds, w) {
				from := time.Now()
				n, err := exploration.Explore(w)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v: %d states, %d moves, %d states in calms, %.1f s", w.Bounds, n.States, n.Moves, n.Calm, time.Since(from).Seconds())
				all.States, all.Moves, all.Calm = all.States+n.States, all.Moves+n.Moves, all.Calm+n.Calm
			}
		})
	}
	t.Logf("in all %d states, %d moves, %d states in calms, %.1f s", all.States, all.Moves, all.Calm, time.Since(began).Seconds())
}
