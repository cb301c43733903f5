package doorkeeper

import (
	"context"
	"errors"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Ban keeps a user out of the room; every connection of the user goes. It gives the ban
// as it is from now on.
func (s *Service) Ban(ctx context.Context, name string, b lesson.Ban) (lesson.Ban, error) {
	b.At = s.set.Now()
	_, err := s.change(ctx, name, room.Ban{Ban: b})
	return b, err
}

// LiftBan lets a user in again. It is nil too where the user was not banned.
func (s *Service) LiftBan(ctx context.Context, name, user, actor string) error {
	_, err := s.change(ctx, name, room.LiftBan{User: user, Actor: actor})
	return err
}

// BanPage is a page of the bans in force, by user; Next is what to pass as after.
type BanPage struct {
	Bans []lesson.Ban
	Next string
}

// Bans lists the room's bans that are in force.
func (s *Service) Bans(ctx context.Context, name, after string, limit int) (BanPage, error) {
	page := BanPage{Next: after}
	r, err := s.store.Room(ctx, name)
	if err != nil {
		return page, room.Missing(name, err)
	}
	for len(page.Bans) < limit {
		some, err := s.store.Bans(ctx, name, page.Next, limit)
		if err != nil || len(some) == 0 {
			return page, err
		}
		for _, b := range some {
			if len(page.Bans) == limit {
				break
			}
			page.Next = b.User
			if b.Holds(s.set.Now()) && b.OfRoom(r.Created) {
				page.Bans = append(page.Bans, b)
			}
		}
	}
	return page, nil
}

// keepBans puts bans that the lesson decided into the list of its room, so that they hold
// in the lessons to come, and in another one that has begun meanwhile. Where the room is
// gone, so are its bans.
func (s *Service) keepBans(ctx context.Context, l lesson.Lesson, bans []lesson.Ban) error {
	for _, b := range bans {
		d, err := s.commitChange(ctx, l.Room, room.Ban{Ban: b, ByLesson: true, Session: l.Session, Created: l.RoomCreated})
		switch {
		case errors.Is(err, room.ErrKept):
			s.lessons.Remove(l.Session)
			continue
		case err == nil && d.Room.Session == l.Session:
			s.askToTell(ctx, l.Session, d.Decided.Effects)
			continue // the lesson heard of it in the same commit
		case err == nil && d.Swap != nil:
			s.finish(ctx, d.Decided)
		case err != nil && !errors.Is(err, room.ErrNoRoom):
			return err
		}
		kept, err := s.decide(ctx, l.Session, ask(lesson.BanKept{Ban: b}))
		if err != nil {
			return err
		}
		s.askToTell(ctx, l.Session, kept.Effects)
	}
	return nil
}
