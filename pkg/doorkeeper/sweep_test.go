package doorkeeper_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"usher/pkg/doorkeeper/costs"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Idle rooms cost the sweep nothing: with 10,000 of them it asks the store for
// the same as with none.
func TestSweepDoesNotPayForIdleRooms(t *testing.T) {
	alone, among := sweepCost(t, 0), sweepCost(t, 10_000)
	if !maps.Equal(alone, among) || alone["Swap"] == 0 {
		t.Errorf("an hour of sweeps cost %v, and with 10,000 idle rooms %v", alone, among)
	}
}

// sweepCost counts what an hour of sweeps asks of the store, with one room in
// use beside the idle ones.
func sweepCost(t *testing.T, rooms int) map[string]int {
	store := costs.Count(openBolt(t))
	idle(t, store, rooms)
	d := &door{World: simulation.NewWorld(store), t: t, session: "1_busy"}
	d.put(`{"maxSeats":2}`, "1_busy")
	d.come("A", "alice")
	store.Take()
	d.Pass(time.Hour)
	return store.Take().Calls
}

// idle makes rooms whose lessons nobody has to look at.
func idle(t *testing.T, store room.Store, n int) {
	t.Helper()
	var all sync.WaitGroup
	slots := make(chan struct{}, 64)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			r := room.Room{Name: fmt.Sprintf("idle%d", i), Session: fmt.Sprintf("1_idle%d", i)}
			l := lesson.New(lesson.Begin{Room: r.Name, Session: r.Session}, journal.FromAPI, "", simulation.Epoch)
			l.Due, l.WatchAt, l.EmptyReadings = 0, 0, 2
			if err := store.Commit(context.Background(), room.Change{Room: r, Create: true, Start: &l}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A watched lesson is looked at after two minutes and then every ten, and no
// more once its list was empty twice.
func TestWatch(t *testing.T) {
	d := adopted(t, `{}`)
	d.come("A", "alice")
	d.Pass(35 * time.Minute)
	want := []int{0, 2, 12, 22, 32}
	d.looks(want...)
	d.Platform.Go("A")
	d.Pass(2 * time.Hour)
	d.looks(append(want, 42, 52)...)
}

// looks checks at which minutes the list was read.
func (d *door) looks(minutes ...int) {
	d.t.Helper()
	var got []int
	for _, at := range d.Platform.Readings[d.session] {
		got = append(got, int(at.Sub(simulation.Epoch)/time.Minute))
	}
	if fmt.Sprint(got) != fmt.Sprint(minutes) {
		d.t.Errorf("the list was read at minutes %v, want %v", got, minutes)
	}
}
