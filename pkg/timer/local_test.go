package timer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/epoch"
)

func now() epoch.Instant { return epoch.Of(time.Now()) }

// diary notes who was worked on and when.
type diary struct {
	mu    sync.Mutex
	lines []string
	began epoch.Instant
}

func (d *diary) note(session string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%s@%d", session, now()-d.began))
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.lines, want) {
		t.Errorf("worked on %v, want %v", d.lines, want)
	}
}

// inBubble runs f with a timer on a fake clock; work may be nil.
func inBubble(t *testing.T, work func(context.Context, string), f func(*Local, *diary)) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{began: now()}
		l := NewLocal(now, func(ctx context.Context, session string) {
			d.note(session)
			if work != nil {
				work(ctx, session)
			}
		})
		defer l.Close()
		f(l, d)
	})
}

func (d *diary) wake(t *testing.T, l *Local, session string, ms epoch.Instant) {
	t.Helper()
	if err := l.Wake(t.Context(), session, d.began+ms); err != nil {
		t.Fatal(err)
	}
}

func TestLocalIsExact(t *testing.T) {
	inBubble(t, nil, func(l *Local, d *diary) {
		d.wake(t, l, "late", 7_200_000)
		d.wake(t, l, "soon", 1500)
		d.wake(t, l, "first", 3)
		d.wake(t, l, "past", -5000)
		time.Sleep(3 * time.Hour)
		d.expect(t, "past@0", "first@3", "soon@1500", "late@7200000")
	})
}

func TestLocalAsksOnce(t *testing.T) {
	inBubble(t, nil, func(l *Local, d *diary) {
		for range 3 {
			d.wake(t, l, "a", 1000)
		}
		d.wake(t, l, "a", 2000)
		time.Sleep(1500 * time.Millisecond)
		d.expect(t, "a@1000")
		d.wake(t, l, "a", 1000) // it has come: this is a new one
		time.Sleep(time.Second)
		d.expect(t, "a@1000", "a@1500", "a@2000")
		if len(l.known) != 0 || len(l.states) != 0 || len(l.wakes) != 0 {
			t.Errorf("it remembers %v, %v, %v", l.known, l.states, l.wakes)
		}
	})
}

func TestLocalWorksOnASessionOnceAtATime(t *testing.T) {
	slow := func(context.Context, string) { time.Sleep(10 * time.Second) }
	inBubble(t, slow, func(l *Local, d *diary) {
		for _, ms := range []epoch.Instant{1000, 2000, 3000, 4000} {
			d.wake(t, l, "a", ms)
		}
		time.Sleep(time.Minute)
		d.expect(t, "a@1000", "a@11000")
	})
}

func TestLocalSlowSessionHoldsUpNobody(t *testing.T) {
	slow := func(_ context.Context, session string) {
		if session == "slow" {
			time.Sleep(time.Hour)
		}
	}
	inBubble(t, slow, func(l *Local, d *diary) {
		d.wake(t, l, "slow", 1)
		d.wake(t, l, "a", 2)
		d.wake(t, l, "b", 3)
		time.Sleep(time.Second)
		d.expect(t, "slow@1", "a@2", "b@3")
	})
}

func TestLocalBoundsTheWork(t *testing.T) {
	var mu sync.Mutex
	busy, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		busy += by
		most = max(most, busy)
	}
	work := func(context.Context, string) { count(1); time.Sleep(time.Second); count(-1) }
	inBubble(t, work, func(l *Local, d *diary) {
		for i := range 3 * workers {
			d.wake(t, l, fmt.Sprint(i), 5)
		}
		time.Sleep(3*time.Second + 5*time.Millisecond)
		synctest.Wait()
		if most != workers || len(d.lines) != 3*workers || busy != 0 {
			t.Errorf("%d at once, %d in all, %d still; want %d, %d, 0", most, len(d.lines), busy, workers, 3*workers)
		}
	})
}

// TestLocalFollowsTheWallClock sets the clock an hour ahead, as a machine does
// that wakes up.
func TestLocalFollowsTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		ahead := time.Duration(0)
		clock := func() epoch.Instant { mu.Lock(); defer mu.Unlock(); return now().Add(ahead) }
		d := &diary{began: now()}
		l := NewLocal(clock, func(_ context.Context, session string) { d.note(session) })
		defer l.Close()
		d.wake(t, l, "a", 3_600_000)
		synctest.Wait()
		mu.Lock()
		ahead = time.Hour
		mu.Unlock()
		time.Sleep(longest)
		d.expect(t, "a@60000")
	})
}

func TestLocalClose(t *testing.T) {
	left := false
	work := func(ctx context.Context, _ string) { <-ctx.Done(); time.Sleep(time.Second); left = true }
	inBubble(t, work, func(l *Local, d *diary) {
		d.wake(t, l, "a", 1)
		d.wake(t, l, "b", 5000)
		time.Sleep(time.Second)
		d.wake(t, l, "a", 1) // during its work
		synctest.Wait()
		l.Close()
		if !left {
			t.Error("Close did not wait for the work")
		}
		time.Sleep(time.Minute)
		d.expect(t, "a@1")
		if err := l.Wake(t.Context(), "c", 1); err == nil {
			t.Error("a closed timer took a wake")
		}
		l.Close()
	})
}
