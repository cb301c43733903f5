package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"usher/pkg/bolt"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

const (
	// A store that is away is asked after a second, then after twice as long
	// each time, at most replayRarely.
	replayOften  = time.Second
	replayRarely = 15 * time.Second
	// replayPage is how many parked events are taken at a time, and
	// replayParallel how many of them are heard at once.
	replayPage     = 100
	replayParallel = 8
	// replayTries is how often an event may fail in a store that is there.
	replayTries = 5
)

// replayParked hears the events that the store did not take, until ctx ends. A
// store that is away does not count as a failed try.
func (l *Local) replayParked(ctx context.Context) {
	if l.queue == nil {
		return
	}
	r := &replayer{Local: l, failed: map[uint64]int{}}
	for pause := replayOften; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		err := r.page(ctx)
		switch {
		case errors.Is(err, room.ErrUnavailable):
			pause = min(2*pause, replayRarely)
		default:
			l.report(ctx, "parked events could not be heard and will be tried again", err)
			pause = replayOften
		}
	}
}

// replayer counts the failures of parked events.
type replayer struct {
	*Local
	failed map[uint64]int
}

// heard is what came of a parked event.
type heard struct {
	number uint64
	err    error
}

// page hears parked events while there are any and the store takes them.
func (r *replayer) page(ctx context.Context) error {
	for {
		list, err := r.queue.Parked(ctx, replayPage)
		if err != nil || len(list) == 0 {
			return err
		}
		var away error
		var done []uint64
		for _, h := range r.hear(ctx, list) {
			switch {
			case h.err == nil:
				done = append(done, h.number)
			case errors.Is(h.err, room.ErrUnavailable):
				away = h.err
			default:
				err = errors.Join(err, r.fail(ctx, h))
			}
		}
		if err := errors.Join(away, err, r.queue.Unpark(ctx, done...)); err != nil {
			return err
		}
	}
}

// hear hears events until one finds the store away.
func (r *replayer) hear(ctx context.Context, list []bolt.Parked) (all []heard) {
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, replayParallel)
	away := false
	for _, p := range list {
		slots <- struct{}{}
		mu.Lock()
		stop := away
		mu.Unlock()
		if stop || ctx.Err() != nil {
			break
		}
		group.Go(func() {
			err := r.one(ctx, p.Event)
			mu.Lock()
			defer mu.Unlock()
			away = away || errors.Is(err, room.ErrUnavailable)
			all = append(all, heard{p.Number, err})
			<-slots
		})
	}
	group.Wait()
	return all
}

// one makes a panic an error, so that one event does not end the program.
func (r *replayer) one(ctx context.Context, e lesson.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return r.service.Replay(ctx, e)
}

// fail counts a failure, and puts the event aside at the last one.
func (r *replayer) fail(ctx context.Context, h heard) error {
	r.failed[h.number]++
	if r.failed[h.number] < replayTries {
		return h.err
	}
	delete(r.failed, h.number)
	r.log.Error("a parked event cannot be heard and was put aside", "alarm", "event-failed", "number", h.number, "error", h.err)
	return r.queue.Fail(ctx, h.number)
}
