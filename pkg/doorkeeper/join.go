package doorkeeper

import (
	"context"
	"errors"
	"strings"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// Join lets in a user with a ticket, and holds a seat for it.
func (s *Service) Join(ctx context.Context, name, user, role string) (Admission, error) {
	session, err := s.sessionOf(ctx, name)
	if err != nil {
		return Admission{}, err
	}
	c, err := s.admit(ctx, session, user, role)
	if !isCode(err, problem.LessonOver) {
		return c, err
	}
	// Another process may have reopened the room with a fresh session.
	s.rooms.Remove(name)
	fresh, again := s.sessionOf(ctx, name)
	if again != nil {
		return c, again
	}
	if fresh == session {
		return c, err
	}
	return s.admit(ctx, fresh, user, role)
}

// sessionOf gives the session that the room uses now, and makes one for a room
// that has none. The process remembers it: a room leaves a session only when
// that lesson has ended.
func (s *Service) sessionOf(ctx context.Context, name string) (string, error) {
	if session, ok := s.rooms.Get(name); ok && session != "" {
		if l, _, err := s.known(ctx, session, nil); err == nil && l.Status != journal.Ended {
			return session, nil
		}
	}
	r, l, err := s.loadRoom(ctx, name)
	switch {
	case err != nil:
		return "", noRoom(name, err)
	case r.Session == "" && r.Closed != 0, r.Session != "" && l == nil:
		return "", lessonOver()
	case r.Session == "":
		return s.open(ctx, name)
	}
	s.rooms.Add(name, r.Session)
	return r.Session, nil
}

func lessonOver() *problem.Details {
	return &problem.Details{Code: problem.LessonOver, Detail: "The lesson is over. Ask its organiser for a new one."}
}

// open makes the room's first session.
func (s *Service) open(ctx context.Context, name string) (session string, err error) {
	fresh := ""
	err = s.commitRoom(ctx, name, func(r room.Room, l *lesson.Lesson) (room.Decision, error) {
		if r.Revision == 0 {
			return room.Decision{}, noRoom(name, room.ErrNoRoom)
		}
		if r.Closed != 0 {
			return room.Decision{}, lessonOver()
		}
		if session = r.Session; session != "" {
			return room.Decision{}, errHasSession
		}
		if fresh == "" {
			if fresh, err = s.createSession(ctx, r.Policy.Archive()); err != nil {
				return room.Decision{}, err
			}
		}
		session = fresh
		c := room.Decision{Change: room.Change{Room: r}}
		started := c.Begin(session, true, journal.FromJoin, "", s.set.Now())
		c.Start = &started
		return c, nil
	})
	if errors.Is(err, errHasSession) {
		err = nil
	}
	return session, err
}

// errHasSession says that somebody else opened the room first.
var errHasSession = errors.New("the room has a session")

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
func (s *Service) admit(ctx context.Context, session, user, role string) (Admission, error) {
	request := lesson.Join{User: user, Role: role, ID: s.set.NewID(), Since: s.set.Now()}
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
	p, ok := l.Current(user)
	if !ok {
		return Admission{}, lessonOver() // it ended as the promise was given
	}
	return s.admission(l, p)
}

// grant decides a request for credentials that expire a token's life from now.
func (s *Service) grant(ctx context.Context, session string, a lesson.Join) (lesson.Lesson, error) {
	a.Expires = s.set.Now().Add(s.set.TokenLife)
	d, err := s.decide(ctx, session, question{
		wants: func(l *lesson.Lesson) []string {
			if l.PresentOutside == 0 {
				return nil
			}
			return []string{lesson.HolderKey(a.User)}
		},
		input: func(records []lesson.Record) lesson.Input {
			a.Records = records
			return a
		},
	})
	if errors.Is(err, room.ErrNoLesson) {
		return d.Lesson, lessonOver()
	}
	if err != nil {
		return d.Lesson, err
	}
	s.finish(ctx, d)
	return d.Lesson, d.Verdict
}

const (
	// glance is how often a request looks whether another's reading serves it.
	glance = 50 * time.Millisecond
	// lookPatience is how long a request waits for a look at the list.
	lookPatience = 8 * time.Second
)

// lookFor reads the list for a request made at that moment, or waits for the
// reading that is under way. It gives nothing where another reading, begun since
// or within the last second, serves the request.
func (s *Service) lookFor(ctx context.Context, session string, since epoch.Instant) (*lesson.Reconcile, error) {
	for {
		claimed, err := s.claim(ctx, session)
		if err != nil {
			return nil, err
		}
		if claimed.Verdict != nil {
			if l := claimed.Lesson; l.ReconciledAt > since || l.ReconciledAt >= l.ReadAt {
				return nil, nil
			}
			now := s.set.Now()
			if err := s.set.Rest(ctx, now.Add(glance)); err != nil || now > since.Add(lookPatience) {
				return nil, platformAway(err)
			}
			s.lessons.Remove(session) // another process may have read
			continue
		}
		reading, err := s.read(ctx, claimed.Lesson)
		if err != nil {
			return nil, platformAway(err)
		}
		return &reading, nil
	}
}

// rest waits for that long by the real clock.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// demoRest is how long a finished demo room stays finished.
const demoRest = 10 * time.Second

// ErrTicketOnly says that the room is no demo: it lets nobody in without a
// ticket.
var ErrTicketOnly = errors.New("the room lets nobody in without a ticket")

// Visit lets in whoever visits a demo room; another room is
// ErrTicketOnly. The visitor is what the last visit said, "" on the first one;
// the answer says what it is from now on. It names the same person until its
// connection has come.
func (s *Service) Visit(ctx context.Context, name, visitor string) (Admission, string, error) {
	r, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return Admission{}, "", noRoom(name, err)
	}
	if !r.Policy.Demo() || !s.set.AllowDemo {
		return Admission{}, "", ErrTicketOnly
	}
	over := r.Closed
	if l != nil && l.Status == journal.Ended {
		over = l.EndedAt
	}
	if over != 0 && s.set.Now() >= over.Add(demoRest) {
		if _, err := s.Reopen(ctx, name, "demo"); err != nil && !isCode(err, problem.NotEnded) {
			return Admission{}, "", err
		}
		l = nil
	}
	if !s.expected(l, visitor) {
		visitor = guest + s.set.NewID()
	}
	c, err := s.Join(ctx, name, visitor, "")
	return c, visitor, err
}

// guest begins the user of somebody who visits a demo room.
const guest = "guest-"

// expected reports whether the visitor holds a promise that was not used.
func (s *Service) expected(l *lesson.Lesson, visitor string) bool {
	if l == nil || !strings.HasPrefix(visitor, guest) {
		return false
	}
	_, ok := l.Current(visitor)
	return ok
}

func isCode(err error, code problem.Code) bool {
	var p *problem.Details
	return errors.As(err, &p) && p.Code == code
}
