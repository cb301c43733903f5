package costs

import (
	"testing"

	"usher/pkg/epoch"
)

// TestTold counts what telling the owner's backend costs: nothing in the store for the
// events themselves, two requests and the POSTs for each run that tells; and that nothing
// is told twice where nobody fails.
func TestTold(t *testing.T, open func(testing.TB) *Counted) {
	for _, e := range []struct {
		name   string
		before func(*house)
		do     func(*house)
		hear   Cost // to hear of it
		asked  int  // for telling
		tell   int  // requests to the store
		posts  int
	}{
		{name: "arrival", before: brought("A", "B"), do: heard("C", "C"), hear: Cost{Requests: 1}, asked: 1, tell: 2, posts: 1},
		{
			name: "departure", before: brought("A", "B"),
			do:   func(h *house) { h.Platform.Go("A"); h.hear(h.webhook) },
			hear: Cost{Requests: 1 + 1}, asked: 1, tell: 2, posts: 1, // the cursor has moved since this process looked
		},
		{
			name: "ten people at once, asked for once", before: brought("A", "B"),
			do: func(h *house) {
				for _, id := range []string{"D", "E", "F", "G", "H", "I", "J", "K", "L", "M"} {
					heard(id, id)(h)
				}
			},
			hear: Cost{Requests: 10}, asked: 1, tell: 2, posts: 10,
		},
		{
			name: "a stream, of which nobody is told", before: brought("A", "B"),
			do: func(h *house) { h.camera("A") }, hear: Cost{Requests: 1 + 1},
		},
	} {
		t.Run(e.name, func(t *testing.T) {
			h := newToldHouse(t, open(t), `{"maxSeats":20,"lessonSeconds":3600}`, false)
			e.before(h)
			told := len(h.Backend.Heard(h.session))
			h.asked = 0
			hear, _ := h.cost(e.do)
			if hear != e.hear || h.asked != e.asked {
				t.Errorf("hearing of it took %+v and asked %d times, want %+v and %d", hear, h.asked, e.hear, e.asked)
			}
			tell, used := h.cost(func(h *house) { h.Pass(0) })
			t.Logf("telling: %+v: %s", tell, used)
			if posts := len(h.Backend.Heard(h.session)) - told; tell.Requests != e.tell || posts != e.posts {
				t.Errorf("telling took %d requests and %d posts, want %d and %d", tell.Requests, posts, e.tell, e.posts)
			}
			h.allTold()
		})
	}
	t.Run("a lesson of two people, all of it", func(t *testing.T) {
		h := newToldHouse(t, open(t), `{"maxSeats":2,"lessonSeconds":3600}`, true)
		got, used := h.cost(wholeLesson)
		t.Logf("%+v, asked %d times, %d posts: %s", got, h.asked, len(h.Backend.Heard(h.session)), used)
		h.allTold()
	})
}

// newToldHouse is a house whose owner's backend listens.
func newToldHouse(t testing.TB, store *Counted, text string, own bool) *house {
	return newHouseWith(t, store, text, own, func(h *house) {
		h.Listen()
		h.TellTimes = func(_ string, at epoch.Instant) []epoch.Instant { h.asked++; return []epoch.Instant{at} }
	})
}

// allTold holds that every line was told, and once.
func (h *house) allTold() {
	h.t.Helper()
	if err := h.AllTold(h.session); err != nil {
		h.t.Error(err)
	}
	_, lines, err := h.Log(h.session)
	if err != nil {
		h.t.Fatal(err)
	}
	want := 0
	for _, line := range lines {
		if line.Told() != "" {
			want++
		}
	}
	if n := len(h.Backend.Heard(h.session)); n != want {
		h.t.Errorf("%d posts for %d lines that are told", n, want)
	}
}
