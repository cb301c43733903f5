package room

import (
	"context"
	"slices"
	"sync"
)

// clearAgain is how long the process that ends a large lesson has before others
// go on with those who stand only in records.
const clearAgain = 30 * Second

// Cleared is a handful of people who stood only in records when the lesson
// ended: they are told to go, each with its line in the log.
type Cleared struct {
	Records []Record
	Last    bool // nobody else is outside
}

func (x Cleared) decide(t *turn) error {
	if t.l.Status != Ended {
		return nil
	}
	t.recall(x.Records)
	for _, r := range x.Records {
		if c, here := t.l.Conns[r.ID]; here && c.in() {
			t.oust(c, t.l.endedFor(), Line{Event: t.l.endedBy()})
			t.unwatch(c.ID)
		}
	}
	t.l.ClearAt = t.now + clearAgain
	if x.Last {
		t.l.Outside = 0
	}
	t.changed = true
	return nil
}

// unwatch lets the item forget somebody who was told to go: the list, looked at
// until it is empty, tells who did not.
func (t *turn) unwatch(id string) {
	c := t.l.Conns[id]
	c.RetryAt = 0
	t.put(c)
}

// endedBy and endedFor say what ended the lesson and why, as its log does.
func (l *Lesson) endedBy() string {
	if l.Outcome == ByAdmin {
		return FromAPI
	}
	return FromDeadline
}

func (l *Lesson) endedFor() Reason {
	if l.Outcome == ByAdmin {
		return Admin
	}
	return LessonOver
}

// Missed are people who were told to go while the request to the platform
// failed: it is tried again.
type Missed struct{ Records []Record }

func (x Missed) decide(t *turn) error {
	t.recall(x.Records)
	for _, r := range x.Records {
		if c := t.l.Conns[r.ID]; c.told() && c.LeftAt == 0 {
			c.RetryAt, c.Tries = t.now+backoff(1), 1
			t.put(c)
		}
	}
	return nil
}

// clearHall tells everyone to go who was in a lesson when it ended: the told,
// who stand in its item, and those who stand only in records, a handful at a
// time, all requests in bounded parallel. What is cut off goes on at the
// lesson's ClearAt.
func (s *Service) clearHall(ctx context.Context, l Lesson, told []string) {
	outside, err := s.outside(ctx, l)
	if err != nil {
		s.set.Log.Warn("who is in a large lesson could not be read; it will be tried again", "session", l.Session, "error", err)
	}
	var all sync.WaitGroup
	all.Go(func() { s.disconnect(ctx, l.Session, told) })
	missed := newSet()
	for {
		some := outside[:min(len(outside), maxRecalled)]
		outside = outside[len(some):]
		_, after, noted := s.decide(ctx, l.Session, ask(Cleared{some, err == nil && len(outside) == 0}))
		if noted != nil {
			break // found again at ClearAt
		}
		all.Go(func() { s.sendAway(ctx, l.Session, some, missed) })
		s.shed(ctx, after)
		if len(outside) == 0 {
			break
		}
	}
	all.Wait()
	s.tryMissed(ctx, l.Session, missed.names())
}

// outside gives the records of the connections that are in and do not stand in
// the lesson's item.
func (s *Service) outside(ctx context.Context, l Lesson) ([]Record, error) {
	var in []Record
	for after := ""; ; {
		page, err := s.store.Records(ctx, l.Session, after, maxPage)
		if err != nil || len(page) == 0 {
			return in, err
		}
		for _, r := range page {
			after = r.ID
			if _, here := l.Conns[r.ID]; !here && r.Conn != nil && r.Conn.in() {
				in = append(in, r)
			}
		}
	}
}

// sendAway asks the platform to end the connections, in bounded parallel, and
// adds those to missed whose request failed or was not made in time.
func (s *Service) sendAway(ctx context.Context, session string, records []Record, missed *set) {
	var all sync.WaitGroup
	slots := make(chan struct{}, parallel)
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

// tryMissed notes whose request failed, to be tried again.
func (s *Service) tryMissed(ctx context.Context, session string, ids []string) {
	for some := range slices.Chunk(ids, maxRecalled) {
		store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
		_, after, err := s.decide(store, session, question{
			wants: func(*Lesson) []string { return some },
			input: func(records []Record) Input { return Missed{records} },
		})
		cancel()
		if err != nil {
			s.set.Log.Warn("failed requests could not be noted; the list will tell", "session", session, "error", err)
			return
		}
		s.wakeFor(ctx, after)
	}
}
