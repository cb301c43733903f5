package doorkeeper

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// Applicant is somebody with a ticket, as the ticket says.
type Applicant struct {
	User, Role string
	// Data is a JSON value that goes with its connection, for the other clients to
	// read; nil: none. With the id of the promise beside it, it is within what the
	// platform takes (Platform.Credentials).
	Data json.RawMessage
}

// Join lets in a user with a ticket, and holds a seat for it.
func (s *Service) Join(ctx context.Context, name string, who Applicant) (Admission, error) {
	session, err := s.sessionOf(ctx, name, who.User)
	if err != nil {
		return Admission{}, err
	}
	c, err := s.admit(ctx, session, who)
	if !isCode(err, problem.LessonOver) {
		return c, err
	}
	// Another process may have reopened the room with a fresh session.
	s.rooms.Remove(name)
	fresh, again := s.sessionOf(ctx, name, who.User)
	if again != nil {
		return c, again
	}
	if fresh == session {
		return c, err
	}
	return s.admit(ctx, fresh, who)
}

// sessionOf gives the session that the room uses now, and makes one for a room
// that has none, where the user may come in. The process remembers it: a room leaves a session only when
// that lesson has ended.
func (s *Service) sessionOf(ctx context.Context, name, user string) (string, error) {
	if session, ok := s.rooms.Get(name); ok && session != "" {
		if l, _, err := s.known(ctx, session, nil); err == nil && l.Status != journal.Ended {
			return session, nil
		}
	}
	r, l, err := s.loadRoom(ctx, name)
	switch {
	case err != nil:
		return "", room.Missing(name, err)
	case r.Session == "" && r.Over(s.set.Now()), r.Session != "" && l == nil:
		return "", lesson.Over()
	case r.Session == "":
		return s.open(ctx, name, user)
	}
	s.rooms.Add(name, r.Session)
	return r.Session, nil
}

// open makes the room's first session, unless somebody else did.
func (s *Service) open(ctx context.Context, name, user string) (session string, err error) {
	d, err := s.change(ctx, name, room.Open{User: user})
	if errors.Is(err, room.ErrHasSession) {
		r, _, err := s.loadRoom(ctx, name)
		return r.Session, room.Missing(name, err)
	}
	return d.Room.Session, err
}

func (s *Service) createSession(ctx context.Context, archived bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	session, err := s.platform.CreateSession(ctx, archived)
	if err != nil {
		return "", platformAway(err)
	}
	return session, nil
}

func platformAway(cause error) *problem.Details {
	return &problem.Details{
		Code: problem.PlatformUnavailable, Detail: "Vonage did not answer as it should; nothing was changed. Try again soon.",
		RetryAfter: 2 * time.Second, Cause: cause,
	}
}

// admit decides the user's request, reading the list first where that is what
// a refusal has to rest on.
func (s *Service) admit(ctx context.Context, session string, who Applicant) (Admission, error) {
	request := lesson.Join{User: who.User, Role: who.Role, ID: s.set.NewID(), Since: s.set.Now()}
	l, err := s.grant(ctx, session, request)
	for errors.Is(err, lesson.ErrReadFirst) {
		if request.Looked, err = s.lookFor(ctx, session, request.Since); err != nil {
			return Admission{}, err
		}
		l, err = s.grant(ctx, session, request)
	}
	if err != nil {
		return Admission{}, err
	}
	p, ok := l.Current(who.User, who.Role)
	if !ok {
		return Admission{}, lesson.Over() // it ended as the promise was given
	}
	return s.admission(l, p, who.Data)
}

// grant decides a request for credentials that expire a token's life from now. An
// answer that is not written rests on no condition of the store: the lesson is
// looked at before it is given.
func (s *Service) grant(ctx context.Context, session string, a lesson.Join) (lesson.Lesson, error) {
	a.Expires = s.set.Now().Add(s.set.TokenLife)
	d, err := s.decideJoin(ctx, session, a)
	if err == nil && d.Write == lesson.Nothing && d.Verdict == nil {
		s.lessons.Remove(session)
		d, err = s.decideJoin(ctx, session, a)
	}
	if errors.Is(err, room.ErrNoLesson) {
		return d.Lesson, lesson.Over()
	}
	if err != nil {
		return d.Lesson, err
	}
	s.finish(ctx, d)
	return d.Lesson, d.Verdict
}

func (s *Service) decideJoin(ctx context.Context, session string, a lesson.Join) (lesson.Decision, error) {
	return s.decide(ctx, session, question{
		wants: func(l *lesson.Lesson) []string {
			ids := l.BansFor(a.User)
			if a.Looked != nil {
				ids = append(ids, a.Looked.BansFor(l)...)
			}
			if l.PresentOutside > 0 {
				ids = append(ids, lesson.HolderKey(a.User))
			}
			return ids
		},
		input: func(records []lesson.Record) lesson.Input {
			a.Records = records
			return a
		},
	})
}

const (
	// glance is how often a request looks whether another's reading serves it.
	glance = 50 * time.Millisecond
	// forgetEvery is after how many glances the store is asked, not the memory of
	// this process, where most readers are.
	forgetEvery = 4
	// lookPatience is how long a request waits for a look at the list.
	lookPatience = 8 * time.Second
)

// lookFor reads the list for a request made at that moment, or waits for the
// reading that is under way. It gives nothing where another reading, begun since
// or within the last second, serves the request.
func (s *Service) lookFor(ctx context.Context, session string, since epoch.Instant) (*lesson.Reconcile, error) {
	for tries := 1; ; tries++ {
		claimed, err := s.claim(ctx, session)
		if err != nil {
			return nil, err
		}
		if claimed.Verdict != nil {
			l, now := claimed.Lesson, s.set.Now()
			switch {
			case l.ListRefusedUntil > now:
				return nil, platformAway(nil)
			case l.ReconciledAt > since || l.ReconciledAt >= l.ReadAt:
				return nil, nil
			}
			if err := s.set.Rest(ctx, now.Add(glance)); err != nil || now > since.Add(lookPatience) {
				return nil, platformAway(err)
			}
			if tries%forgetEvery == 0 {
				s.lessons.Remove(session) // another process may have read
			}
			continue
		}
		reading, err := s.read(ctx, claimed.Lesson)
		if err != nil {
			s.noteUnread(ctx, session, err)
			return nil, platformAway(err)
		}
		return &reading, nil
	}
}

// rest waits for that long by the real clock.
func rest(ctx context.Context, d time.Duration) error {
	rested, stop := context.WithTimeout(ctx, max(d, time.Millisecond))
	defer stop()
	<-rested.Done()
	return ctx.Err()
}

func isCode(err error, code problem.Code) bool {
	var p *problem.Details
	return errors.As(err, &p) && p.Code == code
}
