package costs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// Flat is what an event takes in a room with that many people, on average;
// what it takes to shed what is over stands apart.
type Flat struct {
	People             int
	Arrival, Departure Average
}

// Average is per event: requests and write units of the event itself, the
// requests to shed that it caused, and the time of all of it.
type Average struct {
	Requests, Read, Write, Shedding float64
	Took                            time.Duration
}

// sample is how many events an Average is of: several rounds of shedding.
const sample = 64

// TestFlat says that an arrival takes at most one request in a room without a
// cap, a departure at most two, and that neither grows with the people.
func TestFlat(t *testing.T, store *Counted, sizes ...int) {
	var few *Flat
	for _, r := range Hall(t, store, sizes...) {
		if r.People < policy.MaxSeats {
			continue
		}
		if few == nil {
			few = &r
		}
		if r.Arrival.Requests > 1.1 || r.Departure.Requests > 2.1 {
			t.Errorf("with %d people an arrival takes %.2f requests and a departure %.2f", r.People, r.Arrival.Requests, r.Departure.Requests)
		}
		if !r.Arrival.within(few.Arrival) || !r.Departure.within(few.Departure) {
			t.Errorf("with %d people an event takes more than with %d", r.People, few.People)
		}
	}
}

// within reports whether a is at most a fifth more than few.
func (a Average) within(few Average) bool {
	const most = 1.2
	return a.Requests <= most*few.Requests && a.Read <= most*few.Read && a.Write <= most*few.Write &&
		a.Shedding <= few.Shedding+2/chunk // one more shed in eight events
}

// chunk is how many log lines are shed at a time.
const chunk = 8.0

// Hall fills a room without a cap, and measures at each of these sizes.
// Arrivals are of the newest, departures of the oldest people.
func Hall(t testing.TB, store *Counted, sizes ...int) []Flat {
	t.Helper()
	h := newHouse(t, store, `{"lessonSeconds":0}`, false)
	var rows []Flat
	come, left := 0, 0
	for _, people := range sizes {
		h.fill(come, people+left-come)
		come = people + left
		row := Flat{
			people,
			h.average(func() { come++; h.come(member(come), member(come)) }),
			h.average(func() { left++; h.Platform.Go(member(left)) }),
		}
		t.Logf("%+v", row)
		rows = append(rows, row)
	}
	if l, err := h.Lesson(h.session); err != nil || l.Seats() != come-left {
		t.Errorf("%d seats, %v; want %d", l.Seats(), err, come-left)
	}
	return rows
}

func member(n int) string { return fmt.Sprintf("c1b2d3e4-0000-4000-8000-%012d", n) }

// driven is up to how many people come one by one.
const driven = 200

// fill lets n more people come after those who have. Beyond driven they are
// put in the store as they would stand there, some hundred at a time.
func (h *house) fill(after, n int) {
	h.t.Helper()
	for n > 0 {
		crowd := min(n, 400)
		if after < driven {
			crowd = 1
			h.come(member(after+1), member(after+1))
			h.hear(h.webhook)
		} else {
			h.crowd(after, crowd)
		}
		after, n = after+crowd, n-crowd
		h.Forward(h.Now() + 1)
	}
	h.webhook = h.process()
	if err := h.webhook.Work(context.Background(), h.session); err != nil { // its first look
		h.t.Fatal(err)
	}
}

// crowd stores n people as arrivals that were shed.
func (h *house) crowd(after, n int) {
	h.t.Helper()
	ctx := context.Background()
	l, _, err := h.store.Bare.Lesson(ctx, h.session)
	if err != nil {
		h.t.Fatal(err)
	}
	out := lesson.Shed{ShedThrough: h.Now(), PresentOutside: int64(n)}
	for i := range n {
		q := h.Platform.Enter(h.session, member(after+i+1), member(after+i+1), h.Now())
		c := lesson.Conn{
			ID: q.ID, User: q.Data, CreatedAt: q.CameAt, HeardAt: q.CameAt, ShownAt: q.CameAt,
			Foreign: true, State: lesson.Seated, Created: true,
		}
		l.Conns[c.ID] = c
		out.Conns = append(out.Conns, c.ID)
		out.Records = append(out.Records, lesson.Record{ID: c.ID, Conn: &c}, lesson.Record{ID: "u:" + c.User, Holder: c.ID})
	}
	if l, err = h.store.Bare.Swap(ctx, l); err == nil {
		_, err = h.store.Bare.Shed(ctx, l, out)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// average is what webhooks take that do puts under way, each heard at once.
func (h *house) average(do func()) Average {
	h.store.Take()
	began := time.Now()
	for range sample {
		do()
		h.hear(h.webhook)
		h.Forward(h.Now() + 1)
	}
	used := h.store.Take()
	return Average{
		Requests: float64(used.Requests-2*used.Calls["Shed"]) / sample,
		Shedding: float64(2*used.Calls["Shed"]) / sample,
		Read:     used.Read / sample, Write: used.Write / sample,
		Took: time.Since(began) / sample,
	}
}
