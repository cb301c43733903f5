package doorkeeper

import (
	"context"
	"errors"
	"sync"

	"usher/pkg/room"
)

// Work does all that is due in the lesson: a wake came, early, late, twice or for
// nothing. It leaves a wake for the next work.
func (s *Service) Work(ctx context.Context, session string) error {
	ctx, cancel := context.WithTimeout(ctx, workPatience)
	defer cancel()
	s.lessons.Remove(session)
	err := s.run(ctx, session, everything, 0)
	if errors.Is(err, room.ErrNoLesson) {
		return nil
	}
	return err
}

// Sweep does all that is due in any lesson: work that a crash left, comparisons
// with the list, and deadlines whose wake was lost.
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
					s.set.Log.WarnContext(ctx, "a lesson could not be worked", "session", session, "error", err)
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
