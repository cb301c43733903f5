package doorkeeper

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
)

// Bounds of a handler's waiting, each in all, so that a hanging neighbour cannot
// hold it.
const (
	// storePatience is for a decision and its commit, the wait for other decisions
	// about the same session included.
	storePatience = 2 * time.Second
	// parkPatience is for the queue, once the store has failed.
	parkPatience = 3 * time.Second
	// timerPatience is for a wake; where it fails, the sweep finds the lesson.
	timerPatience = 1500 * time.Millisecond
)

// Hear takes in a webhook. When it returns nil, the event's effect is durable,
// or the event is parked, or it is none of ours. An error says that nothing
// could be stored anywhere.
func (s *Service) Hear(ctx context.Context, e lesson.Event) error {
	if s.set.Queue == nil {
		return s.Replay(ctx, e)
	}
	err := s.tryReplay(ctx, e)
	if err == nil {
		return nil
	}
	s.set.Log.WarnContext(ctx, "an event could not be stored and is parked", "session", e.Session, "event", e.Name, "error", err)
	park, cancel := context.WithTimeout(ctx, parkPatience)
	defer cancel()
	if parked := s.set.Queue.Park(park, e); parked != nil {
		s.set.Log.ErrorContext(ctx, "an event could neither be stored nor parked", "session", e.Session, "event", e.Name, "error", parked)
		return err
	}
	s.set.Metrics.Record(metric.Parked, "", 1)
	return nil
}

// tryReplay makes a panic an error, so that the event is parked all the same.
func (s *Service) tryReplay(ctx context.Context, e lesson.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return s.Replay(ctx, e)
}

// storing bounds a decision about an event that can be parked instead.
func (s *Service) storing(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.set.Queue == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, storePatience)
}

// Replay hears a parked event, and never parks it again. ErrUnavailable says
// that it is worth trying later.
func (s *Service) Replay(ctx context.Context, e lesson.Event) error {
	if !s.mayBeOurs(ctx, e) {
		s.stranger(ctx, e)
		return nil
	}
	store, cancel := s.storing(ctx)
	d, err := s.decide(store, e.Session, question{
		wants: func(l *lesson.Lesson) []string { return l.RecordsFor(e) },
		input: func(records []lesson.Record) lesson.Input { return lesson.Webhook{Event: e, Records: records} },
	})
	cancel()
	if errors.Is(err, room.ErrNoLesson) {
		s.stranger(ctx, e)
		return nil
	}
	if err != nil {
		return err
	}
	s.heard.Add(1)
	s.finish(ctx, d)
	return nil
}

// stranger counts an event that is not ours: one callback serves a whole
// project.
func (s *Service) stranger(ctx context.Context, e lesson.Event) {
	n := s.strangers.Add(1)
	s.set.Metrics.Record(metric.Strangers, "", 1)
	s.set.Log.DebugContext(ctx, "an event of a session that is not ours", "event", e.Name, "count", n)
}
