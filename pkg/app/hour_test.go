package app

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/bolt"
	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
	"usher/pkg/timer"
	"usher/pkg/timer/timertest"
)

// far is a store behind a network.
type far struct {
	room.Store
	loads *atomic.Int64 // nil: they are not counted
}

func (f far) Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	time.Sleep(toStore)
	if f.loads != nil {
		f.loads.Add(1)
	}
	return f.Store.Lesson(ctx, session, records...)
}

func (f far) Swap(ctx context.Context, l lesson.Lesson) (lesson.Lesson, error) {
	time.Sleep(toStore)
	return f.Store.Swap(ctx, l)
}

func (f far) Leave(ctx context.Context, d lesson.Departure) (lesson.Lesson, error) {
	time.Sleep(toStore)
	return f.Store.Leave(ctx, d)
}

func (f far) Shed(ctx context.Context, l lesson.Lesson, s lesson.Shed) (lesson.Lesson, error) {
	time.Sleep(2 * toStore)
	return f.Store.Shed(ctx, l, s)
}

// network is a platform behind a network. It notes when each person's disconnect
// was requested first, and refuses one in refuses of them at first: too many
// requests.
type network struct {
	*simulation.Platform
	refuses uint32

	mu    sync.Mutex
	asked map[string]epoch.Instant
}

func (v *network) Connections(ctx context.Context, session string) (lesson.Reading, error) {
	time.Sleep(toPlatform)
	return v.Platform.Connections(ctx, session)
}

func (v *network) Signal(ctx context.Context, session, connection, kind string, data []byte) error {
	time.Sleep(toPlatform)
	return v.Platform.Signal(ctx, session, connection, kind, data)
}

func (v *network) Disconnect(ctx context.Context, session, connection string) error {
	v.mu.Lock()
	first := v.asked[connection] == 0
	if first {
		v.asked[connection] = wallClock()
	}
	v.mu.Unlock()
	time.Sleep(toPlatform)
	h := fnv.New32a()
	_, _ = h.Write([]byte(connection)) // a hash takes everything
	if first && v.refuses > 0 && h.Sum32()%v.refuses == 0 {
		return &room.PlatformError{Status: 429}
	}
	return v.Platform.Disconnect(ctx, session, connection)
}

// town is many lessons of two people under one cloud: the real doorkeeper in each
// process, over one store.
type town struct {
	*modelled
	t         *testing.T
	store     room.Store
	vonage    *network
	ids       int
	loads     atomic.Int64 // of lessons, by the function of tasks
	mu        sync.Mutex
	processes map[int]worker
	deadline  epoch.Instant
}

func newTown(t *testing.T, c timertest.Conditions, ahead time.Duration) *town {
	store, err := bolt.Open(filepath.Join(t.TempDir(), "usher.db"), bolt.Options{Now: wallClock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	town := &town{t: t, store: store, processes: map[int]worker{}}
	town.vonage = &network{asked: map[string]epoch.Instant{}}
	town.vonage.Platform = simulation.NewPlatform(wallClock, func(lesson.Event) {})
	town.modelled = model(c, ahead, 10, town.worker)
	return town
}

// worker is the doorkeeper of that process.
func (n *town) worker(process int) worker {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.processes[process] == nil {
		n.processes[process] = n.service(far{n.store, &n.loads})
	}
	return n.processes[process]
}

func (n *town) service(store room.Store) *doorkeeper.Service {
	return doorkeeper.NewService(store, n.vonage, n.wakes, doorkeeper.Settings{
		TokenLife: time.Minute, Now: wallClock, Log: slog.New(slog.DiscardHandler),
		NewID: func() string { n.mu.Lock(); defer n.mu.Unlock(); n.ids++; return fmt.Sprint("id", n.ids) },
	})
}

// open puts so many rooms over sessions in which two people are, so that all
// lessons start, and end, in one second: half of them by their length, half by the
// moment at which the room closes.
func (n *town) open(lessons int, length time.Duration) {
	s := n.service(n.store)
	came := wallClock()
	n.deadline = came.Add(length)
	policies := []policy.Policy{
		n.policy(`{"maxSeats":2,"lessonSeconds":%d}`, length/time.Second),
		n.policy(`{"maxSeats":2,"closesAt":%q}`, n.deadline.Std().Format(time.RFC3339)),
	}
	for i := range lessons {
		session := fmt.Sprintf("1_session-%05d", i)
		n.vonage.Enter(session, session+"-a", "alice", came)
		n.vonage.Enter(session, session+"-b", "bob", came)
	}
	var all sync.WaitGroup
	for i := range lessons {
		all.Go(func() {
			session := fmt.Sprintf("1_session-%05d", i)
			put := room.Put{Name: fmt.Sprintf("room-%05d", i), Policy: policies[i%2], Session: session, Actor: "admin"}
			if _, _, err := s.PutRoom(context.Background(), put); err != nil {
				n.t.Error(err)
			}
		})
	}
	all.Wait()
}

func (n *town) policy(format string, value any) policy.Policy {
	p, err := policy.Parse(fmt.Appendf(nil, format, value))
	if err != nil {
		n.t.Fatal(err)
	}
	return p
}

// late gives how late each disconnect was requested first, and how late each
// person was gone.
func (n *town) late() (asked, gone []time.Duration) {
	for id, at := range n.vonage.asked {
		asked = append(asked, at.Sub(n.deadline))
		gone = append(gone, n.vonage.Person(id).LeftAt.Sub(n.deadline))
	}
	slices.Sort(asked)
	slices.Sort(gone)
	return asked, gone
}

// TestFullHour: a thousand lessons of two people end in one second, under the real
// doorkeeper. Nobody is asked to go early, and all but one in a hundred within the
// second; who was asked while Vonage had too many requests is asked again.
func TestFullHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTown(t, keptWord, timer.Ahead)
		n.vonage.refuses = 100
		n.open(1000, 20*time.Minute)
		n.Run(n.begun.Add(20*time.Minute + 30*time.Second))
		asked, gone := n.late()
		used := n.Used()
		t.Logf("requests to disconnect: p50 %s, p99 %s, last %s; gone: p50 %s, p99 %s, last %s; %+v",
			quantile(asked, 500), quantile(asked, 990), quantile(asked, 1000), quantile(gone, 500), quantile(gone, 990), quantile(gone, 1000), used)
		if len(asked) != 2000 || asked[0] < 0 {
			t.Errorf("%d of 2000 were asked to go, the first %s after the deadline", len(asked), asked[0])
		}
		if late := quantile(asked, 990); late > time.Second {
			t.Errorf("one in a hundred was asked more than %s after the deadline", late)
		}
		if gone[0] < 0 || quantile(gone, 1000) > 5*time.Second {
			t.Errorf("people were gone from %s to %s after the deadline", gone[0], quantile(gone, 1000))
		}
	})
}

// TestBrokenHour: half of the schedules are minutes late, and one process in ten dies
// while it waits or works. The plain wake that the last watch asked for ends those
// lessons too; without it the sweep would, as in TestDeadlines.
func TestBrokenHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := keptWord
		c.LateOneIn, c.DeadOneIn = 2, 10
		n := newTown(t, c, timer.Ahead)
		n.open(200, 20*time.Minute)
		sweeper, until := n.service(far{Store: n.store}), n.begun.Add(22*time.Minute+30*time.Second)
		for at := n.begun.Add(30 * time.Second); at.Before(until); at = at.Add(time.Minute) {
			n.At(at, func() {
				go func() {
					if err := sweeper.Sweep(context.Background()); err != nil {
						t.Error(err)
					}
				}()
			})
		}
		n.Run(until)
		asked, _ := n.late()
		if len(asked) != 400 || asked[0] < 0 {
			t.Fatalf("%d of 400 were asked to go, the first %s after the deadline", len(asked), asked[0])
		}
		t.Logf("requests to disconnect: p50 %s, p99 %s, last %s; %+v", quantile(asked, 500), quantile(asked, 990), quantile(asked, 1000), n.Used())
		if quantile(asked, 500) > time.Second || quantile(asked, 1000) > time.Minute {
			t.Errorf("every second one was asked after %s, the last after %s", quantile(asked, 500), quantile(asked, 1000))
		}
	})
}

// stroke has so many lessons end in one second, without the real doorkeeper: what
// the services and the waiting add.
func stroke(ahead time.Duration, batch, lessons int) (late []time.Duration, used timertest.Used) {
	e := &ends{deadline: map[string]epoch.Instant{}, begun: map[string]epoch.Instant{}}
	m := model(keptWord, ahead, batch, func(int) worker { return e })
	end := m.begun.Add(time.Hour)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range lessons {
		session, deadline := fmt.Sprintf("session-%05d", i), epoch.Of(end)
		e.deadline[session] = deadline
		m.At(m.begun.Add(time.Duration(r.Int64N(int64(time.Minute)))), func() {
			wanted(m.wakes.WakeAtDeadline(context.Background(), session, deadline))
		})
		// The last watch before a deadline asks for a plain wake too.
		m.At(end.Add(-time.Duration(r.Int64N(int64(lesson.WatchEvery)))), func() {
			wanted(m.wakes.Wake(context.Background(), session, deadline))
		})
	}
	m.Run(end.Add(time.Minute))
	for session, deadline := range e.deadline {
		late = append(late, e.begun[session].Sub(deadline))
	}
	slices.Sort(late)
	return late, m.Used()
}

// memory is what the template gives a function, in gigabytes.
const memory = 0.5

// TestFullHours: why a deadline's wake comes so long ahead, and what that costs.
func TestFullHours(t *testing.T) {
	t.Logf("%6s %5s %7s  %7s %7s %7s  %9s %11s %12s", "ahead", "batch", "lessons", "p50", "p99", "last", "processes", "GB-s/lesson", "SQS/lesson")
	p99 := map[[3]int]time.Duration{}
	for _, c := range []struct{ ahead, batch, lessons int }{
		{0, 10, 1},
		{10, 10, 1},
		{10, 10, 100},
		{0, 10, 1000},
		{2, 10, 1000},
		{4, 10, 1000},
		{6, 10, 1000},
		{8, 10, 1000},
		{10, 10, 1000},
		{12, 10, 1000},
		{20, 10, 1000},
		{0, 10, 10_000},
		{10, 10, 10_000},
		{20, 10, 10_000},
		{30, 10, 10_000},
		{10, 50, 10_000},
	} {
		if scale > 1 && c.lessons > 100 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			late, used := stroke(time.Duration(c.ahead)*time.Second, c.batch, c.lessons)
			p99[[3]int{c.ahead, c.batch, c.lessons}] = quantile(late, 990)
			t.Logf("%5ds %5d %7d  %7s %7s %7s  %9d %11.2f %12.1f", c.ahead, c.batch, c.lessons,
				quantile(late, 500), quantile(late, 990), quantile(late, 1000), used.Peak,
				used.Duration.Seconds()*memory/float64(c.lessons), float64(used.SQS)/float64(c.lessons))
			if late[0] < 0 {
				t.Errorf("a lesson ended %s early, or never", -late[0])
			}
		})
	}
	if scale > 1 {
		return
	}
	chosen := int(timer.Ahead / time.Second)
	if got := p99[[3]int{chosen, 10, 1000}]; got == 0 || got > time.Second {
		t.Errorf("of a thousand lessons one in a hundred ends more than %s late", got)
	}
	if got := p99[[3]int{chosen, 10, 10_000}]; got == 0 || got > 5*time.Second {
		t.Errorf("of ten thousand lessons one in a hundred ends more than %s late", got)
	}
	if got := p99[[3]int{0, 10, 1000}]; got < time.Second {
		t.Errorf("without coming ahead, one in a hundred of a thousand ends %s late: then it is not needed", got)
	}
}

// TestRetriesDoNotWaitForDeadlines: while a thousand deadlines' wakes wait, another
// lesson's wake is worked in its second.
func TestRetriesDoNotWaitForDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ends{deadline: map[string]epoch.Instant{}, begun: map[string]epoch.Instant{}}
		m := model(keptWord, timer.Ahead, 10, func(int) worker { return e })
		hour := m.begun.Add(time.Minute)
		for i := range 1000 {
			session := fmt.Sprintf("session-%05d", i)
			e.deadline[session] = epoch.Of(hour)
			wanted(m.wakes.WakeAtDeadline(t.Context(), session, epoch.Of(hour)))
		}
		retry := epoch.Of(hour.Add(-5 * time.Second))
		e.deadline["retry"] = retry
		wanted(m.wakes.Wake(t.Context(), "retry", retry))
		m.Run(hour.Add(time.Minute))
		if late := e.begun["retry"].Sub(retry); late < 0 || late > time.Second {
			t.Errorf("it was worked after %s", late)
		}
	})
}

// TestMovedWhileItsWakeWaits: a deadline that is moved, or a lesson that is ended by
// the API, while the deadline's wake waits for it. One load says so, and one more for
// the plain wake that a worked lesson has besides.
func TestMovedWhileItsWakeWaits(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*doorkeeper.Service) error
		want time.Duration // after the former deadline they are asked to go
	}{
		{"extended", func(s *doorkeeper.Service) error {
			_, err := s.Extend(context.Background(), "room-00000", 60, 0, "admin")
			return err
		}, time.Minute},
		{"ended by the API", func(s *doorkeeper.Service) error {
			_, err := s.End(context.Background(), "room-00000", "admin")
			return err
		}, -4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTown(t, timertest.Conditions{Seed: 1, Cold: coldStart}, timer.Ahead)
				n.open(1, 5*time.Minute)
				former := n.deadline.Std()
				n.At(former.Add(-4*time.Second), func() {
					go func() {
						if err := c.do(n.service(far{Store: n.store})); err != nil {
							t.Error(err)
						}
					}()
				})
				n.Run(former.Add(-100 * time.Millisecond))
				loads, revision := n.loads.Load(), n.revision()
				n.Run(former.Add(500 * time.Millisecond))
				if got := n.loads.Load() - loads; got != 2 || n.revision() != revision {
					t.Errorf("at the former deadline there were %d loads, and the lesson went from revision %d to %d", got, revision, n.revision())
				}
				n.Run(former.Add(2 * time.Minute))
				asked, _ := n.late()
				if len(asked) != 2 || asked[0] < c.want || asked[1] > c.want+time.Second {
					t.Errorf("asked to go %s after the former deadline, want %s", asked, c.want)
				}
			})
		})
	}
}

// revision is that of the first lesson.
func (n *town) revision() int64 {
	l, _, err := n.store.Lesson(context.Background(), "1_session-00000")
	if err != nil {
		n.t.Fatal(err)
	}
	return l.Revision
}
