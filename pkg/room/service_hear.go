package room

import (
	"context"
	"errors"
)

// Hear takes in a webhook. When it returns nil, the event's effect is durable,
// or the event is parked, or it is none of ours. An error says that nothing
// could be stored anywhere.
func (s *Service) Hear(ctx context.Context, e Event) error {
	err := s.Replay(ctx, e)
	if err == nil || s.set.Queue == nil {
		return err
	}
	s.set.Log.Warn("an event could not be stored and is parked", "session", e.Session, "event", e.Name, "error", err)
	if parked := s.set.Queue.Park(ctx, e); parked != nil {
		s.set.Log.Error("an event could neither be stored nor parked", "session", e.Session, "event", e.Name, "error", parked)
		return err
	}
	return nil
}

// Replay hears a parked event, and never parks it again. ErrUnavailable says
// that it is worth trying later.
func (s *Service) Replay(ctx context.Context, e Event) error {
	if e.Project != "" && e.Project != s.set.Project {
		s.stranger(e)
		return nil
	}
	before, after, err := s.decide(ctx, e.Session, question{
		wants: func(l *Lesson) []string { return l.Wants(e) },
		input: func(records []Record) Input { return Heard{e, records} },
		add:   e.Connection,
	})
	if errors.Is(err, ErrNoLesson) {
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
func (s *Service) stranger(e Event) {
	n := s.strangers.Add(1)
	s.set.Log.Debug("an event of a session that is not ours", "event", e.Name, "count", n)
}

// Strangers is how many events of unknown sessions and other projects came.
func (s *Service) Strangers() int64 { return s.strangers.Load() }

// follow does what a commit demands: the requests that were decided, what is
// due at once, and an alarm for what comes later. The commit stands whatever
// comes of it: what fails here is found again in the lesson's state.
func (s *Service) follow(ctx context.Context, before, after Lesson) error {
	s.carryOut(ctx, before, after)
	s.shed(ctx, after)
	quiet, cancel := context.WithTimeout(ctx, s.set.Quiet)
	defer cancel()
	if d := after.Duties(s.set.Now()); d.Look || d.End {
		s.attend(quiet, after.Session)
		return nil
	}
	s.wakeFor(ctx, after)
	return nil
}

// wakeFor places an alarm for the lesson's next duty. Deadlines have theirs.
func (s *Service) wakeFor(ctx context.Context, l Lesson) {
	next := l.Duties(s.set.Now()).Next
	if next == 0 || l.Status == Running && next == l.Deadline() {
		return
	}
	if err := s.timer.Wake(ctx, l.Session, next); err != nil {
		s.set.Log.Error("an alarm could not be placed; the sweep will find the lesson", "session", l.Session, "error", err)
	}
}

// shed moves what the lesson does not need any more out of its item. Failing is
// no harm: the next decision tries again.
func (s *Service) shed(ctx context.Context, l Lesson) {
	out, ok := l.Surplus()
	if !ok {
		return
	}
	unlock := s.locks.lock(l.Session)
	defer unlock()
	l, _, err := s.known(ctx, l.Session, nil)
	if err != nil {
		return
	}
	if out, ok = l.Surplus(); !ok {
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
