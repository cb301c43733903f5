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

// shaky is a store in trouble.
type shaky struct {
	under room.Store
	mu    sync.Mutex
	state trouble
	dice  *rand.Rand
}

func newShaky(under room.Store) *shaky {
	return &shaky{under: under, dice: rand.New(rand.NewPCG(1, 1))}
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

func through[T any](ctx context.Context, s *shaky, write bool, do func() (T, error)) (T, error) {
	var nothing T
	err := fmt.Errorf("%w: on purpose", room.ErrUnavailable)
	switch s.now() {
	case none:
		return do()
	case cutOff:
		v, failed := do()
		if !write {
			return v, failed
		}
	case hanging:
		<-ctx.Done()
		err = fmt.Errorf("%w: %w", room.ErrUnavailable, ctx.Err())
	}
	return nothing, err
}

type loaded struct {
	lesson  lesson.Lesson
	records []lesson.Record
}

func (s *shaky) Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	got, err := through(ctx, s, false, func() (l loaded, err error) {
		l.lesson, l.records, err = s.under.Lesson(ctx, session, records...)
		return l, err
	})
	return got.lesson, got.records, err
}

func (s *shaky) Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error) {
	return through(ctx, s, true, func() (lesson.Lesson, error) { return s.under.Add(ctx, a) })
}

func (s *shaky) Swap(ctx context.Context, next lesson.Lesson) (lesson.Lesson, error) {
	return through(ctx, s, true, func() (lesson.Lesson, error) { return s.under.Swap(ctx, next) })
}

func (s *shaky) Shed(ctx context.Context, l lesson.Lesson, out lesson.Shed) (lesson.Lesson, error) {
	return through(ctx, s, true, func() (lesson.Lesson, error) { return s.under.Shed(ctx, l, out) })
}

func (s *shaky) Room(ctx context.Context, name string) (room.Room, error) {
	return through(ctx, s, false, func() (room.Room, error) { return s.under.Room(ctx, name) })
}

func (s *shaky) Rooms(ctx context.Context, after string, limit int) ([]room.Room, error) {
	return through(ctx, s, false, func() ([]room.Room, error) { return s.under.Rooms(ctx, after, limit) })
}

func (s *shaky) Lessons(ctx context.Context, sessions []string) (map[string]lesson.Lesson, error) {
	return through(ctx, s, false, func() (map[string]lesson.Lesson, error) { return s.under.Lessons(ctx, sessions) })
}

func (s *shaky) Commit(ctx context.Context, c room.Change) error {
	_, err := through(ctx, s, true, func() (struct{}, error) { return struct{}{}, s.under.Commit(ctx, c) })
	return err
}

func (s *shaky) Lines(ctx context.Context, session string, after int64, limit int) ([]journal.Line, error) {
	return through(ctx, s, false, func() ([]journal.Line, error) { return s.under.Lines(ctx, session, after, limit) })
}

func (s *shaky) Records(ctx context.Context, session, after string, limit int) ([]lesson.Record, error) {
	return through(ctx, s, false, func() ([]lesson.Record, error) { return s.under.Records(ctx, session, after, limit) })
}

func (s *shaky) Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error) {
	return through(ctx, s, false, func() ([]string, error) { return s.under.Due(ctx, bucket, before, limit) })
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
	store := newShaky(openBolt(t))
	q := &queued{World: simulation.NewWorld(store), t: t, store: store, dice: rand.New(rand.NewPCG(2, 2))}
	q.Service = doorkeeper.NewService(store, q.Platform, q, doorkeeper.Settings{
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
		store := newShaky(openBolt(t))
		b := newBubble(store, &stuck{})
		b.put(t, `{}`, "1_s")
		store.be(hanging)
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
		store.be(none)
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
	b := newBubble(panics{openBolt(t)}, &stuck{})
	if err := b.Hear(t.Context(), b.came("1_s", "A")); err != nil || len(b.parked) != 1 {
		t.Errorf("%v, %d parked", err, len(b.parked))
	}
}

// panics is a store that panics when it is asked for a lesson.
type panics struct{ room.Store }

func (panics) Lesson(context.Context, string, ...string) (lesson.Lesson, []lesson.Record, error) {
	panic("on purpose")
}
