package roomtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"usher/pkg/room"
)

// Flat is what an event takes in a room with that many people, on average;
// what it takes to shed what is over stands apart.
type Flat struct {
	People             int
	Arrival, Departure Average
}

// Average is per event: requests and write units of the event itself, and the
// requests to shed that it caused.
type Average struct {
	Requests, Read, Write, Shedding float64
}

// sample is how many events an Average is of: several rounds of shedding.
const sample = 64

// Hall fills a room without a cap, and measures at each of these sizes.
// Arrivals are of the newest, departures of the oldest people.
func Hall(t testing.TB, store Metered, sizes ...int) []Flat {
	t.Helper()
	h := newHouse(t, store, `{"lessonSeconds":0}`, false)
	var rows []Flat
	come, left := 0, 0
	for _, people := range sizes {
		h.fill(come, people+left-come)
		come = people + left
		rows = append(rows, Flat{
			people,
			h.average(func() { come++; h.come(member(come), member(come)) }),
			h.average(func() { left++; h.Platform.Go(member(left)) }),
		})
	}
	if l, err := h.Lesson(h.session); err != nil || l.Seats() != come-left {
		t.Errorf("%d seats, %v; want %d", l.Seats(), err, come-left)
	}
	return rows
}

func member(n int) string { return fmt.Sprintf("c1b2d3e4-0000-4000-8000-%012d", n) }

// fill lets n more people come, whom several processes hear of at once.
func (h *house) fill(after, n int) {
	h.t.Helper()
	for i := range n {
		h.come(member(after+i+1), member(after+i+1))
		h.now++
	}
	h.hearAll(16, 1)
}

// hearAll gives the webhooks under way to that many processes, each with that
// many handlers.
func (h *house) hearAll(processes, handlers int) {
	h.t.Helper()
	posts := make(chan room.Event, len(h.posts))
	for _, e := range h.posts {
		e.Received = h.Now()
		posts <- e
	}
	close(posts)
	h.posts = nil
	var all sync.WaitGroup
	for range processes {
		process := h.process()
		for range handlers {
			all.Go(func() {
				for e := range posts {
					if err := process.Hear(context.Background(), e); err != nil {
						h.t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
}

// average is what webhooks take that do puts under way, each heard at once.
func (h *house) average(do func()) Average {
	h.store.Take()
	for range sample {
		do()
		h.hear(h.webhook)
		h.now++
	}
	used := h.store.Take()
	return Average{
		Requests: float64(used.Requests-2*used.Calls["Shed"]) / sample,
		Shedding: float64(2*used.Calls["Shed"]) / sample,
		Read:     used.Read / sample, Write: used.Write / sample,
	}
}

// FlatTable is the rows in Markdown.
func FlatTable(rows []Flat) string {
	var b strings.Builder
	b.WriteString("| people | an arrival | to shed | read | write units | a departure | to shed | read | write units |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", r.People, r.Arrival, r.Departure)
	}
	return b.String()
}

func (a Average) String() string {
	return fmt.Sprintf("%.2f | %.2f | %.1f | %.1f", a.Requests, a.Shedding, a.Read, a.Write)
}

var _ room.Store = (*Counted)(nil)
