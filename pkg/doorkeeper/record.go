package doorkeeper

import (
	"context"
	"errors"

	"usher/pkg/attendance"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Attendance gives the record of a lesson: of the room's present session, or of another
// one of the room. Before the first session it is empty.
func (s *Service) Attendance(ctx context.Context, name, session string) (attendance.Record, error) {
	_, l, err := s.lessonOf(ctx, name, session)
	if err != nil || l == nil {
		return attendance.Record{Room: name}, err
	}
	return s.AttendanceOf(ctx, *l)
}

// AttendanceOf gives the record of the lesson: the lesson was loaded first, so whoever left
// its item is found among the records. Of these it holds a page at a time.
func (s *Service) AttendanceOf(ctx context.Context, l lesson.Lesson) (attendance.Record, error) {
	book := attendance.Open(l, s.set.Now())
	for after, more := "", l.Shed > 0; more; {
		page, err := s.store.Records(ctx, l.Session, after, maxPage)
		if err != nil {
			return attendance.Record{}, err
		}
		for _, r := range page {
			book.Add(r)
		}
		if more = len(page) == maxPage; more {
			after = lesson.PastKind(page[len(page)-1].ID)
		}
	}
	return book.Close(), nil
}

// Chronicle is what a lesson's picture is drawn from: its record, and from its log the
// streams, the refusals and the warnings, which stand nowhere else for good.
type Chronicle struct {
	Record attendance.Record
	Log    []journal.Line // from the first line on
	Cut    bool           // the log goes on
}

// MostLines is how many lines of a log a Chronicle has, read in pages of a thousand: those
// of two hundred people who come and go ten times. Of a hall that is more, they are the
// first.
const MostLines = 10_000

// Chronicle gives that of a lesson, which is named as for Attendance.
func (s *Service) Chronicle(ctx context.Context, name, session string) (Chronicle, error) {
	_, l, err := s.lessonOf(ctx, name, session)
	if err != nil || l == nil {
		return Chronicle{Record: attendance.Record{Room: name, At: s.set.Now()}}, err
	}
	c := Chronicle{}
	if c.Record, err = s.AttendanceOf(ctx, *l); err != nil {
		return c, err
	}
	all := l.Base + int64(len(l.Tail))
	for n := int64(0); n < all && n < MostLines; n = c.Log[len(c.Log)-1].Seq {
		lines, err := s.Lines(ctx, *l, n, maxPage)
		if err != nil || len(lines) == 0 {
			return c, err
		}
		c.Log = append(c.Log, lines...)
	}
	c.Cut = int64(len(c.Log)) < all
	return c, nil
}

// LessonPage is a page of a room's lessons, the newest first; Next is what to pass as
// after.
type LessonPage struct {
	Lessons []lesson.Lesson
	Next    room.Opening
}

// LessonsOf lists the room's lessons, the newest first, from after (exclusive; zero: all).
func (s *Service) LessonsOf(ctx context.Context, name string, after room.Opening, limit int) (LessonPage, error) {
	page := LessonPage{Next: after}
	r, err := s.store.Room(ctx, name)
	if err != nil {
		return page, room.Missing(name, err)
	}
	for more := true; more && len(page.Lessons) < limit; {
		missing := limit - len(page.Lessons)
		openings, err := s.store.LessonsOf(ctx, name, r.Created, page.Next, missing)
		if err != nil || len(openings) == 0 {
			return page, err
		}
		some, err := s.opened(ctx, openings)
		if err != nil {
			return page, err
		}
		page.Lessons = append(page.Lessons, some...)
		page.Next, more = openings[len(openings)-1], len(openings) == missing
	}
	return page, nil
}

// opened loads the lessons that are still kept.
func (s *Service) opened(ctx context.Context, openings []room.Opening) ([]lesson.Lesson, error) {
	sessions := make([]string, len(openings))
	for i, o := range openings {
		sessions[i] = o.Session
	}
	known, err := s.store.Lessons(ctx, sessions)
	if err != nil {
		return nil, err
	}
	var lessons []lesson.Lesson
	for _, session := range sessions {
		l, found := known[session]
		if !found { // the list of lessons may be a moment old
			if l, _, err = s.load(ctx, session); errors.Is(err, room.ErrNoLesson) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		lessons = append(lessons, l)
	}
	return lessons, nil
}
