package doorkeeper

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Bounds of what a handler waits for, each in all, whatever hangs.
const (
	// storePatience is for a decision and its commit, others' turns included.
	storePatience = 2 * time.Second
	// parkPatience is for the queue, once the store has failed.
	parkPatience = 3 * time.Second
	// timerPatience is for an alarm; the sweep does without.
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
	s.set.Log.Warn("an event could not be stored and is parked", "session", e.Session, "event", e.Name, "error", err)
	park, cancel := context.WithTimeout(ctx, parkPatience)
	defer cancel()
	if parked := s.set.Queue.Park(park, e); parked != nil {
		s.set.Log.Error("an event could neither be stored nor parked", "session", e.Session, "event", e.Name, "error", parked)
		return err
	}
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
	if e.Project != "" && e.Project != s.set.Project {
		s.stranger(e)
		return nil
	}
	store, cancel := s.storing(ctx)
	before, after, err := s.decide(store, e.Session, question{
		wants: func(l *lesson.Lesson) []string { return l.RecordsFor(e) },
		input: func(records []lesson.Record) lesson.Input { return lesson.Webhook{Event: e, Records: records} },
		add:   e.Connection,
	})
	cancel()
	if errors.Is(err, room.ErrNoLesson) {
		s.stranger(e)
		return nil
	}
	if err != nil {
		return err
	}
	return s.follow(ctx, before, after)
}

// stranger counts an event that is not ours: one callback serves a whole
// project.
func (s *Service) stranger(e lesson.Event) {
	n := s.strangers.Add(1)
	s.set.Log.Debug("an event of a session that is not ours", "event", e.Name, "count", n)
}

// Strangers is how many events of unknown sessions and other projects came.
func (s *Service) Strangers() int64 { return s.strangers.Load() }

// follow does what a commit demands: the requests that were decided, what is
// due at once, and an alarm for what comes later. The commit stands whatever
// comes of it: what fails here, or has no time here, is found again in the
// lesson's state.
func (s *Service) follow(ctx context.Context, before, after lesson.Lesson) error {
	quiet, cancel := context.WithTimeout(ctx, s.set.Quiet)
	defer cancel()
	s.carryOut(quiet, before, after)
	s.shed(quiet, after)
	if after.ReadAt != before.ReadAt {
		// The decision claimed a reading for somebody who waits.
		if err := s.settle(quiet, after); err != nil {
			s.set.Log.Warn("who waits is still to be decided", "session", after.Session, "error", err)
		}
	}
	now := s.set.Now()
	if d := after.Duties(now); d.End || d.Look && !after.BeingRead(now) {
		if err := s.attend(quiet, after.Session); err == nil {
			return nil
		}
	}
	s.wakeFor(ctx, after)
	return nil
}

// wakeFor places an alarm for the lesson's next duty. A deadline was given its
// own before the commit that set it.
func (s *Service) wakeFor(ctx context.Context, l lesson.Lesson) {
	next := l.Duties(s.set.Now()).Next
	if l.Status != journal.Running || next != l.Deadline() {
		s.wakeAt(ctx, l, next)
	}
}

// wakeAt asks for work in the lesson at that moment, if there is one.
func (s *Service) wakeAt(ctx context.Context, l lesson.Lesson, next epoch.Instant) {
	if next == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timerPatience)
	defer cancel()
	if err := s.timer.Wake(ctx, l.Session, next); err != nil {
		s.set.Log.Error("an alarm could not be placed; the sweep will find the lesson", "session", l.Session, "error", err)
	}
}

// shed moves what the lesson does not need any more out of its item. Failing is
// no harm: the next decision tries again.
func (s *Service) shed(ctx context.Context, l lesson.Lesson) {
	if _, ok := l.ToShed(); !ok {
		return
	}
	unlock, err := s.locks.lock(ctx, l.Session)
	if err != nil {
		return
	}
	defer unlock()
	l, _, err = s.known(ctx, l.Session, nil)
	if err != nil {
		return
	}
	out, ok := l.ToShed()
	if !ok {
		return
	}
	stored, err := s.store.Shed(ctx, l, out)
	if err == nil {
		s.lessons.put(l.Session, stored)
		return
	}
	s.again(l.Session, err)
	s.set.Log.Debug("records stay in the lesson for now", "session", l.Session, "error", err)
}
