package doorkeeper

import (
	"context"
	"errors"
	"slices"
	"sync"

	"usher/pkg/lesson"
)

// handfulsAtOnce is how many handfuls are noted before their people are asked to go: as many
// as a tenth of a second is enough for.
const handfulsAtOnce = 4

// dismissOutside disconnects everyone who was in a lesson when it ended: the
// connections in its item, by their ids, and the people who stand only in records,
// a handful at a time, all requests in bounded parallel. Where it is cut off, it
// goes on at the lesson's OutsideRetryAt.
func (s *Service) dismissOutside(ctx context.Context, l lesson.Lesson, inItem []string) {
	outside, err := s.outside(ctx, l)
	if err != nil {
		s.set.Log.WarnContext(ctx, "who is in a large lesson could not be read; it will be tried again", "session", l.Session, "error", err)
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, parallel)
	all.Go(func() { s.disconnectBy(ctx, l.Session, inItem, slots) })
	missed := newSet()
	var noted []lesson.Record // and not asked to go yet: who leaves is in the way of the next write
	ask := func() {
		some := noted
		noted = nil
		all.Go(func() { s.sendAway(ctx, l.Session, some, slots, missed) })
	}
	for handfuls := 1; ; handfuls++ {
		some := outside[:lesson.Handful(outside)]
		outside = outside[len(some):]
		d, lost := s.dismiss(ctx, l.Session, lesson.OutsideDismissed{Records: some, Last: err == nil && len(outside) == 0})
		if lost != nil {
			break // found again at OutsideRetryAt
		}
		noted = append(noted, some...)
		all.Go(func() { s.askToTell(ctx, l.Session, d.Effects) })
		s.shed(ctx, d.Lesson)
		if len(outside) == 0 {
			break
		}
		if handfuls%handfulsAtOnce == 0 {
			ask()
		}
	}
	ask()
	all.Wait()
	s.tryMissed(ctx, l.Session, missed.names())
}

// dismiss notes that a handful has to go, however many others leave at that moment.
func (s *Service) dismiss(ctx context.Context, session string, some lesson.OutsideDismissed) (d lesson.Decision, err error) {
	for {
		if d, err = s.decide(ctx, session, ask(some)); !errors.Is(err, errContended) || ctx.Err() != nil {
			return d, err
		}
	}
}

// reviewOutside holds the people who stand only in records against the policy and the
// bans that came while they were in, a handful at a time. Where it is cut off, it goes on
// at the lesson's OutsideReviewAt.
func (s *Service) reviewOutside(ctx context.Context, l lesson.Lesson) error {
	outside, err := s.outside(ctx, l)
	if err != nil {
		return err
	}
	concerned := slices.DeleteFunc(outside, func(r lesson.Record) bool { return !l.Concerns(*r.Conn) })
	for {
		some := concerned[:lesson.Handful(concerned)]
		concerned = concerned[len(some):]
		d, err := s.decide(ctx, l.Session, question{
			wants: func(*lesson.Lesson) []string { return idsOf(some) }, // some may have left since
			input: func(records []lesson.Record) lesson.Input {
				return lesson.OutsideReviewed{Records: records, Last: len(concerned) == 0, By: l.Doors()}
			},
		})
		if err != nil {
			return err
		}
		s.act(ctx, d.Lesson, d.Effects)
		if len(concerned) == 0 {
			return nil
		}
	}
}

func idsOf(records []lesson.Record) []string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	return ids
}

// outside gives the records of the connections that are in and do not stand in
// the lesson's item.
func (s *Service) outside(ctx context.Context, l lesson.Lesson) ([]lesson.Record, error) {
	var in []lesson.Record
	for after := ""; ; {
		page, err := s.store.Records(ctx, l.Session, after, maxPage)
		if err != nil || len(page) == 0 {
			return in, err
		}
		for _, r := range page {
			after = r.ID
			if _, here := l.Conns[r.ID]; !here && r.Conn != nil && r.Conn.In() {
				in = append(in, r)
			}
		}
	}
}

// sendAway asks the platform to end the connections, as the slots allow, and
// adds to missed each one whose request failed or was not made in time.
func (s *Service) sendAway(ctx context.Context, session string, records []lesson.Record, slots chan struct{}, missed *set) {
	var all sync.WaitGroup
	for _, r := range records {
		if !take(ctx, slots) {
			missed.add(r.ID)
			continue
		}
		all.Go(func() {
			defer func() { <-slots }()
			if outcome := s.send(ctx, session, r.ID); outcome != nil && !outcome.Gone {
				missed.add(r.ID)
			}
		})
	}
	all.Wait()
}

// tryMissed notes the connections whose request failed, to be tried again: as many
// as the item takes; the list tells of the others.
func (s *Service) tryMissed(ctx context.Context, session string, ids []string) {
	if len(ids) == 0 {
		return
	}
	some := ids[:min(len(ids), lesson.MaxAsked)]
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	d, err := s.decide(store, session, question{
		wants: func(*lesson.Lesson) []string { return some },
		input: func(records []lesson.Record) lesson.Input {
			return lesson.OutsideFailed{Records: records, More: len(some) < len(ids)}
		},
	})
	if err != nil {
		s.set.Log.WarnContext(ctx, "failed requests could not be noted; the list will tell", "session", session, "error", err)
		return
	}
	s.askToTell(ctx, session, d.Effects)
	s.wakeFor(ctx, d.Lesson, d.NextWas)
}
