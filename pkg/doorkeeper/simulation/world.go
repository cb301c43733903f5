// Package simulation is the world that a doorkeeper works in: people in
// sessions, their webhooks, wakes, a queue, a clock, and all that goes wrong
// with them.
//
// It is trusted with the doorkeeper's promises. Tell lives through random
// histories and judges every decision against the truth. TestCrashes fails
// every write of every path and demands that it shows nowhere. Start reading at
// World, which is all of it for a single test; then Platform.
package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// World is a whole surrounding for a Service: a platform with people in
// sessions, webhooks under way, wakes, a queue and the sweep. Nothing in it
// moves but by Advance, so a test is the same each time it runs.
type World struct {
	clock
	Service  *doorkeeper.Service
	Store    room.Store
	Platform *Platform

	// Settings changes what a service is told when it is started; nil: nothing.
	Settings func(*doorkeeper.Settings)
	// Queue takes what the service parks; nil: it has none.
	Queue *Queue
	// Backend is told what the logs say, see Listen; nil: nobody is.
	Backend *Backend
	// Held are the webhooks that Hold kept back.
	Held []lesson.Event

	// SweepEvery is how often the sweep runs on the way, 0: never; and LastSweep
	// when it last did.
	SweepEvery time.Duration
	LastSweep  epoch.Instant
	// WakeTimes gives the moments at which a wake really comes: none, early, late,
	// several; nil: at its own.
	WakeTimes func(session string, at epoch.Instant) []epoch.Instant
	// TellTimes is the same for the moments at which the backend is told.
	TellTimes func(session string, at epoch.Instant) []epoch.Instant
	// Deliver brings a webhook to the service; nil: by Hear.
	Deliver func(lesson.Event) error
	// Again says how much later comes again what failed; nil: after 5 s, a
	// webhook after 5, 10, 20 s, up to 15 min.
	Again func(Task, error) time.Duration
	// Done is told of each thing that happened, and whether it failed; nil:
	// nobody is.
	Done func(Task, error)

	mu      sync.Mutex
	agenda  []*Task // in the order in which they happen
	planned int     // tasks ever put on the agenda
	steps   int     // tasks taken from it
	ids     int
}

var (
	_ room.Timer = (*World)(nil)
	_ room.Queue = (*World)(nil)
)

// Task is what happens at a moment.
type Task struct {
	At      epoch.Instant
	Kind    Kind
	Event   lesson.Event // of a webhook, and of a replay
	Session string       // of a wake, and of telling
	Tries   int          // that failed

	step, number int
}

// Kind is what a Task is; of one moment, the smaller comes first.
type Kind int

// The kinds of tasks.
const (
	Webhook Kind = iota
	Replay       // of an event that was parked
	Wake
	Telling // of the backend
	Sweep
)

// before orders tasks. What was sent in one step, perhaps side by side, comes by
// connection.
func before(a, b *Task) int {
	return cmp.Or(
		cmp.Compare(a.At, b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.step, b.step),
		cmp.Compare(a.Event.Connection, b.Event.Connection), cmp.Compare(a.Session, b.Session), cmp.Compare(a.number, b.number),
	)
}

// Queue takes what the service parks.
type Queue struct {
	Parked []lesson.Event // in order
	Broken bool           // nothing can be parked
	// Return gives how much later a parked event comes back; nil: never by
	// itself.
	Return func() time.Duration
}

// NewWorld puts a service over the store, on a clock of its own.
func NewWorld(store room.Store) *World {
	c := &ownClock{}
	c.Forward(Epoch)
	return newWorld(store, c)
}

// InBubble puts a service over the store, on the clock of the synctest bubble in
// which it is called. It is for what hangs: only there the service's timeouts
// run too, which are the standard library's and know no other clock.
func InBubble(store room.Store) *World { return newWorld(store, bubbleClock{}) }

func newWorld(store room.Store, c clock) *World {
	w := &World{clock: c, Store: store, SweepEvery: time.Minute, LastSweep: c.Now()}
	w.Platform = NewPlatform(w.Now, func(e lesson.Event) { w.Send(w.Now(), e) })
	w.Restart()
	return w
}

// Restart is the start of a new process: nothing is in its memory.
func (w *World) Restart() {
	set := doorkeeper.Settings{
		TokenLife: time.Minute, AllowDemo: true, Project: "123456",
		Now: w.Now, NewID: w.newID, Log: slog.New(slog.DiscardHandler),
	}
	if _, own := w.clock.(*ownClock); own {
		set.Rest = w.rest
	}
	if w.Queue != nil {
		set.Queue = w
	}
	set.Telling = w.telling()
	if w.Settings != nil {
		w.Settings(&set)
	}
	w.Service = doorkeeper.NewService(w.Store, w.Platform, w, set)
}

// Forget loses all wakes, as the death of a single process does.
func (w *World) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.agenda = slices.DeleteFunc(w.agenda, func(t *Task) bool { return t.Kind == Wake || t.Kind == Telling })
}

func (w *World) newID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return fmt.Sprintf("id%d", w.ids)
}

// rest lets the world's time go on for somebody who waits.
func (w *World) rest(ctx context.Context, until epoch.Instant) error {
	w.Forward(until)
	return ctx.Err()
}

// plan puts a task on the agenda. The lock is held.
func (w *World) plan(t Task) {
	w.planned++
	t.number = w.planned
	i, _ := slices.BinarySearchFunc(w.agenda, &t, before)
	w.agenda = slices.Insert(w.agenda, i, &t)
}

// Wake implements room.Timer: asking twice for one moment is asking once.
func (w *World) Wake(_ context.Context, session string, at epoch.Instant) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	moments := []epoch.Instant{at}
	if w.WakeTimes != nil {
		moments = w.WakeTimes(session, at)
	}
	for _, moment := range moments {
		t := Task{At: max(moment, w.Now()), Kind: Wake, Session: session}
		asked := slices.ContainsFunc(w.agenda, func(u *Task) bool { return u.Kind == Wake && u.Session == session && u.At == t.At })
		if !asked && (moment >= at || moment > w.Now()) { // an early one comes once
			w.plan(t)
		}
	}
	return nil
}

// WakeAtDeadline implements room.Timer: it is a wake like others.
func (w *World) WakeAtDeadline(ctx context.Context, session string, at epoch.Instant) error {
	return w.Wake(ctx, session, at)
}

// Park implements room.Queue.
func (w *World) Park(_ context.Context, e lesson.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Queue.Broken {
		return errors.New("the queue is broken on purpose")
	}
	w.Queue.Parked = append(w.Queue.Parked, e)
	if w.Queue.Return != nil {
		w.plan(Task{At: w.Now().Add(w.Queue.Return()), Kind: Replay, Event: e})
	}
	return nil
}

// Send puts a webhook under way.
func (w *World) Send(at epoch.Instant, e lesson.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan(Task{At: at, Kind: Webhook, Event: e, step: w.steps})
}

// Hold keeps a webhook back, in Held; it may be Platform.Notify.
func (w *World) Hold(e lesson.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Held = append(w.Held, e)
}

// Pending gives the webhooks under way.
func (w *World) Pending() (posts []lesson.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.agenda {
		if t.Kind == Webhook {
			posts = append(posts, t.Event)
		}
	}
	return posts
}

// Hear gives the service a webhook now.
func (w *World) Hear(e lesson.Event) error {
	e.Received = w.Now()
	return w.Service.Hear(context.Background(), e)
}

// Pass lets that much time go by.
func (w *World) Pass(d time.Duration) { w.Advance(w.Now().Add(d)) }

// tooMuch is more than happens in one go unless something goes round in circles.
const tooMuch = 1_000_000

// Advance lets time go on to that moment, and everything on the agenda happen
// at its own. It is the only loop there is.
func (w *World) Advance(to epoch.Instant) {
	for range tooMuch {
		t, ok := w.next(to)
		if !ok {
			w.Forward(to)
			return
		}
		w.Forward(t.At)
		err := w.happen(t)
		if w.Done != nil {
			w.Done(t, err)
		}
	}
	panic(fmt.Sprintf("over %d things happened up to %v", tooMuch, to))
}

// next takes what happens first from the agenda, up to that moment.
func (w *World) next(to epoch.Instant) (Task, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps++
	sweep := Task{At: w.LastSweep.Add(w.SweepEvery), Kind: Sweep}
	if len(w.agenda) > 0 && w.agenda[0].At <= to && (w.SweepEvery == 0 || w.agenda[0].At <= sweep.At) {
		t := *w.agenda[0]
		w.agenda = w.agenda[1:]
		return t, true
	}
	return sweep, w.SweepEvery > 0 && sweep.At <= to
}

// happen does the task. What fails comes again; for the sweep it is due anyway.
func (w *World) happen(t Task) error {
	err := w.attempt(t)
	if err == nil || t.Kind == Sweep {
		return err
	}
	later := again(t)
	if w.Again != nil {
		later = w.Again(t, err)
	}
	t.At, t.Tries = w.Now().Add(later), t.Tries+1
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan(t)
	return err
}

func (w *World) attempt(t Task) error {
	ctx := context.Background()
	switch t.Kind {
	case Webhook:
		if w.Deliver != nil {
			return w.Deliver(t.Event)
		}
		return w.Hear(t.Event)
	case Replay:
		return w.Service.Replay(ctx, t.Event)
	case Wake:
		return w.Service.Work(ctx, t.Session)
	case Telling:
		return w.Service.Tell(ctx, t.Session)
	default:
		w.LastSweep = t.At
		return w.Service.Sweep(ctx)
	}
}

func again(t Task) time.Duration {
	if t.Kind == Webhook {
		return min(5*time.Second<<min(t.Tries, 8), 15*time.Minute)
	}
	return 5 * time.Second
}

// Lesson loads a lesson as it is stored.
func (w *World) Lesson(session string) (lesson.Lesson, error) {
	l, _, err := w.Store.Lesson(context.Background(), session)
	return l, err
}

// Log loads a lesson and the whole of its log.
func (w *World) Log(session string) (lesson.Lesson, []journal.Line, error) {
	l, err := w.Lesson(session)
	if err != nil {
		return l, nil, err
	}
	lines, err := w.Service.Lines(context.Background(), l, 0, 10_000)
	return l, lines, err
}

// Put puts a room with the policy of that text, over a session made elsewhere
// where session is not "".
func (w *World) Put(name, text, session string) error {
	p, err := policy.Parse([]byte(text))
	if err != nil {
		return err
	}
	_, _, err = w.Service.PutRoom(context.Background(), room.Put{Name: name, Policy: p, Session: session, Actor: "admin"})
	return err
}
