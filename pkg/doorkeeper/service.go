package doorkeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Settings are what a Service is told besides its ports.
type Settings struct {
	TokenLife time.Duration // of client tokens, 30 s to 5 min
	AllowDemo bool          // demo rooms: only with a simulated or loopback platform
	Project   string        // our API key or application id; events that name another are counted, not stored
	Now       func() epoch.Instant
	NewID     func() string // unguessable and url-safe
	Log       *slog.Logger
	Queue     room.Queue    // where events go that no store takes; nil: nowhere
	Quiet     time.Duration // how long a handler may go on after its commit; 0: 3 s
	// Rest waits until that moment by Now's clock, or until the context is
	// done; nil: by the real clock.
	Rest func(ctx context.Context, until epoch.Instant) error
}

// Service keeps the door: it loads what is known, decides, commits on
// condition, and carries out what was decided. It decides again with the
// winner's state when somebody else wrote first.
type Service struct {
	store    room.Store
	platform room.Platform
	timer    room.Timer
	set      Settings

	locks     *locks // of lessons, by session
	roomLocks *locks // of rooms, by name
	lessons   *cache[lesson.Lesson]
	rooms     *cache[string] // the session of a room

	asking    sync.Map     // connections that are being disconnected
	strangers atomic.Int64 // events of sessions or projects that are not ours
}

// NewService joins the ports. All of them are needed.
func NewService(store room.Store, platform room.Platform, timer room.Timer, set Settings) *Service {
	if set.Quiet == 0 {
		set.Quiet = 3 * time.Second
	}
	if set.Rest == nil {
		set.Rest = func(ctx context.Context, until epoch.Instant) error { return rest(ctx, until.Sub(set.Now())) }
	}
	return &Service{
		store: store, platform: platform, timer: timer, set: set,
		locks: newLocks(), roomLocks: newLocks(),
		lessons: newCache[lesson.Lesson](cachedLessons), rooms: newCache[string](cachedLessons),
	}
}

// cachedLessons is how many lessons a process remembers. What it remembers is
// only ever a first guess: every commit is conditional.
const cachedLessons = 4096

// maxTries is how often a lost race is run again before the event is parked.
const maxTries = 8

// errContended says that others wrote first, again and again.
var errContended = fmt.Errorf("%w: too many writers at once", room.ErrUnavailable)

// question makes the input to decide from what was loaded.
type question struct {
	wants func(*lesson.Lesson) []string
	input func([]lesson.Record) lesson.Input
	// add names the connection whose arrival may be all there is to store.
	add string
}

func ask(in lesson.Input) question {
	return question{input: func([]lesson.Record) lesson.Input { return in }}
}

// decide loads, decides, and commits until nobody else was faster. It gives the
// lesson before and after; they are the same where nothing was to be stored.
// The error is the decision's own, or ErrUnavailable, or ErrNoLesson.
func (s *Service) decide(ctx context.Context, session string, q question) (before, after lesson.Lesson, err error) {
	unlock, err := s.locks.lock(ctx, session)
	if err != nil {
		return lesson.Lesson{}, lesson.Lesson{}, err
	}
	defer unlock()
	return s.decideLocked(ctx, session, q)
}

func (s *Service) decideLocked(ctx context.Context, session string, q question) (lesson.Lesson, lesson.Lesson, error) {
	var doubt doubt
	for try := 0; try < maxTries; try++ {
		before, records, err := s.known(ctx, session, q.wants)
		if err != nil {
			return before, before, err
		}
		if doubt.logged() && applied(before, doubt.next) {
			return doubt.before, before, doubt.verdict
		}
		next, verdict := lesson.Decide(before, q.input(records), s.set.Now())
		if errors.Is(verdict, lesson.ErrCrowded) {
			verdict = fmt.Errorf("%w: %w", room.ErrUnavailable, verdict)
		}
		if !next.Changed() {
			return doubt.since(before), before, verdict
		}
		s.placeAlarm(ctx, before, next)
		stored, err := s.commit(ctx, before, next, q.add)
		if err == nil {
			s.lessons.put(session, stored)
			return doubt.since(before), stored, verdict
		}
		if !s.again(session, err) {
			return before, before, err
		}
		if errors.Is(err, room.ErrUnavailable) {
			if ctx.Err() != nil || doubt.any {
				return before, before, err
			}
			doubt.any, doubt.before, doubt.next, doubt.verdict = true, before, next, verdict
		}
	}
	return lesson.Lesson{}, lesson.Lesson{}, errContended
}

// doubt is a write whose outcome is not known: its answer was lost.
type doubt struct {
	any          bool
	before, next lesson.Lesson
	verdict      error
}

// logged reports whether the write had a line for the log, by which it could
// be known again. One without is decided anew, which does no harm.
func (d doubt) logged() bool {
	return d.next.Base+int64(len(d.next.Tail)) > d.before.Base+int64(len(d.before.Tail))
}

// since is the lesson before the write in doubt, if there was one: what has to
// be carried out is everything decided since.
func (d doubt) since(l lesson.Lesson) lesson.Lesson {
	if d.any {
		return d.before
	}
	return l
}

// again takes in what a failed commit says, and reports whether to decide
// again: after a lost race, and after a write whose outcome is not known.
func (s *Service) again(session string, err error) bool {
	var lost *room.Conflict
	switch {
	case errors.As(err, &lost) && lost.Winner != nil:
		s.lessons.put(session, *lost.Winner)
		return true
	case errors.As(err, &lost), errors.Is(err, room.ErrUnavailable):
		s.lessons.drop(session)
		return true
	}
	s.lessons.drop(session)
	return false
}

// applied reports whether the attempted write, whose answer was lost, is in the
// lesson: the log is append-only, so its last line stands at its place.
func applied(l, attempt lesson.Lesson) bool {
	n := len(attempt.Tail)
	if n == 0 || l.Session != attempt.Session {
		return false
	}
	place := attempt.Base + int64(n) - 1 - l.Base
	return place >= 0 && place < int64(len(l.Tail)) && l.Tail[place] == attempt.Tail[n-1] &&
		l.Revision+l.Added > attempt.Revision+attempt.Added
}

// known gives the lesson as this process knows it, or loads it, with the
// records that are wanted.
func (s *Service) known(ctx context.Context, session string, wants func(*lesson.Lesson) []string) (lesson.Lesson, []lesson.Record, error) {
	l, ok := s.lessons.get(session)
	if !ok {
		var err error
		if l, _, err = s.load(ctx, session); err != nil {
			return l, nil, err
		}
	}
	if wants == nil {
		return l, nil, nil
	}
	ids := wants(&l)
	if len(ids) == 0 {
		return l, nil, nil
	}
	l, records, err := s.load(ctx, session, ids...)
	if err != nil {
		return l, nil, err
	}
	if more := lesson.Holders(records); len(more) > 0 {
		l, records, err = s.load(ctx, session, append(ids, more...)...)
	}
	return l, records, err
}

func (s *Service) load(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	l, rs, err := s.store.Lesson(ctx, session, records...)
	if err == nil {
		s.lessons.put(session, l)
	}
	return l, rs, err
}

// commit stores the decision: as an arrival that needs no look at the others,
// or in place of the revision that was loaded.
func (s *Service) commit(ctx context.Context, before, next lesson.Lesson, add string) (lesson.Lesson, error) {
	if add != "" {
		if a, ok := lesson.Additive(before, next, add); ok {
			return s.store.Add(ctx, a)
		}
	}
	return s.store.Swap(ctx, next)
}

// placeAlarm has the deadline's alarm placed before the commit that sets it: a
// stray alarm is harmless, a missing one is not. Where placing fails, the sweep
// finds the lesson by its Due.
func (s *Service) placeAlarm(ctx context.Context, before, next lesson.Lesson) {
	d := next.Deadline()
	if next.Status != journal.Running || d == 0 || d == before.Deadline() && before.Status == journal.Running {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timerPatience)
	defer cancel()
	if err := s.timer.Wake(ctx, next.Session, d); err != nil {
		s.set.Log.Error("the deadline's alarm could not be placed; the sweep will find the lesson", "session", next.Session, "error", err)
	}
}
