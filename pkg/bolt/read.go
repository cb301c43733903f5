package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// view runs read on the committed state.
func (s *Store) view(ctx context.Context, read func(*bbolt.Tx) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	tx, err := s.db.Begin(false)
	if err != nil {
		return unavailable(err)
	}
	defer tx.Rollback()
	return read(tx)
}

// Lesson implements room.Store. The records are read after the lesson: a record
// that was shed in between is found, at worst beside its old place.
func (s *Store) Lesson(ctx context.Context, session string, ids ...string) (lesson.Lesson, []lesson.Record, error) {
	found, err := s.find(ctx, []string{session}, func(error) bool { return false })
	if err != nil {
		return lesson.Lesson{}, nil, err
	}
	l, ok := found[session]
	if !ok {
		return lesson.Lesson{}, nil, room.ErrNoLesson
	}
	if len(ids) == 0 {
		return l, nil, nil
	}
	records, err := s.recordsByID(ctx, session, ids)
	return l, records, err
}

func (s *Store) recordsByID(ctx context.Context, session string, ids []string) ([]lesson.Record, error) {
	var records []lesson.Record
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		asked := map[string]bool{}
		for _, id := range ids {
			if asked[id] {
				continue
			}
			asked[id] = true
			value := tx.Bucket(recordBucket).Get(recordKey(session, id))
			if value == nil {
				continue
			}
			r, err := decodeRecord(session, value)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return nil
	})
	return records, err
}

// Lessons implements room.Store; it is never old here.
func (s *Store) Lessons(ctx context.Context, sessions []string) (map[string]lesson.Lesson, error) {
	return s.find(ctx, sessions, newer)
}

// find loads lessons, those too of which an error shows that they may be shown.
func (s *Store) find(ctx context.Context, sessions []string, shown func(error) bool) (map[string]lesson.Lesson, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	found := make(map[string]lesson.Lesson, len(sessions))
	missing := map[string]uint64{}
	for _, session := range sessions {
		if e, commits := s.cache.get(session); e != nil {
			found[session] = own(e.lesson)
		} else {
			missing[session] = commits
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		for session, commits := range missing {
			value := tx.Bucket(lessonBucket).Get([]byte(session))
			if value == nil {
				continue
			}
			e, err := decodeLesson(value)
			if err != nil && !shown(err) {
				return fmt.Errorf("lesson %q cannot be read: %w", session, err)
			}
			if err == nil {
				s.cache.fill(e, commits)
			}
			found[session] = own(e.lesson)
		}
		return nil
	})
	return found, err
}

// Room implements room.Store.
func (s *Store) Room(ctx context.Context, name string) (room.Room, error) {
	var r room.Room
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		value := tx.Bucket(roomBucket).Get([]byte(name))
		if value == nil {
			return room.ErrNoRoom
		}
		return decodeRoom(value, &r)
	})
	return r, err
}

// Rooms implements room.Store.
func (s *Store) Rooms(ctx context.Context, after string, limit int) ([]room.Room, error) {
	var rooms []room.Room
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		return scan(tx.Bucket(roomBucket), nil, []byte(after), limit, func(_, value []byte) error {
			var r room.Room
			err := decodeRoom(value, &r)
			rooms = append(rooms, r)
			if newer(err) {
				return nil
			}
			return err
		})
	})
	return rooms, err
}

// LessonsOf implements room.Store.
func (s *Store) LessonsOf(ctx context.Context, name string, created epoch.Instant, after room.Opening, limit int) ([]room.Opening, error) {
	var openings []room.Opening
	prefix := openingsOf(name, created)
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(openBucket).Cursor()
		end := openingsOf(name, created+1)
		if after != (room.Opening{}) {
			end = openingKey(name, created, after)
		}
		for key := before(c, end); len(openings) < limit && hasPrefix(key, prefix); key, _ = c.Prev() {
			openings = append(openings, openingIn(key[len(prefix):]))
		}
		return nil
	})
	return openings, err
}

// before moves the cursor to the last key before end, and gives it; nil where there is
// none.
func before(c *bbolt.Cursor, end []byte) []byte {
	if key, _ := c.Seek(end); key == nil {
		key, _ = c.Last()
		return key
	}
	key, _ := c.Prev()
	return key
}

// Lines implements room.Store.
func (s *Store) Lines(ctx context.Context, session string, after int64, limit int) ([]journal.Line, error) {
	var lines []journal.Line
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		from := lineKey(session, max(0, after))
		return scan(tx.Bucket(lineBucket), within(session), from, limit, func(key, value []byte) error {
			line := journal.Line{Seq: seqOf(key)}
			if err := json.Unmarshal(value, &line); err != nil {
				return fmt.Errorf("line %d of lesson %q cannot be read: %w", line.Seq, session, err)
			}
			lines = append(lines, line)
			return nil
		})
	})
	return lines, err
}

// Records implements room.Store.
func (s *Store) Records(ctx context.Context, session, after string, limit int) ([]lesson.Record, error) {
	var records []lesson.Record
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		from := recordKey(session, after)
		return scan(tx.Bucket(recordBucket), within(session), from, limit, func(_, value []byte) error {
			r, err := decodeRecord(session, value)
			records = append(records, r)
			return err
		})
	})
	return records, err
}

// Due implements room.Store.
func (s *Store) Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error) {
	var sessions []string
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		prefix := []byte{byte(bucket)}
		return scan(tx.Bucket(dueBucket), prefix, prefix, limit, func(key, _ []byte) error {
			due, session := dueOf(key)
			if due > before {
				return errEnough
			}
			sessions = append(sessions, session)
			return nil
		})
	})
	return sessions, err
}

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// scan visits the keys under prefix that come after from, in order, at most
// limit of them.
func scan(b *bbolt.Bucket, prefix, from []byte, limit int, visit func(key, value []byte) error) error {
	c := b.Cursor()
	key, value := c.Seek(from)
	if key != nil && string(key) == string(from) {
		key, value = c.Next()
	}
	for ; limit > 0 && hasPrefix(key, prefix); key, value = c.Next() {
		err := visit(key, value)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
		limit--
	}
	return nil
}

func decodeRecord(session string, value []byte) (lesson.Record, error) {
	var r lesson.Record
	_, raw := undated(value)
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("a record of lesson %q cannot be read: %w", session, err)
	}
	return r, nil
}
