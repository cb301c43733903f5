package simulation

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// TestAConnectionEndsOnce: of many who end one at once, one does, and one
// webhook says so.
func TestAConnectionEndsOnce(t *testing.T) {
	p := NewWorld(nil).Platform
	var told, ended atomic.Int64
	p.Notify = func(e lesson.Event) {
		if e.Name == journal.ConnectionDestroyed {
			told.Add(1)
		}
	}
	const many = 16
	var here sync.WaitGroup // all of them, before one goes on
	here.Add(many)
	p.DisconnectFails = func(string) error {
		here.Done()
		here.Wait()
		return nil
	}
	p.Come("1_session", "c1", "ann")
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			switch err := p.Disconnect(t.Context(), "1_session", "c1"); {
			case err == nil:
				ended.Add(1)
			case !errors.Is(err, room.ErrGone):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if told.Load() != 1 || ended.Load() != 1 || len(p.In("1_session")) != 0 {
		t.Errorf("ended %d times, told %d times, and %v are in", ended.Load(), told.Load(), p.In("1_session"))
	}
}

// TestComeGivesItAsItCame: whoever is told sends it away before Come is over.
func TestComeGivesItAsItCame(t *testing.T) {
	p := NewWorld(nil).Platform
	p.Notify = func(e lesson.Event) { p.Go(e.Connection) }
	if q := p.Come("1_session", "c1", "ann"); q.LeftAt != 0 || len(p.In("1_session")) != 0 {
		t.Errorf("it came as %+v, and %v are in", q, p.In("1_session"))
	}
}
