package costs

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room/storetest"
)

// exodus is how people leave a hall: each of twenty processes hears of a twentieth.
type exodus struct {
	name string
	at   func(dice *rand.Rand, n int) time.Duration // when the nth leaves
}

const (
	inHall           = 400
	leaving          = 120
	processes        = 20
	perSecond        = 20
	mostPerDeparture = 3.0 // requests to the store
)

// exoduses are twenty departures in a second.
var exoduses = []exodus{
	{"evenly", func(_ *rand.Rand, n int) time.Duration { return time.Duration(n) * time.Second / perSecond }},
	{"by chance", func(dice *rand.Rand, _ int) time.Duration {
		return time.Duration(dice.Int64N(int64(leaving * time.Second / perSecond)))
	}},
	{"twenty in one moment", func(_ *rand.Rand, n int) time.Duration {
		return time.Duration(n/perSecond) * time.Second
	}},
}

// allAtOnce is more than anybody promised.
var allAtOnce = exodus{"all in one moment", func(*rand.Rand, int) time.Duration { return 0 }}

// TestLeaving says that of twenty who leave a hall in a second, each in a process of its
// own, each takes at most three requests, and none is parked. The store takes latency for
// a request. It is to be called outside of a synctest bubble, and makes one for each store
// that open gives.
func TestLeaving(t *testing.T, latency time.Duration, open func(testing.TB) *Counted) {
	for _, e := range append(exoduses, allAtOnce) {
		t.Run(e.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := open(t)
				store.slowDown(latency)
				w := simulation.InBubble(store)
				w.Queue = &simulation.Queue{}
				e.test(t, w, store)
			})
		})
	}
}

// TestLeavingAtOnce is TestLeaving with everybody at once, over a store as fast as it is,
// for which each departure waits as long as it takes.
func TestLeavingAtOnce(t *testing.T, store *Counted) {
	allAtOnce.test(t, simulation.NewWorld(store), store)
}

func (e exodus) test(t *testing.T, w *simulation.World, store *Counted) {
	used, parked := e.leave(t, w, store)
	requests := float64(used.Requests) / leaving
	t.Logf("a departure: %.2f requests (%s), %d parked", requests, used, parked)
	if requests > mostPerDeparture || parked > 0 {
		t.Errorf("a departure took %.2f requests and %d were parked, want at most %.0f and none", requests, parked, mostPerDeparture)
	}
}

// slowDown has each call of the store take that long, half of it on the way there.
func (c *Counted) slowDown(latency time.Duration) {
	c.Under = storetest.Hooked{Under: c.Under, Hook: func(_ context.Context, _ storetest.Call, do func() error) error {
		time.Sleep(latency / 2)
		defer time.Sleep(latency / 2)
		return do()
	}}
}

// leave fills a hall and has people leave it.
func (e exodus) leave(t *testing.T, w *simulation.World, store *Counted) (used Used, parked int) {
	t.Helper()
	h := newHouseIn(t, w, store, `{"lessonSeconds":0}`, false, func(*house) {})
	all := h.fillHall()
	dice := rand.New(rand.NewPCG(1, 2))
	who := dice.Perm(inHall)[:leaving]
	when := make([]time.Duration, leaving)
	for n := range when {
		when[n] = e.at(dice, n)
	}
	slices.Sort(when)
	store.Take()
	began := time.Now()
	var handlers sync.WaitGroup
	for n, after := range when {
		time.Sleep(time.Until(began.Add(after)))
		h.Platform.Go(member(who[n] + 1))
		post := h.Held[0]
		h.Held, post.Received = nil, h.Now()
		handlers.Go(func() {
			if err := all[n%processes].Hear(context.Background(), post); err != nil {
				t.Error(err)
			}
		})
	}
	handlers.Wait()
	used = store.Take()
	if w.Queue != nil {
		parked = len(w.Queue.Parked)
	}
	if parked == 0 {
		h.left(who)
	}
	return used, parked
}

// fillHall lets people come, and gives processes that have heard of the lesson.
func (h *house) fillHall() (all []*doorkeeper.Service) {
	h.t.Helper()
	for n := range inHall {
		h.come(member(n+1), member(n+1))
		h.hear(h.webhook)
		h.Forward(h.Now() + 1)
	}
	h.Advance(h.Now().Add(10 * time.Second))
	all = make([]*doorkeeper.Service, processes)
	for i := range all {
		all[i] = h.process()
		h.must(all[i].Work(context.Background(), h.session)) // it has heard of the lesson before
	}
	return all
}

// TestHallEnds ends a hall of four hundred while the processes hear of the departures of
// those who were asked first: everybody is asked within a second, and no departure is parked.
// It is to be called outside of a synctest bubble.
func TestHallEnds(t *testing.T, latency time.Duration, open func(testing.TB) *Counted) {
	synctest.Test(t, func(t *testing.T) {
		store := open(t)
		store.slowDown(latency)
		w := simulation.InBubble(store)
		w.Queue = &simulation.Queue{}
		h := newHouseIn(t, w, store, `{"lessonSeconds":0}`, false, func(*house) {})
		all := h.fillHall()
		store.Take()
		d := departures{all: all, dice: rand.New(rand.NewPCG(1, 3)), t: t, ended: h.Now()}
		h.Platform.Notify = d.under
		_, err := all[0].End(context.Background(), "lesson", "admin")
		h.must(err)
		d.handlers.Wait()
		used := store.Take()
		t.Logf("%d were asked to go, the last after %v; %.2f requests each (%s), %d parked", d.asked, d.last, float64(used.Requests)/inHall, used, len(w.Queue.Parked))
		if d.asked != inHall || d.last > time.Second || len(w.Queue.Parked) > 0 {
			t.Errorf("%d of %d were asked to go, the last after %v, and %d departures were parked", d.asked, inHall, d.last, len(w.Queue.Parked))
		}
		h.Pass(2 * time.Minute)
		if err := h.Agree(h.session); err != nil {
			t.Error(err)
		}
	})
}

// departures are under way to the processes.
type departures struct {
	t        *testing.T
	all      []*doorkeeper.Service
	handlers sync.WaitGroup
	mu       sync.Mutex
	dice     *rand.Rand
	ended    epoch.Instant
	asked    int
	last     time.Duration // after the end
}

// under brings a departure to one of the processes, after 50 to 250 ms.
func (d *departures) under(post lesson.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	process, later := d.all[d.dice.IntN(len(d.all))], time.Duration(50+d.dice.IntN(200))*time.Millisecond
	d.asked++
	d.last = post.At.Sub(d.ended)
	d.handlers.Go(func() {
		time.Sleep(later)
		post.Received = post.At.Add(later)
		if err := process.Hear(context.Background(), post); err != nil {
			d.t.Error(err)
		}
	})
}

// left says that those have left and nobody else has, in the lesson, its records and its
// log.
func (h *house) left(who []int) {
	h.t.Helper()
	if err := h.Agree(h.session); err != nil {
		h.t.Error(err)
	}
	l, lines, err := h.Log(h.session)
	h.must(err)
	if l.Seats() != inHall-len(who) {
		h.t.Errorf("%d seats are taken, want %d", l.Seats(), inHall-len(who))
	}
	said := map[string]int{}
	for _, line := range lines {
		if line.Action == journal.DidLeave {
			said[line.Connection]++
		}
	}
	var records []string
	for _, n := range who {
		if id := member(n + 1); said[id] != 1 {
			h.t.Errorf("the log says %d times that %s left", said[id], id)
		} else if _, here := l.Conns[id]; !here {
			records = append(records, id)
		}
	}
	h.goneInRecords(records)
}

func (h *house) goneInRecords(ids []string) {
	h.t.Helper()
	_, records, err := h.store.Bare.Lesson(context.Background(), h.session, ids...)
	h.must(err)
	gone := slices.DeleteFunc(records, func(r lesson.Record) bool { return r.Conn == nil || r.Conn.LeftAt == 0 })
	if len(gone) != len(ids) {
		h.t.Errorf("%d records say that somebody left, want %d", len(gone), len(ids))
	}
}
