// Package simulation is the world that a doorkeeper works in: people in
// sessions, their webhooks, alarms, a queue, a clock, and all that goes wrong
// with them.
//
// It is trusted with the doorkeeper's promises. Tell lives through random
// histories and judges every decision against the truth. TestCrashes fails
// every write of every path and demands that it shows nowhere. Start reading at
// World, which is all of it for a single test; then Platform.
package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// World is a whole surrounding for a Service on a clock of its own: a platform
// with people in sessions, webhooks under way, and alarms. Nothing in it moves
// but by Advance, so a test is the same each time it runs.
type World struct {
	Service  *doorkeeper.Service
	Store    room.Store
	Platform *Platform

	mu     sync.Mutex
	now    atomic.Int64
	alarms map[alarm]bool
	posts  []Post
	ids    int
	// SweepEvery is how often the sweep runs on the way; 0: never.
	SweepEvery time.Duration
	lastSweep  epoch.Instant
	// DropAlarm decides which alarms are lost; nil: none.
	DropAlarm func(session string, at epoch.Instant) bool
	// Ring gives the moments at which an alarm really rings: none, early, late,
	// several; nil: at its own.
	Ring func(session string, at epoch.Instant) []epoch.Instant
}

type alarm struct {
	session string
	at      epoch.Instant
}

// Post is a webhook under way.
type Post struct {
	At    epoch.Instant
	Event lesson.Event
}

// Epoch is when every World begins.
const Epoch epoch.Instant = 1_790_000_000_000

// NewWorld puts a service over the store.
func NewWorld(store room.Store) *World {
	w := &World{Store: store, alarms: map[alarm]bool{}, SweepEvery: time.Minute, lastSweep: Epoch}
	w.now.Store(int64(Epoch))
	w.Platform = newPlatform(w)
	w.Restart()
	return w
}

// Restart is the death of the process and the start of a new one: what was in
// its memory is gone, alarms included.
func (w *World) Restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Service = doorkeeper.NewService(w.Store, w.Platform, (*alarms)(w), doorkeeper.Settings{
		TokenLife: 60e9, AllowDemo: true, Project: "123456",
		Now: w.Now, NewID: w.newID, Rest: w.rest,
		Log: slog.New(slog.DiscardHandler),
	})
}

// Forget loses all alarms, as the death of a single process does.
func (w *World) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alarms = map[alarm]bool{}
}

// Now is the world's time.
func (w *World) Now() epoch.Instant { return epoch.Instant(w.now.Load()) }

// forward lets time go on, never back.
func (w *World) Forward(to epoch.Instant) {
	for now := w.now.Load(); now < int64(to); now = w.now.Load() {
		w.now.CompareAndSwap(now, int64(to))
	}
}

func (w *World) newID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return fmt.Sprintf("id%04d", w.ids)
}

// rest lets the world's time go on for somebody who waits.
func (w *World) rest(ctx context.Context, until epoch.Instant) error {
	w.Forward(until)
	return ctx.Err()
}

// alarms is the World as a room.Timer.
type alarms World

// Wake notes the alarm.
func (a *alarms) Wake(_ context.Context, session string, at epoch.Instant) error {
	w := (*World)(a)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.DropAlarm != nil && w.DropAlarm(session, at) {
		return nil
	}
	moments := []epoch.Instant{at}
	if w.Ring != nil {
		moments = w.Ring(session, at)
	}
	for _, moment := range moments {
		if moment >= at || moment > w.Now() { // an early one comes once
			w.alarms[alarm{session, max(moment, w.Now())}] = true
		}
	}
	return nil
}

// Send puts a webhook under way.
func (w *World) Send(at epoch.Instant, e lesson.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts = append(w.posts, Post{at, e})
}

// Pending gives the webhooks under way.
func (w *World) Pending() []Post {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.posts)
}

// Hear gives the service a webhook now.
func (w *World) Hear(e lesson.Event) error {
	e.Received = w.Now()
	return w.Service.Hear(context.Background(), e)
}

// Advance lets time go on to that moment: webhooks arrive, alarms ring and the
// sweep runs, each at its time. A webhook that is not taken comes again.
func (w *World) Advance(to epoch.Instant) {
	for {
		at, do := w.next(to)
		if do == nil {
			w.Forward(to)
			return
		}
		w.Forward(at)
		do()
	}
}

// Pass lets that much time go by.
func (w *World) Pass(d time.Duration) { w.Advance(w.Now().Add(d)) }

// next gives what happens first, up to that moment.
func (w *World) next(to epoch.Instant) (epoch.Instant, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := to + 1
	var do func()
	for i, p := range w.posts {
		if p.At < at {
			at, do = p.At, func() { w.arrive(i) }
		}
	}
	first := alarm{at: at}
	for a := range w.alarms {
		if a.at < first.at || a.at == first.at && do != nil && first.session > a.session {
			first = a
			at, do = a.at, func() { w.ring(a) }
		}
	}
	if sweep := w.lastSweep.Add(w.SweepEvery); w.SweepEvery > 0 && sweep < at {
		at, do = sweep, func() { w.sweep(sweep) }
	}
	if at > to {
		return to, nil
	}
	return at, do
}

func (w *World) arrive(i int) {
	w.mu.Lock()
	p := w.posts[i]
	w.posts = slices.Delete(w.posts, i, i+1)
	w.mu.Unlock()
	if err := w.Hear(p.Event); err != nil {
		p.At = w.Now().Add(5 * time.Second)
		w.mu.Lock()
		w.posts = append(w.posts, p)
		w.mu.Unlock()
	}
}

func (w *World) ring(a alarm) {
	w.mu.Lock()
	delete(w.alarms, a)
	w.mu.Unlock()
	if err := w.Service.Work(context.Background(), a.session); err != nil {
		_ = (*alarms)(w).Wake(context.Background(), a.session, w.Now().Add(5*time.Second)) // it never fails
	}
}

func (w *World) sweep(at epoch.Instant) {
	w.lastSweep = at
	_ = w.Service.Sweep(context.Background()) // what fails is due again in a minute
}

// Lesson loads a lesson as it is stored.
func (w *World) Lesson(session string) (lesson.Lesson, error) {
	l, _, err := w.Store.Lesson(context.Background(), session)
	return l, err
}
