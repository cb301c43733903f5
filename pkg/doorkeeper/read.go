package doorkeeper

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// claim takes the right to read the list; the verdict is lesson.ErrReadFirst
// where another reading began within the last second.
func (s *Service) claim(ctx context.Context, session string) (lesson.Decision, error) {
	d, err := s.decide(ctx, session, ask(lesson.ClaimReading{}))
	if err == nil {
		s.askToTell(ctx, session, d.Effects)
	}
	return d, err
}

// readAndReconcile reads the list, the right to which was claimed, and carries
// out the decision that follows. A reading that fails decides nothing but is
// noted.
func (s *Service) readAndReconcile(ctx context.Context, l lesson.Lesson) error {
	reconcile, err := s.read(ctx, l)
	if err != nil {
		reconcile.Forbidden = s.unreadable(ctx, l.Session, err)
	}
	for range mostSayings {
		d, err := s.decideAnswer(ctx, l.Session, question{
			wants: reconcile.BansFor,
			input: func(bans []lesson.Record) lesson.Input {
				reconcile.Bans = bans
				return reconcile
			},
		})
		if err != nil || !d.Effects.Again {
			return err
		}
	}
	return nil // the next reading says the rest
}

// mostSayings is how often one reading is decided on.
const mostSayings = 16

// decideAnswer decides on what the platform answered, however long that took, and carries
// out what follows.
func (s *Service) decideAnswer(ctx context.Context, session string, q question) (lesson.Decision, error) {
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	d, err := s.decide(store, session, q)
	if err != nil {
		return d, err
	}
	rest, cancel := further(ctx)
	defer cancel()
	s.act(rest, d.Lesson, d.Effects)
	return d, nil
}

// unreadable logs that the list could not be read, and reports whether the platform
// said no.
func (s *Service) unreadable(ctx context.Context, session string, err error) bool {
	var answer *room.PlatformError
	if errors.As(err, &answer) && answer.Refused() {
		s.set.Log.ErrorContext(ctx, "the platform refuses to show who is in: check the credentials", "alarm", "platform-refuses", "session", session, "status", answer.Status)
		return true
	}
	s.set.Log.WarnContext(ctx, "the list of connections could not be read", "session", session, "error", err)
	return false
}

// noteUnread notes a reading that failed for somebody who asked for it.
func (s *Service) noteUnread(ctx context.Context, session string, err error) {
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	if _, err := s.decide(store, session, ask(lesson.Reconcile{Forbidden: s.unreadable(ctx, session, err)})); err != nil {
		s.set.Log.WarnContext(ctx, "a reading that failed could not be noted", "session", session, "error", err)
	}
}

// read reads the list, and the records of listed connections that are not in the
// item. The Reconcile of a reading that failed frees and refuses nobody.
func (s *Service) read(ctx context.Context, l lesson.Lesson) (lesson.Reconcile, error) {
	r, err := s.listed(ctx, l.Session)
	if err != nil {
		return lesson.Reconcile{}, err
	}
	reconcile := lesson.Reconcile{Reading: &r, Shed: l.Shed}
	if l.Shed == 0 {
		return reconcile, nil
	}
	return s.recollect(ctx, l, reconcile)
}

// recollect finds the records of the listed connections that are not in the item.
func (s *Service) recollect(ctx context.Context, l lesson.Lesson, reconcile lesson.Reconcile) (lesson.Reconcile, error) {
	var ids []string
	for _, p := range reconcile.Reading.Present {
		if _, here := l.Conns[p.ID]; !here && p.Since <= l.ShedThrough {
			ids = append(ids, p.ID)
		}
	}
	reconcile, err := s.missed(ctx, l, reconcile)
	if err != nil || len(ids) == 0 {
		return reconcile, err
	}
	_, records, err := s.store.Lesson(ctx, l.Session, ids...)
	if err != nil {
		return lesson.Reconcile{}, fmt.Errorf("records of the listed: %w", err)
	}
	reconcile.Recollect(records)
	return reconcile, nil
}

// missed brings back people who stand only in records, where a complete reading
// does not show them, some at a time: they may be ghosts.
func (s *Service) missed(ctx context.Context, l lesson.Lesson, reconcile lesson.Reconcile) (lesson.Reconcile, error) {
	if !reconcile.Reading.Whole || l.PresentOutside == 0 || l.Status == journal.Ended {
		return reconcile, nil
	}
	shown := map[string]bool{}
	for _, p := range reconcile.Reading.Present {
		shown[p.ID] = true
	}
	outside, err := s.outside(ctx, l)
	outside = slices.DeleteFunc(outside, func(r lesson.Record) bool { return shown[r.ID] })
	reconcile.Records = outside[:lesson.Handful(outside)]
	return reconcile, err
}
