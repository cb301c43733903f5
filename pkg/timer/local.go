package timer

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

const (
	// workers is how many sessions are worked on at once.
	workers = 64
	// longest is the longest sleep: the wall clock may be set meanwhile.
	longest = time.Minute
)

// Local is a room.Timer inside the process. It forgets everything with the
// process; at the start every lesson of the store has to be asked for again.
type Local struct {
	now  func() epoch.Instant
	work func(ctx context.Context, session string)

	ctx    context.Context // of the work; done at Close
	cancel context.CancelFunc
	sooner chan struct{} // the first moment of the heap has changed
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	wakes  wakeHeap
	known  map[Wake]bool    // those in wakes
	states map[string]stage // sessions that have come due
	queue  []string         // sessions that wait for a worker
	active int              // workers
}

// stage is where a session that has come due stands.
type stage int

const (
	queued  stage = iota + 1
	working       // somebody is at it
	again         // and it came due meanwhile
)

var _ room.Timer = (*Local)(nil)

// NewLocal starts a timer on that clock. It calls work for a session at each
// moment asked for, exact to a few milliseconds: for up to 64 sessions at once,
// so that a slow one does not hold up the others, and for one session never
// twice at once; a session woken during its work is worked on once more. The
// context of the work is done when the timer is closed. work must not panic.
func NewLocal(now func() epoch.Instant, work func(ctx context.Context, session string)) *Local {
	l := &Local{
		now:    now,
		work:   work,
		sooner: make(chan struct{}, 1),
		known:  map[Wake]bool{},
		states: map[string]stage{},
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.wg.Go(l.run)
	return l
}

// Wake implements room.Timer. A moment in the past counts as now.
func (l *Local) Wake(_ context.Context, session string, at epoch.Instant) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errors.New("the timer is closed")
	}
	w := Wake{Session: session, At: at}
	if l.known[w] {
		return nil
	}
	l.known[w] = true
	heap.Push(&l.wakes, w)
	if l.wakes[0] == w {
		select {
		case l.sooner <- struct{}{}:
		default:
		}
	}
	return nil
}

// WakeAtDeadline implements room.Timer. Here a deadline is a moment like others.
func (l *Local) WakeAtDeadline(ctx context.Context, session string, at epoch.Instant) error {
	return l.Wake(ctx, session, at)
}

// Close drops all wakes, cancels the work that goes on and waits for it.
func (l *Local) Close() {
	l.mu.Lock()
	l.closed = true
	l.queue = nil
	l.mu.Unlock()
	l.cancel()
	l.wg.Wait()
}

// run sleeps until the first wake and starts what is due.
func (l *Local) run() {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	for {
		timer.Reset(l.fire())
		select {
		case <-timer.C:
		case <-l.sooner:
		case <-l.ctx.Done():
			return
		}
	}
}

// fire starts what is due and gives the time until it has to be called again.
func (l *Local) fire() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.wakes) > 0 {
		if left := l.wakes[0].At.Sub(l.now()); left > 0 {
			return min(left, longest)
		}
		w := heap.Pop(&l.wakes).(Wake)
		delete(l.known, w)
		l.start(w.Session)
	}
	return longest
}

func (l *Local) start(session string) {
	switch {
	case l.closed:
	case l.states[session] == 0:
		l.states[session] = queued
		l.queue = append(l.queue, session)
		if l.active < workers {
			l.active++
			l.wg.Go(l.worker)
		}
	case l.states[session] == working:
		l.states[session] = again
	}
}

// worker works until nothing waits.
func (l *Local) worker() {
	for session, ok := l.next(""); ok; session, ok = l.next(session) {
		l.work(l.ctx, session)
	}
}

// next lets go of the session that was worked on and takes the one that has
// waited longest.
func (l *Local) next(last string) (session string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.states[last] {
	case again:
		if !l.closed {
			l.states[last] = queued
			l.queue = append(l.queue, last)
		}
	case working:
		delete(l.states, last)
	}
	if len(l.queue) == 0 {
		l.active--
		return "", false
	}
	session, l.queue = l.queue[0], l.queue[1:]
	l.states[session] = working
	return session, true
}

// wakeHeap has the earliest wake first.
type wakeHeap []Wake

func (h wakeHeap) Len() int           { return len(h) }
func (h wakeHeap) Less(i, j int) bool { return h[i].At < h[j].At }
func (h wakeHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *wakeHeap) Push(w any)        { *h = append(*h, w.(Wake)) }

func (h *wakeHeap) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	*h = (*h)[:last]
	return w
}
