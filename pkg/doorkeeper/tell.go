package doorkeeper

import (
	"context"
	"errors"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/metric"
	"usher/pkg/room"
)

// Telling is how the owner's backend is told what the logs say. The zero Telling tells
// nobody.
type Telling struct {
	// Begin: lessons that begin now are told.
	Begin bool
	// Ask asks for Service.Tell(session) at that moment, apart from the wakes, so
	// that a backend that is slow holds up none of them. It may be lost, come twice,
	// early or late. Nil: nobody is asked.
	Ask func(ctx context.Context, session string, at epoch.Instant) error
	// Backend is told; nil in a process that tells nobody.
	Backend room.Backend
}

const (
	// tellerPatience is how long a run of telling waits for another one, tellPatience
	// bounds it, and after tellEnough no further line of it is begun.
	tellerPatience = 5 * time.Second
	tellPatience   = 20 * time.Second
	tellEnough     = 12 * time.Second
	// tellPage is how many lines are told before the cursor moves.
	tellPage = 100
	// cursorPause is the first wait for other writers, once they were too many.
	cursorPause = 50 * time.Millisecond
	// tellEarly is how much too early a retry may be asked for.
	tellEarly = time.Second
)

// askToTell asks for somebody to tell the backend, where a decision wants that.
func (s *Service) askToTell(ctx context.Context, session string, e lesson.Effects) {
	if e.Tell {
		s.askToTellAt(ctx, session, s.set.Now())
	}
}

func (s *Service) askToTellAt(ctx context.Context, session string, at epoch.Instant) {
	if s.set.Telling.Ask == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timerPatience)
	defer cancel()
	if err := s.set.Telling.Ask(ctx, session, at); err != nil {
		s.set.Log.ErrorContext(ctx, "nobody could be asked to tell the backend; the sweep will", "session", session, "error", err)
	}
}

// Tell tells the backend what the lesson's log says and it has not been told, line by
// line in their order, and asks for the rest. The cursor moves after the lines were
// taken: who dies in between tells some of them twice, under the same ids.
func (s *Service) Tell(ctx context.Context, session string) error {
	unlock, err := s.teller(ctx, session)
	if err != nil {
		return err
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(ctx, tellPatience)
	defer cancel()
	s.lessons.Remove(session)
	l, _, err := s.known(ctx, session, nil)
	for enough := s.set.Now().Add(tellEnough); err == nil && s.mayTell(l); {
		if s.set.Telling.Backend == nil {
			_, err = s.decide(ctx, session, ask(lesson.TellNobody{}))
			return err
		}
		if s.set.Now() >= enough {
			s.askToTellAt(ctx, session, s.set.Now())
			return nil
		}
		l, err = s.tellPage(ctx, l, enough)
	}
	if errors.Is(err, room.ErrNoLesson) {
		return nil
	}
	return err
}

// teller waits until nobody else in this process tells of the lesson.
func (s *Service) teller(ctx context.Context, session string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, tellerPatience)
	defer cancel()
	return s.tellers.lock(ctx, session)
}

// mayTell reports whether there is something to tell now. A try that has to wait has
// been asked for.
func (s *Service) mayTell(l lesson.Lesson) bool {
	return l.Untold() != 0 && (l.Tell.Tries == 0 || l.Tell.AskedAt <= s.set.Now().Add(tellEarly))
}

// tellPage tells the next lines, moves the cursor, and gives the lesson as it is then.
func (s *Service) tellPage(ctx context.Context, l lesson.Lesson, enough epoch.Instant) (lesson.Lesson, error) {
	lines, err := s.Lines(ctx, l, l.Untold()-1, tellPage)
	if err != nil {
		return l, err
	}
	told := s.tellLines(ctx, l, lines, enough)
	d, err := s.moveCursor(ctx, l.Session, told)
	if err != nil {
		return l, err
	}
	if lost := d.Effects.Untold; lost.Through != 0 {
		s.set.Metrics.Record(metric.Undelivered, metric.ToBackend, lost.Through-lost.From+1)
		s.set.Log.ErrorContext(ctx, "lines of a log could not be told to the backend within a day and are given up; they stand in the log",
			"alarm", "untold", "session", l.Session, "from", lost.From, "through", lost.Through)
	}
	if d.Lesson.Tell != nil && d.Lesson.Tell.Tries > 0 {
		s.askToTellAt(ctx, l.Session, d.Lesson.Tell.AskedAt)
	}
	return d.Lesson, nil
}

// moveCursor notes what came of telling. Where many write at once it takes its time:
// lines whose cursor does not move are told twice.
func (s *Service) moveCursor(ctx context.Context, session string, told lesson.Told) (lesson.Decision, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatience)
	defer cancel()
	for pause := cursorPause; ; pause *= 2 {
		d, err := s.decide(ctx, session, ask(told))
		if !errors.Is(err, errContended) || s.set.Rest(ctx, s.set.Now().Add(pause)) != nil {
			return d, err
		}
	}
}

// tellLines tells the lines until one is not taken, or it is enough.
func (s *Service) tellLines(ctx context.Context, l lesson.Lesson, lines []journal.Line, enough epoch.Instant) lesson.Told {
	told := lesson.Told{Through: l.Untold() - 1} // nobody is told the lines before
	for i, line := range lines {
		if line.Told() != "" {
			if s.set.Now() >= enough {
				return told
			}
			if err := s.tellLine(ctx, l, line); err != nil {
				s.set.Log.WarnContext(ctx, "the backend did not take a line, and will be told again", "session", l.Session, "seq", line.Seq, "error", err)
				told.Missed = lines[i:]
				return told
			}
		}
		told.Through = line.Seq
	}
	return told
}

func (s *Service) tellLine(ctx context.Context, l lesson.Lesson, line journal.Line) error {
	n := room.Notice{Room: l.Room, Session: l.Session, Line: line}
	if line.Told() == journal.LessonEnded {
		record, err := s.AttendanceOf(ctx, l)
		if err != nil {
			return err
		}
		n.Attendance = &record
	}
	return s.set.Telling.Backend.Tell(ctx, n)
}
