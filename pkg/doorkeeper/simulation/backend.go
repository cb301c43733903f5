package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/room"
)

// Backend is an owner's backend, which notes all that it is told.
type Backend struct {
	// Answer is what it says to a notice; nil: it takes it.
	Answer func(room.Notice) error

	now   func() epoch.Instant
	mu    sync.Mutex
	heard []Heard
}

var _ room.Backend = (*Backend)(nil)

// Heard is a notice that came to the backend.
type Heard struct {
	room.Notice
	At    epoch.Instant
	Taken bool
}

// Tell implements room.Backend.
func (b *Backend) Tell(_ context.Context, n room.Notice) error {
	var err error
	if b.Answer != nil {
		err = b.Answer(n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = append(b.heard, Heard{Notice: n, At: b.now(), Taken: err == nil})
	return err
}

// Heard gives what came about a session, in the order in which it came.
func (b *Backend) Heard(session string) (list []Heard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.heard {
		if h.Session == session {
			list = append(list, h)
		}
	}
	return list
}

// Listen gives the world a backend. Lessons that begin from now on are told.
func (w *World) Listen() *Backend {
	w.Backend = &Backend{now: w.Now}
	w.Restart()
	return w.Backend
}

// telling is what a service knows of the backend.
func (w *World) telling() doorkeeper.Telling {
	if w.Backend == nil {
		return doorkeeper.Telling{}
	}
	return doorkeeper.Telling{Begin: true, Ask: w.askToTell, Backend: w.Backend}
}

func (w *World) askToTell(_ context.Context, session string, at epoch.Instant) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	moments := []epoch.Instant{at}
	if w.TellTimes != nil {
		moments = w.TellTimes(session, at)
	}
	for _, moment := range moments {
		w.plan(Task{At: max(moment, w.Now()), Kind: Telling, Session: session})
	}
	return nil
}

// AllTold holds that the backend took every line of a session that is to be told, first
// in the order of the log; repeats are of lines that it had.
func (w *World) AllTold(session string) (wrong error) {
	_, lines, err := w.Log(session)
	if err != nil {
		return err
	}
	var want []journal.Line
	for _, line := range lines {
		if line.Told() != "" {
			want = append(want, line)
		}
	}
	next := 0
	for _, h := range w.Backend.Heard(session) {
		switch {
		case next < len(want) && h.Line == want[next]:
			if h.Taken {
				next++
			}
		case next > 0 && h.Line.Seq <= want[next-1].Seq && h.Line == lines[h.Line.Seq-1]:
		default:
			wrong = errors.Join(wrong, fmt.Errorf("line %d was told before those that stand before it, or is not as it stands in the log: %+v", h.Line.Seq, h.Line))
		}
	}
	if next != len(want) {
		wrong = errors.Join(wrong, fmt.Errorf("%d lines of %s were told, not %d", next, session, len(want)))
	}
	return wrong
}
