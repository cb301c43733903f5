package doorkeeper

import (
	"context"
	"errors"
	"strings"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// demoRest is how long a finished demo room stays finished.
const demoRest = 10 * time.Second

// ErrTicketOnly says that the room is no demo: it lets nobody in without a
// ticket.
var ErrTicketOnly = errors.New("the room lets nobody in without a ticket")

// Visit gives credentials to a visitor of a demo room; another room is
// ErrTicketOnly. The visitor is the name that the last visit gave, "" on the first
// one; the answer gives its name from now on. It names the same person until its
// connection has come.
func (s *Service) Visit(ctx context.Context, name, visitor string) (Admission, string, error) {
	_, l, over, err := s.demo(ctx, name)
	if err != nil {
		return Admission{}, "", err
	}
	if over == rested {
		if _, err := s.Reopen(ctx, name, "demo"); err != nil && !isCode(err, problem.NotEnded) {
			return Admission{}, "", err
		}
		l = nil
	}
	if !s.expected(l, visitor) {
		visitor = guest + s.set.NewID()
	}
	c, err := s.Join(ctx, name, Applicant{User: visitor})
	return c, visitor, err
}

// Glance gives the refusal that a Visit would get, by the state that is known, and
// changes nothing: no promise, no session, no question to the platform.
func (s *Service) Glance(ctx context.Context, name, visitor string) error {
	r, l, over, err := s.demo(ctx, name)
	now := s.set.Now()
	switch {
	case err != nil:
		return err
	case over == resting:
		return lesson.Over()
	case now < r.Policy.OpensAt():
		return lesson.TooEarly(r.Policy.OpensAt(), now)
	case over == notOver && s.expected(l, visitor):
		return nil
	case !r.Policy.Admits(guest):
		return lesson.NotOnList()
	case over == notOver && l != nil && l.Full(now):
		return &problem.Details{Code: problem.RoomFull, Detail: "All seats of the room are taken."}
	}
	return nil
}

// ending is how long a demo room has been over.
type ending int

const (
	notOver ending = iota
	resting        // for less than demoRest, or its time is over
	rested         // it opens again for the next visit
)

// demo loads a demo room; another room is ErrTicketOnly. The lesson is nil
// before the first one.
func (s *Service) demo(ctx context.Context, name string) (room.Room, *lesson.Lesson, ending, error) {
	r, l, err := s.loadRoom(ctx, name)
	if err != nil {
		return r, nil, notOver, room.Missing(name, err)
	}
	if !r.Policy.Demo() || !s.set.AllowDemo {
		return r, nil, notOver, ErrTicketOnly
	}
	over := r.Closed
	if l != nil && l.Status == journal.Ended {
		over = l.EndedAt
	}
	now := s.set.Now()
	switch {
	case r.ClosedBy(now) || over != 0 && now < over.Add(demoRest):
		return r, l, resting, nil
	case over == 0:
		return r, l, notOver, nil
	}
	return r, l, rested, nil
}

// guest begins the user of a visitor of a demo room.
const guest = "guest-"

// expected reports whether the visitor holds a promise that was not used.
func (s *Service) expected(l *lesson.Lesson, visitor string) bool {
	if l == nil || !strings.HasPrefix(visitor, guest) {
		return false
	}
	_, ok := l.Current(visitor, "")
	return ok
}
