package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Ban implements room.Store.
func (s *Store) Ban(ctx context.Context, room, user string) (b lesson.Ban, found bool, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		value := tx.Bucket(banBucket).Get(banKey(room, user))
		if value == nil {
			return nil
		}
		found = true
		_, b, err = decodeBan(room, value)
		return err
	})
	return b, found && err == nil, err
}

// Bans implements room.Store.
func (s *Store) Bans(ctx context.Context, room, after string, limit int) ([]lesson.Ban, error) {
	var bans []lesson.Ban
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		return scan(tx.Bucket(banBucket), within(room), banKey(room, after), limit, func(_, value []byte) error {
			_, b, err := decodeBan(room, value)
			bans = append(bans, b)
			return err
		})
	})
	return bans, err
}

func decodeBan(room string, value []byte) (day, lesson.Ban, error) {
	var b lesson.Ban
	d, raw := undated(value)
	if err := json.Unmarshal(raw, &b); err != nil {
		return d, b, fmt.Errorf("a ban in room %q cannot be read: %w", room, err)
	}
	return d, b, nil
}

// encodedBan is a ban by its key; without raw it is lifted.
type encodedBan struct{ key, raw []byte }

func encodeBans(c room.Change) ([]encodedBan, error) {
	encoded := make([]encodedBan, 0, len(c.Bans)+len(c.Lift))
	for _, ban := range c.Bans {
		raw, err := encode(ban.User, ban)
		if err != nil {
			return nil, fmt.Errorf("a ban in room %q: %w", c.Room.Name, err)
		}
		encoded = append(encoded, encodedBan{banKey(c.Room.Name, ban.User), raw})
	}
	for _, user := range c.Lift {
		encoded = append(encoded, encodedBan{key: banKey(c.Room.Name, user)})
	}
	return encoded, nil
}

// keepBans stores bans and lifts them.
func (b *batch) keepBans(bans []encodedBan) {
	for _, ban := range bans {
		if former := b.get(banBucket, ban.key); former != nil {
			written, _ := undated(former)
			b.delete(ageBucket, banAgeKey(written, ban.key))
			b.delete(banBucket, ban.key)
		}
		if ban.raw != nil {
			b.dateBan(b.today, ban)
		}
	}
}

// dateBan stores the ban, to be looked at when that day is long past.
func (b *batch) dateBan(d day, ban encodedBan) {
	b.put(banBucket, ban.key, dated(d, ban.raw))
	b.put(ageBucket, banAgeKey(d, ban.key), nil)
}

// expireBan removes a ban that ended before that day, and one of a room that
// exists no more; any other it dates anew.
func (b *batch) expireBan(key []byte, before day) error {
	value := bytes.Clone(b.get(banBucket, key)) // it does not outlive a write
	if value == nil {
		return nil
	}
	name := ownerOf(key)
	_, ban, err := decodeBan(name, value)
	if err != nil {
		return err
	}
	end, again := dayOf(ban.Until), b.today
	if ban.Until != 0 {
		again = min(again, end)
	}
	if ban.Until != 0 && end < before || !b.stands(name, ban) {
		b.delete(banBucket, key)
		return nil
	}
	b.dateBan(again, encodedBan{key, value[len(again.bytes()):]})
	return nil
}

// stands reports whether the ban is one of the room that has the name now.
func (b *batch) stands(name string, ban lesson.Ban) bool {
	var r room.Room
	value := b.get(roomBucket, []byte(name))
	return value != nil && decodeRoom(value, &r) == nil && r.Created <= ban.At
}
