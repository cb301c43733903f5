package doorkeeper_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/journal"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// trouble is how a store is away.
type trouble int

const (
	none      trouble = iota
	throttled         // four of five requests are refused
	cutOff            // writes happen, but their answers do not come
	gone              // nothing comes through
	hanging           // nothing comes back before the caller gives up
)

// shaky is trouble with a store.
type shaky struct {
	mu    sync.Mutex
	state trouble
	dice  *rand.Rand
}

func (s *shaky) be(state trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

// now draws what becomes of one request.
func (s *shaky) now() trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == throttled && s.dice.IntN(5) == 0 {
		return none
	}
	return s.state
}

// hook is a storetest.Hook.
func (s *shaky) hook(ctx context.Context, c storetest.Call, do func() error) error {
	switch s.now() {
	case none:
		return do()
	case cutOff:
		if err := do(); !c.Write {
			return err
		}
	case hanging:
		<-ctx.Done()
		return fmt.Errorf("%w: %w", room.ErrUnavailable, ctx.Err())
	}
	return fmt.Errorf("%w: on purpose", room.ErrUnavailable)
}

// queued is a world with a queue, which gives back in any order what the store
// would not take.
type queued struct {
	*simulation.World
	t       *testing.T
	trouble *shaky
	dice    *rand.Rand
	people  int
	replays int
}

func newQueued(t *testing.T) *queued {
	t.Helper()
	q := &queued{t: t, trouble: &shaky{dice: rand.New(rand.NewPCG(1, 1))}, dice: rand.New(rand.NewPCG(2, 2))}
	q.World = simulation.NewWorld(storetest.Hooked{Under: openBolt(t), Hook: q.trouble.hook})
	q.Queue = &simulation.Queue{Return: func() time.Duration { return q.upTo(3 * time.Second) }}
	q.Again = q.again
	q.Done = func(task simulation.Task, _ error) {
		if task.Kind == simulation.Replay {
			q.replays++
		}
	}
	q.Restart()
	return q
}

func (q *queued) upTo(d time.Duration) time.Duration { return time.Duration(q.dice.Int64N(int64(d))) }

// again gives a webhook back as Vonage does, and what stands in a queue some ten
// seconds later: a store that is away is no failed try.
func (q *queued) again(task simulation.Task, err error) time.Duration {
	if task.Kind == simulation.Webhook {
		return 5 * time.Second
	}
	if !errors.Is(err, room.ErrUnavailable) {
		q.t.Errorf("%+v: %v", task, err)
	}
	return 10*time.Second + q.upTo(time.Second)
}

// crowd lets people come to the sessions and go, 20 events a second.
func (q *queued) crowd(sessions []string, d time.Duration) {
	for end := q.Now().Add(d); q.Now() < end; {
		session := sessions[q.dice.IntN(len(sessions))]
		if in := q.Platform.In(session); len(in) > 0 && q.dice.IntN(4) < len(in) {
			q.Platform.Go(in[q.dice.IntN(len(in))])
		} else {
			q.people++
			q.Platform.Come(session, fmt.Sprintf("c%05d", q.people), fmt.Sprintf("user%d", q.dice.IntN(50)))
		}
		q.Pass(50 * time.Millisecond)
	}
}

// agree holds that room, platform and log say the same, that every event has
// its line, and that nobody was disconnected without one.
func (q *queued) agree(session string) {
	q.t.Helper()
	if err := q.Agree(session); err != nil {
		q.t.Errorf("%s: %v", session, err)
	}
	l, lines, err := q.Log(session)
	if err != nil {
		q.t.Fatal(err)
	}
	came, left, sentAway := map[string]int{}, map[string]int{}, map[string]int{}
	for _, line := range lines {
		switch id := line.Connection; {
		case line.Action == journal.DidRefuse || line.Action == journal.DidDisconnect:
			sentAway[id]++
			fallthrough
		case line.Event == journal.ConnectionCreated:
			came[id]++
		case line.Action == journal.DidLeave:
			left[id]++
		}
	}
	for _, p := range q.Platform.People(session) {
		if came[p.ID] == 0 && left[p.ID] == 0 {
			q.t.Errorf("%s: the log does not tell of %s", session, p.ID)
		}
		if p.LeftAt != 0 && left[p.ID] != 1 {
			q.t.Errorf("%s: the log says %d times that %s left", session, left[p.ID], p.ID)
		}
		if sentAway[p.ID] > 1 || p.Forced != (sentAway[p.ID] == 1) && p.LeftAt == 0 {
			q.t.Errorf("%s: %s was sent away: %v, by the log %d times", session, p.ID, p.Forced, sentAway[p.ID])
		}
	}
	if n := len(l.Logged().Waiting); n > 0 {
		q.t.Errorf("%s: %d still wait", session, n)
	}
	if limit := l.Policy.MaxSeats(); limit > 0 && l.Seats() > limit {
		q.t.Errorf("%s: %d seats of %d", session, l.Seats(), limit)
	}
}

func (q *queued) rooms(n int) (sessions []string) {
	q.t.Helper()
	for i := range n {
		session := fmt.Sprintf("1_%d", i)
		if err := q.Put(fmt.Sprintf("room%d", i), []string{`{"maxSeats":2}`, `{}`}[i%2], session); err != nil {
			q.t.Fatal(err)
		}
		sessions = append(sessions, session)
	}
	return sessions
}

// TestStoreIsAway: for minutes the store takes little or nothing while 20
// events a second come. Each is answered as taken, and none is lost.
func TestStoreIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		how  trouble
		long time.Duration
		park bool
	}{
		"throttled":           {throttled, time.Minute, true},
		"answers are cut off": {cutOff, time.Minute, false},
		"unreachable":         {gone, 5 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueued(t)
			sessions := q.rooms(8)
			q.crowd(sessions, 10*time.Second)
			q.trouble.be(c.how)
			q.crowd(sessions, c.long)
			if most := int(c.long/time.Second) * 20 / 2; c.park != (len(q.Queue.Parked) > most) {
				t.Errorf("%d events were parked", len(q.Queue.Parked))
			}
			if posts := q.Pending(); len(posts) > 0 {
				t.Errorf("%d webhooks were not taken", len(posts))
			}
			q.trouble.be(none)
			q.crowd(sessions, 10*time.Second)
			q.Pass(3 * time.Minute)
			for _, session := range sessions {
				q.agree(session)
			}
			t.Logf("%d events were parked, and given back %d times", len(q.Queue.Parked), q.replays)
		})
	}
}

// TestQueueIsGoneToo: only then a webhook is not taken.
func TestQueueIsGoneToo(t *testing.T) {
	q := newQueued(t)
	session := q.rooms(1)[0]
	q.trouble.be(gone)
	q.Queue.Broken = true
	q.Platform.Come(session, "A", "alice")
	q.Pass(time.Second)
	if posts := q.Pending(); len(posts) != 1 {
		t.Fatalf("%d webhooks under way, want the one that was not taken", len(posts))
	}
	q.Queue.Broken = false
	q.trouble.be(none)
	q.Pass(time.Minute)
	q.agree(session)
}

// TestHangingStore: a store that does not answer holds no webhook for longer
// than its patience, also not those that wait for one another.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var trouble shaky
		d := inBubble(t, storetest.Hooked{Under: openBolt(t), Hook: trouble.hook}, `{}`)
		d.Platform.Notify = d.Hold
		for i := range 50 {
			d.Platform.Come(d.session, fmt.Sprintf("c%d", i), "")
		}
		trouble.be(hanging)
		start := time.Now()
		var all sync.WaitGroup
		for _, e := range d.Held {
			all.Go(func() {
				if err := d.Hear(e); err != nil {
					t.Errorf("event of %s: %v", e.Connection, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took > 3*time.Second || len(d.Queue.Parked) != 50 {
			t.Errorf("50 events took %v, and %d were parked", took, len(d.Queue.Parked))
		}
		trouble.be(none)
		for _, e := range slices.Backward(d.Queue.Parked) {
			if err := d.Service.Replay(t.Context(), e); err != nil {
				t.Error(err)
			}
		}
		if l, err := d.Lesson(d.session); err != nil || l.Seats() != 50 {
			t.Errorf("%d seats, %v", l.Seats(), err)
		}
	})
}

// TestPoison: an event that cannot be decided is parked, so that it reaches the
// queue of those that failed for good.
func TestPoison(t *testing.T) {
	d := adopted(t, `{}`)
	d.Store = storetest.Hooked{Under: d.Store, Hook: func(context.Context, storetest.Call, func() error) error { panic("on purpose") }}
	d.Queue = &simulation.Queue{}
	d.Restart()
	d.Platform.Notify = d.Hold
	d.Platform.Come(d.session, "A", "alice")
	if err := d.Hear(d.Held[0]); err != nil || len(d.Queue.Parked) != 1 {
		t.Errorf("%v, %d parked", err, len(d.Queue.Parked))
	}
}
