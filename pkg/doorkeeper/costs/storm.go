package costs

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/lesson"
)

// storm is what many arrivals at once took: until everybody was decided, and
// for the departures of those who were sent away.
type storm struct {
	People, Seats          int
	Arrivals, Departures   Used
	Left                   int // webhooks of departures
	Readings, LateReadings int // of the list, while the webhooks were handled and after
	Wakes                  int
	Parked, LateParked     int // webhooks that lost too many races, and were heard again
	Took                   time.Duration
}

// TestStorm lets two hundred people come to sixty seats at once, in eight
// processes: that take turns, so that what a join costs is the same each time,
// and with six handlers each, where it depends on who is faster.
func TestStorm(t *testing.T, open func(testing.TB) *Counted) {
	for name, handlers := range map[string]int{"in turn": 0, "at once": 6} {
		t.Run(name, func(t *testing.T) {
			s := stormOf(t, open(t), 200, 60, 8, handlers)
			t.Log(s)
			if handlers == 0 && s.perJoin() > mostPerJoin {
				t.Errorf("a join took %.1f requests, want at most %.1f", s.perJoin(), mostPerJoin)
			}
			if n := s.Readings + s.LateReadings; n > 5 {
				t.Errorf("the list was read %d times, want at most 5", n)
			}
		})
	}
}

// mostPerJoin bounds the requests to the store for each who comes to processes
// of which each has to learn what the others did.
const mostPerJoin = 2.0

// stormOf lets people come to a room with fewer seats, a millisecond apart, and
// gives their webhooks, shuffled, to that many processes with so many handlers
// each at once, or with none to the processes in turn. It fails t unless exactly
// the first stay.
func stormOf(t testing.TB, store *Counted, people, seats, processes, handlers int) storm {
	t.Helper()
	h := newHouse(t, store, fmt.Sprintf(`{"maxSeats":%d}`, seats), false)
	var all []*doorkeeper.Service
	for range processes {
		all = append(all, h.process())
	}
	for n := range people {
		h.come(member(n), member(n))
		h.Forward(h.Now() + 1)
	}
	dice := rand.New(rand.NewPCG(1, 1))
	shuffle(dice, h.Held)
	s := storm{People: people, Seats: seats}
	store.Take()
	wakes, began := h.wakes, h.Now()
	s.Parked = h.hearAll(all, handlers)
	s.Readings = len(h.Platform.Readings[h.session])
	h.untilDecided()
	s.Arrivals, s.LateReadings = store.Take(), len(h.Platform.Readings[h.session])-s.Readings
	s.Wakes, s.Took = h.wakes-wakes, h.Now().Sub(began)
	s.Left = len(h.Held)
	shuffle(dice, h.Held)
	s.LateParked = h.hearAll(all, handlers)
	s.Departures = store.Take()
	h.firstStay(people, seats)
	return s
}

func shuffle(dice *rand.Rand, posts []lesson.Event) {
	dice.Shuffle(len(posts), func(i, j int) { posts[i], posts[j] = posts[j], posts[i] })
}

// untilDecided lets time go on until nobody waits.
func (h *house) untilDecided() {
	h.t.Helper()
	for range 30 {
		l, _, err := h.store.Bare.Lesson(context.Background(), h.session)
		if err != nil {
			h.t.Fatal(err)
		}
		waits := func(c lesson.Conn) bool {
			return c.LeftAt == 0 && (c.State == lesson.Waiting || c.State == lesson.ListedOnly)
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(l.Conns)), waits) {
			return
		}
		h.Pass(time.Second)
	}
	h.t.Error("half a minute later there is still somebody who waits")
}

// firstStay says that exactly the first are in, in truth and in the lesson.
func (h *house) firstStay(people, seats int) {
	h.t.Helper()
	var want []string
	for n := range min(people, seats) {
		want = append(want, member(n))
	}
	if got := h.Platform.In(h.session); !slices.Equal(got, want) {
		h.t.Errorf("%d stay: %v\nwant the first %d", len(got), got, seats)
	}
	if l, err := h.Lesson(h.session); err != nil || l.Seats() != len(want) {
		h.t.Errorf("%d seats are taken, %v; want %d", l.Seats(), err, len(want))
	}
}

// hearAll gives the webhooks that are held to the processes, each with that many
// handlers at once. One that loses too many races is heard again at the end, as
// a parked one is; it gives their number. A World does one thing after the other;
// this is what a storm is about.
func (h *house) hearAll(processes []*doorkeeper.Service, handlers int) (parked int) {
	h.t.Helper()
	posts, lost := make(chan lesson.Event, len(h.Held)), make(chan lesson.Event, len(h.Held))
	for _, e := range h.Held {
		e.Received = h.Now()
		posts <- e
	}
	close(posts)
	h.Held = nil
	if handlers == 0 {
		for i := 0; len(posts) > 0; i++ {
			if err := processes[i%len(processes)].Hear(context.Background(), <-posts); err != nil {
				h.t.Error(err)
			}
		}
		return 0
	}
	var all sync.WaitGroup
	for _, process := range processes {
		for range handlers {
			all.Go(func() {
				for e := range posts {
					if process.Hear(context.Background(), e) != nil {
						lost <- e
					}
				}
			})
		}
	}
	all.Wait()
	close(lost)
	parked = len(lost)
	for e := range lost {
		if err := processes[0].Replay(context.Background(), e); err != nil {
			h.t.Error(err)
		}
	}
	return parked
}

// perJoin is the requests to the store for each who came.
func (s storm) perJoin() float64 { return float64(s.Arrivals.Requests) / float64(s.People) }

// perDeparture is the requests to the store for each who was sent away.
func (s storm) perDeparture() float64 { return float64(s.Departures.Requests) / float64(s.Left) }

func (s storm) String() string {
	return fmt.Sprintf("%d people into %d seats, decided after %v, with %d readings (%d of them late) and %d wakes\n"+
		"a join: %.2f requests (%s), %d parked\na departure: %.2f (%s), %d parked",
		s.People, s.Seats, s.Took, s.Readings+s.LateReadings, s.LateReadings, s.Wakes,
		s.perJoin(), s.Arrivals, s.Parked, s.perDeparture(), s.Departures, s.LateParked)
}
