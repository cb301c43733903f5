package doorkeeper_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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
	"usher/pkg/policy"
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

// waiting is what stands in a queue: a wake or a parked event, and when it comes.
type waiting struct {
	session string
	event   *lesson.Event
	at      epoch.Instant
}

// queued is a world whose alarms and parked events stand in queues, which give
// back in any order what the store would not take.
type queued struct {
	*simulation.World
	t     *testing.T
	store *shaky
	dice  *rand.Rand

	mu             sync.Mutex
	queue          []waiting
	broken         bool // nothing can be parked
	parked, replay int
	people         int
}

func newQueued(t *testing.T) *queued {
	t.Helper()
	q := &queued{t: t, store: &shaky{dice: rand.New(rand.NewPCG(1, 1))}, dice: rand.New(rand.NewPCG(2, 2))}
	q.World = simulation.NewWorld(storetest.Hooked{Under: openBolt(t), Hook: q.store.hook})
	q.Service = doorkeeper.NewService(q.Store, q.Platform, q, doorkeeper.Settings{
		TokenLife: time.Minute, Project: "123456", Now: q.Now, NewID: func() string { return "id" }, Queue: q,
		Log: slog.New(slog.DiscardHandler),
	})
	return q
}

func (q *queued) push(w waiting) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken {
		return errors.New("the queue is broken on purpose")
	}
	q.queue = append(q.queue, w)
	return nil
}

// Wake is room.Timer's.
func (q *queued) Wake(_ context.Context, session string, at epoch.Instant) error {
	q.mu.Lock()
	asked := slices.ContainsFunc(q.queue, func(w waiting) bool { return w.event == nil && w.session == session && w.at == at })
	q.mu.Unlock()
	if asked {
		return nil
	}
	return q.push(waiting{session: session, at: at})
}

// Park is room.Queue's.
func (q *queued) Park(_ context.Context, e lesson.Event) error {
	q.parked++
	return q.push(waiting{event: &e, at: q.Now() + epoch.Instant(q.dice.IntN(3000))})
}

// work does what has come due, in any order. A store that is away is no failed
// try: what it would not take comes again, ten seconds later.
func (q *queued) work() {
	q.mu.Lock()
	now := q.Now()
	var due []waiting
	q.queue = slices.DeleteFunc(q.queue, func(w waiting) bool {
		if w.at <= now {
			due = append(due, w)
		}
		return w.at <= now
	})
	q.mu.Unlock()
	q.dice.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	for _, w := range due {
		var err error
		if w.event != nil {
			q.replay++
			err = q.Service.Replay(context.Background(), *w.event)
		} else {
			err = q.Service.Work(context.Background(), w.session)
		}
		if errors.Is(err, room.ErrUnavailable) {
			w.at = now.Add(10*time.Second) + epoch.Instant(q.dice.IntN(1000))
			_ = q.push(w) // it is not broken
			continue
		}
		if err != nil {
			q.t.Errorf("%+v: %v", w, err)
		}
	}
}

func (q *queued) pass(d time.Duration) {
	for end := q.Now().Add(d); q.Now() < end; {
		q.Pass(50 * time.Millisecond)
		q.work()
	}
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
		q.pass(50 * time.Millisecond)
	}
}

// agree holds that room, platform and log say the same, that every event has
// its line, and that nobody was disconnected without one.
func (q *queued) agree(session string) {
	q.t.Helper()
	l, err := q.Lesson(session)
	if err != nil {
		q.t.Fatal(err)
	}
	page, err := q.Service.Events(context.Background(), l.Room, "", 0, 10_000)
	if err != nil {
		q.t.Fatal(err)
	}
	came, left, told := map[string]int{}, map[string]int{}, map[string]int{}
	for i, line := range page.Lines {
		if line.Seq != int64(i)+1 {
			q.t.Fatalf("line %d of %s has the number %d", i+1, session, line.Seq)
		}
		switch id := line.Connection; {
		case line.Action == journal.DidRefuse || line.Action == journal.DidDisconnect:
			told[id]++
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
		if told[p.ID] > 1 || p.Forced != (told[p.ID] == 1) && p.LeftAt == 0 {
			q.t.Errorf("%s: %s was sent away: %v, by the log %d times", session, p.ID, p.Forced, told[p.ID])
		}
	}
	if in, seated := q.Platform.In(session), slices.Sorted(maps.Keys(l.Logged().Seated)); !slices.Equal(in, seated) {
		q.t.Errorf("%s: in are %v, seated %v", session, in, seated)
	}
	if limit := l.Policy.MaxSeats(); limit > 0 && l.Seats() > limit {
		q.t.Errorf("%s: %d seats of %d", session, l.Seats(), limit)
	}
}

func (q *queued) rooms(n int) (sessions []string) {
	q.t.Helper()
	for i := range n {
		p, err := policy.Parse([]byte([]string{`{"maxSeats":2}`, `{}`}[i%2]))
		if err != nil {
			q.t.Fatal(err)
		}
		session := fmt.Sprintf("1_%d", i)
		if _, _, err := q.Service.PutRoom(context.Background(), fmt.Sprintf("room%d", i), doorkeeper.Put{Policy: p, Session: session}); err != nil {
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
			q.store.be(c.how)
			q.crowd(sessions, c.long)
			if most := int(c.long/time.Second) * 20 / 2; c.park != (q.parked > most) {
				t.Errorf("%d events were parked", q.parked)
			}
			if posts := q.Pending(); len(posts) > 0 {
				t.Errorf("%d webhooks were not taken", len(posts))
			}
			q.store.be(none)
			q.crowd(sessions, 10*time.Second)
			q.pass(3 * time.Minute)
			for _, session := range sessions {
				q.agree(session)
			}
			t.Logf("%d events were parked, and given back %d times", q.parked, q.replay)
		})
	}
}

// TestQueueIsGoneToo: only then a webhook is not taken.
func TestQueueIsGoneToo(t *testing.T) {
	q := newQueued(t)
	session := q.rooms(1)[0]
	q.store.be(gone)
	q.broken = true
	q.Platform.Come(session, "A", "alice")
	q.pass(time.Second)
	if posts := q.Pending(); len(posts) != 1 {
		t.Fatalf("%d webhooks under way, want the one that was not taken", len(posts))
	}
	q.broken = false
	q.store.be(none)
	q.pass(time.Minute)
	q.agree(session)
}

// TestHangingStore: a store that does not answer holds no webhook for longer
// than its patience, also not those that wait for one another.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var trouble shaky
		store := storetest.Hooked{Under: openBolt(t), Hook: trouble.hook}
		b := newBubble(store, &stuck{})
		b.put(t, `{}`, "1_s")
		trouble.be(hanging)
		start := time.Now()
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if err := b.Hear(t.Context(), b.came("1_s", fmt.Sprintf("c%d", i))); err != nil {
					t.Errorf("event %d: %v", i, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took > 3*time.Second || len(b.parked) != 50 {
			t.Errorf("50 events took %v, and %d were parked", took, len(b.parked))
		}
		trouble.be(none)
		for _, e := range slices.Backward(b.parked) {
			if err := b.Replay(t.Context(), e); err != nil {
				t.Error(err)
			}
		}
		if l, _, err := store.Lesson(t.Context(), "1_s"); err != nil || l.Seats() != 50 {
			t.Errorf("%d seats, %v", l.Seats(), err)
		}
	})
}

// TestPoison: an event that cannot be decided is parked, so that it reaches the
// queue of those that failed for good.
func TestPoison(t *testing.T) {
	panics := func(context.Context, storetest.Call, func() error) error { panic("on purpose") }
	b := newBubble(storetest.Hooked{Under: openBolt(t), Hook: panics}, &stuck{})
	if err := b.Hear(t.Context(), b.came("1_s", "A")); err != nil || len(b.parked) != 1 {
		t.Errorf("%v, %d parked", err, len(b.parked))
	}
}
