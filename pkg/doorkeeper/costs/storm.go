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

// scene is the arrivals of many people at once in a room.
type scene struct {
	policy string
	people int
	data   func(n int) string
	stays  func(n int) bool
	// processes hear the webhooks, with so many handlers each at once, or with none in
	// turn.
	processes, handlers int
	seed                uint64 // of the order in which the webhooks come
}

// crowd is people in a room with fewer seats, of whom the first stay.
func crowd(people, seats, processes, handlers int) scene {
	return scene{
		policy: fmt.Sprintf(`{"maxSeats":%d}`, seats), people: people, data: member,
		stays:     func(n int) bool { return n < seats },
		processes: processes, handlers: handlers,
	}
}

// classroom is sixty students in a room with seats for ten, and three teachers, one
// among every twenty students, for whom there is one: the first ten and the first one
// stay.
func classroom(processes, handlers int) scene {
	const students, teachers, every = 60, 3, 21
	return scene{
		policy: `{"maxByRole":{"student":10,"teacher":1}}`, people: students + teachers,
		data: func(n int) string {
			role := "student"
			if n%every == every-1 {
				role = "teacher"
			}
			return fmt.Sprintf(`{"user":"user-%03d","role":%q}`, n, role)
		},
		stays:     func(n int) bool { return n < 10 || n == every-1 },
		processes: processes, handlers: handlers,
	}
}

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

// TestStorm lets two hundred people come to sixty seats at once, and students and
// teachers to those of their roles, in eight processes: that take turns, so that what
// a join costs is the same each time, and with six handlers each, where it depends on
// who is faster.
func TestStorm(t *testing.T, open func(testing.TB) *Counted) {
	for name, handlers := range map[string]int{"in turn": 0, "at once": 6} {
		t.Run(name, func(t *testing.T) { crowd(200, 60, 8, handlers).test(t, open(t)) })
		t.Run("with roles, "+name, func(t *testing.T) {
			for seed := range uint64(4) {
				c := classroom(8, handlers)
				c.seed = seed
				c.test(t, open(t))
			}
		})
	}
}

func (c scene) test(t *testing.T, store *Counted) {
	s := c.storm(t, store)
	t.Log(s)
	if c.handlers == 0 && s.perJoin() > mostPerJoin {
		t.Errorf("a join took %.1f requests, want at most %.1f", s.perJoin(), mostPerJoin)
	}
	if n := s.Readings + s.LateReadings; n > 5 {
		t.Errorf("the list was read %d times, want at most 5", n)
	}
}

// BenchmarkStorm is the storms, with six handlers in each of eight processes; it fails
// unless exactly those stay who came first.
func BenchmarkStorm(b *testing.B, open func(testing.TB) *Counted) {
	for name, c := range map[string]scene{"200 into 60 seats": crowd(200, 60, 8, 6), "60 students and 3 teachers": classroom(8, 6)} {
		b.Run(name, func(b *testing.B) {
			var requests, left, departures float64
			for range b.N {
				s := c.storm(b, open(b))
				requests += s.perJoin()
				departures, left = departures+float64(s.Departures.Requests), left+float64(s.Left)
			}
			b.ReportMetric(requests/float64(b.N), "requests/join")
			b.ReportMetric(departures/left, "requests/departure")
		})
	}
}

// mostPerJoin bounds the requests to the store for each who comes to processes
// of which each has to learn what the others did.
const mostPerJoin = 2.0

// storm lets people come a millisecond apart, and gives their webhooks, shuffled, to
// the processes. It fails t unless exactly those stay who have a right to.
func (c scene) storm(t testing.TB, store *Counted) storm {
	t.Helper()
	h := newHouse(t, store, c.policy, false)
	var all []*doorkeeper.Service
	for range c.processes {
		all = append(all, h.process())
	}
	var want []string
	for n := range c.people {
		h.come(member(n), c.data(n))
		h.Forward(h.Now() + 1)
		if c.stays(n) {
			want = append(want, member(n))
		}
	}
	dice := rand.New(rand.NewPCG(1, c.seed))
	shuffle(dice, h.Held)
	s := storm{People: c.people, Seats: len(want)}
	store.Take()
	wakes, began := h.wakes, h.Now()
	s.Parked = h.hearAll(all, c.handlers)
	s.Readings = len(h.Platform.Readings[h.session])
	h.untilDecided()
	s.Arrivals, s.LateReadings = store.Take(), len(h.Platform.Readings[h.session])-s.Readings
	s.Wakes, s.Took = h.wakes-wakes, h.Now().Sub(began)
	s.Left = len(h.Held)
	shuffle(dice, h.Held)
	s.LateParked = h.hearAll(all, c.handlers)
	s.Departures = store.Take()
	h.stay(want)
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

// stay says that exactly those are in, in truth and in the lesson.
func (h *house) stay(want []string) {
	h.t.Helper()
	if got := h.Platform.In(h.session); !slices.Equal(got, want) {
		h.t.Errorf("%d stay: %v\nwant %v", len(got), got, want)
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
