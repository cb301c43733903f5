package doorkeeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Work does whatever is due in the lesson: an alarm came, early, late, twice or
// for nothing. It leaves an alarm for what comes next.
func (s *Service) Work(ctx context.Context, session string) error {
	ctx, cancel := context.WithTimeout(ctx, workPatience)
	defer cancel()
	s.lessons.drop(session)
	err := s.attend(ctx, session)
	if errors.Is(err, room.ErrNoLesson) {
		return nil
	}
	return err
}

// What one alarm does is bounded, in rounds and in time; the rest has an alarm
// of its own.
const (
	maxRounds    = 6
	workPatience = 20 * time.Second
)

// attend does what is due, one thing after the other, until nothing is or the
// time is up.
func (s *Service) attend(ctx context.Context, session string) error {
	for round := 0; round < maxRounds && ctx.Err() == nil; round++ {
		l, _, err := s.known(ctx, session, nil)
		if err != nil {
			return err
		}
		now := s.set.Now()
		switch d := l.Duties(now); {
		case d.End:
			err = s.perform(ctx, session, ask(lesson.Wake{}))
		case d.Clear:
			s.clearHall(ctx, l, nil)
		case len(d.Disconnect) > 0:
			if d.Disconnect = s.unasked(session, d.Disconnect); len(d.Disconnect) == 0 {
				return nil // who asks them leaves an alarm
			}
			s.disconnect(ctx, session, d.Disconnect)
		case d.Look:
			var looked bool
			if looked, err = s.look(ctx, session); err == nil && !looked {
				s.wakeAgain(ctx, l)
				return nil
			}
		case l.Due != 0 && l.Due <= now:
			err = s.perform(ctx, session, ask(lesson.Wake{}))
		default:
			s.wakeAgain(ctx, l)
			return nil
		}
		if err != nil {
			return err
		}
	}
	if l, _, err := s.known(context.WithoutCancel(ctx), session, nil); err == nil {
		s.wakeAgain(context.WithoutCancel(ctx), l)
	}
	return nil
}

// wakeAgain places an alarm for the lesson's next duty, and for a deadline that
// comes before the next watch: after a restart, or where placing it failed,
// nobody else has.
func (s *Service) wakeAgain(ctx context.Context, l lesson.Lesson) {
	s.wakeFor(ctx, l)
	if l.Status == journal.Running && l.Deadline() <= s.set.Now().Add(lesson.WatchEvery) {
		s.wakeAt(ctx, l, l.Deadline())
	}
}

// unasked gives those of the connections whom nobody in this process is asking
// to go right now.
func (s *Service) unasked(session string, ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool {
		_, busy := s.asking.Load(session + " " + id)
		return busy
	})
}

// perform decides and carries out, without looking for more to do.
func (s *Service) perform(ctx context.Context, session string, q question) error {
	before, after, err := s.decide(ctx, session, q)
	if err != nil {
		return err
	}
	s.carryOut(ctx, before, after)
	s.shed(ctx, after)
	return nil
}

// look reads the list and settles the lesson by it, if no other reading began
// within the last second; it reports whether it did. A reading that fails
// settles nothing but is noted.
func (s *Service) look(ctx context.Context, session string) (bool, error) {
	_, l, err := s.decide(ctx, session, ask(lesson.ClaimReading{}))
	if errors.Is(err, lesson.ErrReadFirst) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.settle(ctx, l)
}

// blind logs that the list could not be read, and reports whether the platform
// said no.
func (s *Service) blind(session string, err error) bool {
	var answer *room.PlatformError
	if errors.As(err, &answer) && answer.Refused() {
		s.set.Log.Error("the platform refuses to show who is in: check the credentials", "alarm", "platform-refuses", "session", session, "status", answer.Status)
		return true
	}
	s.set.Log.Warn("the list of connections could not be read", "session", session, "error", err)
	return false
}

// settle reads the list, the right to which was claimed, and decides by it.
func (s *Service) settle(ctx context.Context, l lesson.Lesson) error {
	settle, err := s.read(ctx, l)
	if err != nil {
		settle.Forbidden = s.blind(l.Session, err)
	}
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	before, after, err := s.decide(store, l.Session, ask(settle))
	if err != nil {
		return err
	}
	rest, cancel := further(ctx)
	defer cancel()
	s.carryOut(rest, before, after)
	s.shed(rest, after)
	return nil
}

// read reads the list and what the records know about those on it. The Settle
// of a reading that failed frees and refuses nobody.
func (s *Service) read(ctx context.Context, l lesson.Lesson) (lesson.Reconcile, error) {
	request, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	r, err := s.platform.Connections(request, l.Session)
	if err != nil {
		return lesson.Reconcile{}, err
	}
	settle := lesson.Reconcile{Reading: &r}
	if l.Shed == 0 {
		return settle, nil
	}
	return s.recollect(ctx, l, settle)
}

// maxRecalled is how many connections one reading brings back into the item.
const maxRecalled = 64

// recollect sorts those on the list who are not in the item: who is in by the
// records is steady, others are brought back to be decided, some at a time.
func (s *Service) recollect(ctx context.Context, l lesson.Lesson, settle lesson.Reconcile) (lesson.Reconcile, error) {
	var ids []string
	for _, p := range settle.Reading.Present {
		if _, here := l.Conns[p.ID]; !here && p.Since <= l.ShedThrough {
			ids = append(ids, p.ID)
		}
	}
	settle, err := s.missed(ctx, l, settle)
	if err != nil || len(ids) == 0 {
		return settle, err
	}
	_, records, err := s.store.Lesson(ctx, l.Session, ids...)
	if err != nil {
		return lesson.Reconcile{}, fmt.Errorf("records of the listed: %w", err)
	}
	settle.Steady = map[string]bool{}
	for _, r := range records {
		if r.Conn == nil {
			continue
		}
		if steady := r.Conn.In(); steady || len(settle.Records) >= maxRecalled {
			settle.Steady[r.ID] = true
			continue
		}
		settle.Records = append(settle.Records, r)
	}
	return settle, nil
}

// missed brings back people who stand only in records and whom a complete
// reading does not show, some at a time: they may be ghosts.
func (s *Service) missed(ctx context.Context, l lesson.Lesson, settle lesson.Reconcile) (lesson.Reconcile, error) {
	if !settle.Reading.Whole || l.PresentOutside == 0 || l.Status == journal.Ended {
		return settle, nil
	}
	shown := map[string]bool{}
	for _, p := range settle.Reading.Present {
		shown[p.ID] = true
	}
	outside, err := s.outside(ctx, l)
	for _, r := range outside {
		if !shown[r.ID] && len(settle.Records) < maxRecalled {
			settle.Records = append(settle.Records, r)
		}
	}
	return settle, err
}

// Sweep does what is due in any lesson: what a crash left, what has to be
// compared with the list, and deadlines whose alarm was lost.
func (s *Service) Sweep(ctx context.Context) error {
	var all sync.WaitGroup
	failed := make([]error, room.DueBuckets)
	for bucket := range room.DueBuckets {
		all.Go(func() { failed[bucket] = s.sweepBucket(ctx, bucket) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// sweepPage is how many lessons of a bucket are worked at a time.
const sweepPage = 32

func (s *Service) sweepBucket(ctx context.Context, bucket int) error {
	done := map[string]bool{}
	for ctx.Err() == nil {
		sessions, err := s.store.Due(ctx, bucket, s.set.Now(), sweepPage+len(done))
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		fresh := 0
		for _, session := range sessions {
			if done[session] || fresh == sweepPage {
				continue
			}
			done[session] = true
			fresh++
			all.Go(func() {
				if err := s.Work(ctx, session); err != nil {
					s.set.Log.Warn("a lesson could not be worked", "session", session, "error", err)
				}
			})
		}
		all.Wait()
		if fresh == 0 {
			return nil
		}
	}
	return ctx.Err()
}
