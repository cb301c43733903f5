package bolt

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// own gives a copy of l that shares nothing with it. Lessons that callers hand in
// and get back are theirs; those in the cache and the transactions are never
// changed, only replaced.
func own(l lesson.Lesson) lesson.Lesson {
	l.Rules = slices.Clone(l.Rules)
	l.Tail = slices.Clone(l.Tail)
	l.Promises = maps.Clone(l.Promises)
	l.Seen = maps.Clone(l.Seen)
	l.Refusals = maps.Clone(l.Refusals)
	l.BansToKeep = maps.Clone(l.BansToKeep)
	l.OutsideByRole = maps.Clone(l.OutsideByRole)
	l.Stays = maps.Clone(l.Stays)
	l.Conns = maps.Clone(l.Conns)
	for id, c := range l.Conns {
		if c.Streams != nil {
			l.Conns[id] = ownConn(c)
		}
	}
	return l
}

// lessonFields are the fields of a lesson that are stored.
var lessonFields = func() (fields []int) {
	lesson := reflect.TypeFor[lesson.Lesson]()
	for i := range lesson.NumField() {
		if lesson.Field(i).IsExported() {
			fields = append(fields, i)
		}
	}
	return fields
}()

// plain gives l without the notes that the rules make in it for themselves, so
// that a lesson from memory is the same as one from the file.
func plain(l lesson.Lesson) lesson.Lesson {
	var stored lesson.Lesson
	from, to := reflect.ValueOf(&l).Elem(), reflect.ValueOf(&stored).Elem()
	for _, i := range lessonFields {
		to.Field(i).Set(from.Field(i))
	}
	return stored
}

func ownConn(c lesson.Conn) lesson.Conn {
	c.Streams = maps.Clone(c.Streams)
	return c
}

// change runs a write on the named lesson and gives the lesson as it stored it.
func (s *Store) change(ctx context.Context, session string, apply func(*batch, *staged) error) (lesson.Lesson, error) {
	var stored lesson.Lesson
	err := s.write(ctx, func(b *batch) error {
		st, err := b.lesson(session)
		if err != nil {
			return err
		}
		if err := apply(b, st); err != nil {
			return err
		}
		stored = st.now
		return nil
	})
	var c *room.Conflict
	if errors.As(err, &c) && c.Winner != nil {
		winner := own(*c.Winner)
		return lesson.Lesson{}, &room.Conflict{Winner: &winner}
	}
	if err != nil {
		return lesson.Lesson{}, err
	}
	return own(stored), nil
}
