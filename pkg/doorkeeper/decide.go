package doorkeeper

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// maxTries is how often a lost race is run again before the event is parked.
const maxTries = 8

// errContended says that other writers were first, again and again.
var errContended = fmt.Errorf("%w: too many writers at once", room.ErrUnavailable)

// orCrowded is err, where that is not that the lesson takes in no more for now.
func orCrowded(err error) error {
	if errors.Is(err, lesson.ErrCrowded) {
		return fmt.Errorf("%w: %w", room.ErrUnavailable, err)
	}
	return err
}

// question makes the input to decide from the records that were loaded.
type question struct {
	wants func(*lesson.Lesson) []string // ids of the records to load; nil: none
	input func([]lesson.Record) lesson.Input
}

func ask(in lesson.Input) question {
	return question{input: func([]lesson.Record) lesson.Input { return in }}
}

// decide loads, decides and commits, again until it loses no race. The lesson of
// the decision it gives is the stored one. The error is room.ErrUnavailable or
// room.ErrNoLesson; the decision's own is its verdict.
func (s *Service) decide(ctx context.Context, session string, q question) (lesson.Decision, error) {
	unlock, err := s.locks.lock(ctx, session)
	if err != nil {
		return lesson.Decision{}, err
	}
	defer unlock()
	var lost *lesson.Decision // the one whose commit's answer was lost
	for range maxTries {
		before, records, err := s.known(ctx, session, q.wants)
		if err != nil {
			return lesson.Decision{}, err
		}
		if lost != nil {
			if there, err := s.stored(ctx, before, *lost); err != nil || there {
				if there {
					s.committed(ctx, before, newLines(*lost), lost.Effects)
				}
				lost.Lesson, lost.Effects.Tell = before, before.Untold() != 0
				return *lost, err
			}
		}
		d := lesson.Decide(before, q.input(records), s.set.Now())
		if errors.Is(d.Verdict, lesson.ErrCrowded) {
			if s.shedNow(ctx, session) {
				continue
			}
			return d, orCrowded(d.Verdict)
		}
		err = s.commit(ctx, &d)
		if err == nil {
			if lost != nil {
				d.Effects.Recover(lost.Effects, d.Lesson)
			}
			return d, nil
		}
		if !s.again(session, err) || errors.Is(err, room.ErrUnavailable) && (ctx.Err() != nil || lost != nil) {
			return lesson.Decision{}, err
		}
		if errors.Is(err, room.ErrUnavailable) {
			lost = &d
		}
	}
	return lesson.Decision{}, errContended
}

// commit has the deadline's wake placed and stores the decision, whose lesson
// becomes the stored one.
func (s *Service) commit(ctx context.Context, d *lesson.Decision) error {
	if d.Write == lesson.Nothing {
		return nil
	}
	s.wakeFirst(ctx, d.Lesson.Session, d.WakeAt)
	lines := newLines(*d)
	var l lesson.Lesson
	var err error
	switch d.Write {
	case lesson.Add:
		l, err = s.store.Add(ctx, d.Add)
	case lesson.Leave:
		l, err = s.store.Leave(ctx, d.Leave)
	default:
		l, err = s.store.Swap(ctx, d.Lesson)
	}
	if err != nil {
		return err
	}
	d.Lesson = l
	d.Effects.Tell = d.Effects.Tell || l.NewsIn(d.Lines)
	d.Effects.ShedElsewhere = d.ShedElsewhere(l)
	s.lessons.Add(l.Session, l)
	s.committed(ctx, l, lines, d.Effects)
	return nil
}

// wakeFirst places the deadline's wake before the commit that sets it: a stray
// wake is harmless, a missing one is not. Where placing fails, the sweep finds
// the lesson by its Due.
func (s *Service) wakeFirst(ctx context.Context, session string, at epoch.Instant) {
	if at == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timerPatience)
	defer cancel()
	if err := s.timer.WakeAtDeadline(ctx, session, at); err != nil {
		s.set.Log.ErrorContext(ctx, "the deadline's wake could not be placed; the sweep will find the lesson", "session", session, "error", err)
	}
}

// again takes in the error of a failed commit, and reports whether to decide
// again: after a lost race, and after a write whose outcome is not known.
func (s *Service) again(session string, err error) bool {
	var lost *room.Conflict
	switch {
	case errors.As(err, &lost) && lost.Winner != nil:
		s.lessons.Add(session, *lost.Winner)
		return true
	case errors.As(err, &lost), errors.Is(err, room.ErrUnavailable):
		s.lessons.Remove(session)
		return true
	}
	s.lessons.Remove(session)
	return false
}

// stored reports whether the attempted write, whose answer was lost, is in the
// lesson: the log is append-only, so its last line stands at its place, in the item
// or in a chunk. A write without a line is decided anew, which does no harm.
func (s *Service) stored(ctx context.Context, l lesson.Lesson, attempt lesson.Decision) (bool, error) {
	line, place, ok := lastLine(attempt)
	if !ok || l.Revision+l.Added <= attempt.Lesson.Revision+attempt.Lesson.Added {
		return false, nil
	}
	if at := place - l.Base; at >= 0 {
		return at < int64(len(l.Tail)) && l.Tail[at] == line, nil
	}
	shed, err := s.store.Lines(ctx, l.Session, place, 1)
	if err != nil || len(shed) == 0 {
		return false, err
	}
	line.Seq = shed[0].Seq
	return shed[0] == line, nil
}

// lastLine gives the last line that the decision wrote, and its place in the log.
func lastLine(d lesson.Decision) (line journal.Line, place int64, ok bool) {
	n := len(d.Lesson.Tail)
	if n == 0 || d.Lines == 0 {
		return line, 0, false
	}
	return d.Lesson.Tail[n-1], d.Lesson.Base + int64(n) - 1, true
}

// known gives the lesson as this process knows it, or loads it, with the
// records that are wanted.
func (s *Service) known(ctx context.Context, session string, wants func(*lesson.Lesson) []string) (lesson.Lesson, []lesson.Record, error) {
	l, ok := s.lessons.Get(session)
	if !ok {
		var err error
		if l, _, err = s.load(ctx, session); err != nil {
			return l, nil, err
		}
	}
	if wants == nil {
		return l, nil, nil
	}
	var ids []string
	var records []lesson.Record
	for {
		wanted := append(wants(&l), l.Leads(records)...)
		more := slices.DeleteFunc(slices.Clone(wanted), func(id string) bool {
			_, ban := lesson.BannedUser(id)
			return ban || slices.Contains(ids, id)
		})
		if len(more) == 0 {
			bans, err := s.bans(ctx, &l, wanted)
			return l, append(records, bans...), err
		}
		// What is wanted of the lesson that is loaded now may be more.
		ids = append(ids, more...)
		var err error
		if l, records, err = s.load(ctx, session, ids...); err != nil {
			return l, nil, err
		}
	}
}

// bans loads the bans among the wanted records. They are read after the lesson, and a
// ban changes the lesson too: a decision that missed one loses its race.
func (s *Service) bans(ctx context.Context, l *lesson.Lesson, ids []string) ([]lesson.Record, error) {
	var records []lesson.Record
	for _, id := range ids {
		user, ok := lesson.BannedUser(id)
		if !ok {
			continue
		}
		b, found, err := s.store.Ban(ctx, l.Room, user)
		if err != nil {
			return nil, err
		}
		if found {
			records = append(records, lesson.Record{ID: id, Ban: &b})
		}
	}
	return records, nil
}

func (s *Service) load(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	l, rs, err := s.store.Lesson(ctx, session, records...)
	if err == nil {
		s.lessons.Add(session, l)
	}
	return l, rs, err
}
