package costs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room/storetest"
)

// exodus is how people leave a hall, twenty a second, of which as many processes hear,
// each of a twentieth.
type exodus struct {
	name string
	at   func(dice *rand.Rand, n int) time.Duration // when the nth leaves
}

const (
	inHall       = 400
	leaving      = 120
	processes    = 20
	perSecond    = 20
	mostOfLeaver = 3.0 // requests to the store
)

var exoduses = []exodus{
	{"evenly", func(_ *rand.Rand, n int) time.Duration { return time.Duration(n) * time.Second / perSecond }},
	{"by chance", func(dice *rand.Rand, _ int) time.Duration {
		return time.Duration(dice.Int64N(int64(leaving * time.Second / perSecond)))
	}},
	{"all at once each second", func(_ *rand.Rand, n int) time.Duration {
		return time.Duration(n/perSecond) * time.Second
	}},
}

// TestLeaving says that somebody who leaves a hall takes at most three requests, and that
// none is parked, where twenty leave in a second and each process hears of one. It is to
// be called in a synctest bubble, over a store that takes its time, see Slow.
func TestLeaving(t *testing.T, store *Counted, how int) {
	e := exoduses[how]
	used, parked := e.leave(t, store)
	requests := float64(used.Requests) / leaving
	t.Logf("%s: %.2f requests (%s), %d parked", e.name, requests, used, parked)
	if requests > mostOfLeaver || parked > 0 {
		t.Errorf("%s: a departure took %.2f requests and %d were parked, want at most %.0f and none", e.name, requests, parked, mostOfLeaver)
	}
}

// Exoduses is how many ways there are to leave, for TestLeaving.
func Exoduses() int { return len(exoduses) }

// Slow has each call of the store take that long, half of it on the way there.
func Slow(s *Counted, latency time.Duration) *Counted {
	under := s.Under
	s.Under = storetest.Hooked{Under: under, Hook: func(_ context.Context, _ storetest.Call, do func() error) error {
		time.Sleep(latency / 2)
		defer time.Sleep(latency / 2)
		return do()
	}}
	return s
}

// leave fills a hall and has people leave it.
func (e exodus) leave(t *testing.T, store *Counted) (used Used, parked int) {
	t.Helper()
	w := simulation.InBubble(store)
	w.Queue = &simulation.Queue{}
	h := newHouseIn(t, w, store, `{"lessonSeconds":0}`, false, func(*house) {})
	for n := range inHall {
		h.come(member(n+1), member(n+1))
		h.hear(h.webhook)
	}
	h.Advance(h.Now().Add(10 * time.Second))
	all := make([]*doorkeeper.Service, processes)
	for i := range all {
		all[i] = h.process()
		h.must(all[i].Work(context.Background(), h.session)) // it has heard of the lesson before
	}
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
		h.Held, post.Received = nil, epoch.Instant(time.Now().UnixMilli())
		handlers.Go(func() {
			if err := all[n%processes].Hear(context.Background(), post); err != nil {
				t.Error(err)
			}
		})
	}
	handlers.Wait()
	used, parked = store.Take(), len(w.Queue.Parked)
	for _, post := range w.Queue.Parked {
		h.must(h.webhook.Replay(context.Background(), post))
	}
	h.left(who)
	return used, parked
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
		if line.Action == "left" {
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

var _ = fmt.Sprint
