package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

const (
	// retention is how long lines, records and ended lessons are kept after they were
	// last written, unless the Options say otherwise.
	retention = 90 * aDay
	aDay      = 24 * time.Hour
	// Bounds of one Purge: so many transactions of so many keys.
	purgeRounds = 10
	purgeKeys   = 1000
)

// Purge removes values that were last written longer before now than the retention: lines and
// records each by its own age, lessons that have ended, have nothing left to do and
// are no longer their room's lesson, and bans that are over for as long or whose room
// is gone. One call removes 10,000 keys at
// the most, in pieces between which other writes go on; the rest is for the next
// call.
func (s *Store) Purge(ctx context.Context, now epoch.Instant) error {
	today := dayOf(now)
	if today <= s.keeps {
		return nil
	}
	for range purgeRounds {
		more := false
		err := s.write(ctx, func(b *batch) (err error) {
			b.today = max(b.today, today) // so that a value dated anew is not old again
			more, err = b.purge(today - s.keeps)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// purge removes values that were written before that day, and reports whether it
// stopped at its bound.
func (b *batch) purge(before day) (more bool, err error) {
	limit := before.bytes()
	for keys := 0; keys < purgeKeys; {
		key, value := b.tx.Bucket(ageBucket).Cursor().First()
		if key == nil || bytes.Compare(key[:4], limit) >= 0 {
			return false, nil
		}
		// Neither outlives the writes below.
		key, value = bytes.Clone(key), bytes.Clone(value)
		b.delete(ageBucket, key)
		n, err := b.expire(key, value, before)
		if err != nil {
			return false, err
		}
		keys += 1 + n
	}
	return true, nil
}

func (b *batch) expire(key, value []byte, before day) (keys int, err error) {
	written, _ := undated(key)
	switch key[4] {
	case shedAge:
		return b.expireShed(sessionOf(key), written, value)
	case banAge:
		return 1, b.expireBan(key[5:], before)
	}
	return 1, b.expireLesson(string(key[5:]))
}

func (b *batch) expireShed(session string, written day, value []byte) (keys int, err error) {
	var shed batchOfShed
	if err := json.Unmarshal(value, &shed); err != nil {
		return 0, fmt.Errorf("what lesson %q shed cannot be read: %w", session, err)
	}
	if shed.First > 0 {
		for seq := shed.First; seq <= shed.Last; seq++ {
			b.delete(lineBucket, lineKey(session, seq))
			keys++
		}
	}
	for _, id := range shed.Records {
		record := recordKey(session, id)
		// One that was shed again since has an age of its own.
		if last, _ := undated(b.get(recordBucket, record)); last == written {
			b.delete(recordBucket, record)
		}
		keys++
	}
	return keys, nil
}

// expireLesson removes a lesson, or dates it anew where it is still of use.
func (b *batch) expireLesson(session string) error {
	st, err := b.lesson(session)
	switch {
	case errors.Is(err, room.ErrNoLesson):
		return nil
	case newer(err):
		b.put(ageBucket, lessonAgeKey(b.today, session), nil) // for that release to remove
		return nil
	case err != nil:
		return err
	}
	if st.now.Status != journal.Ended || st.dirty || st.now.Due != 0 || b.current(st.now) {
		st.dirty = true
		return nil
	}
	b.delete(lessonBucket, []byte(session))
	b.delete(openBucket, openingOfLesson(st.now))
	st.gone = true
	return nil
}

// current reports whether the lesson's room still shows it.
func (b *batch) current(l lesson.Lesson) bool {
	var r room.Room
	value := b.get(roomBucket, []byte(l.Room))
	return value != nil && decodeRoom(value, &r) == nil && r.Session == l.Session
}
