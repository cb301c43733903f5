package bolt

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// The queue of parked events has buckets of its own, made when they are first
// needed: parked, by a number that rises, and failed, under the same numbers.
var (
	parkedBucket = []byte("parked")
	failedBucket = []byte("failed")
)

// Parked is one parked event.
type Parked struct {
	Number uint64 // its name, rising
	Event  lesson.Event
}

var _ room.Queue = (*Store)(nil)

// Park implements room.Queue: the event is on the disk when it returns nil. It
// is for a process whose lessons are in another store, which may be away.
func (s *Store) Park(ctx context.Context, e lesson.Event) error {
	value, err := marshal(e)
	if err != nil {
		return err
	}
	return s.write(ctx, func(b *batch) error {
		bucket, err := b.own(parkedBucket)
		if err != nil {
			return err
		}
		n, err := bucket.NextSequence()
		if err != nil {
			return err
		}
		return bucket.Put(numberKey(n), value)
	})
}

// Parked lists parked events in the order in which they were parked, at most
// limit.
func (s *Store) Parked(ctx context.Context, limit int) (list []Parked, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(parkedBucket)
		if bucket == nil {
			return nil
		}
		c := bucket.Cursor()
		for k, v := c.First(); k != nil && len(list) < limit; k, v = c.Next() {
			p := Parked{Number: binary.BigEndian.Uint64(k)}
			if err := json.Unmarshal(v, &p.Event); err != nil {
				return fmt.Errorf("parked event %d cannot be read: %w", p.Number, err)
			}
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

// ParkedCount is how many events are parked.
func (s *Store) ParkedCount(ctx context.Context) (int, error) { return s.count(ctx, parkedBucket) }

// FailedCount is how many parked events were put aside.
func (s *Store) FailedCount(ctx context.Context) (int, error) { return s.count(ctx, failedBucket) }

func (s *Store) count(ctx context.Context, bucket []byte) (n int, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucket); b != nil {
			n = b.Stats().KeyN
		}
		return nil
	})
	return n, err
}

// Unpark removes parked events that have been heard. A number that is not
// there is no error.
func (s *Store) Unpark(ctx context.Context, numbers ...uint64) error {
	return s.write(ctx, func(b *batch) error {
		bucket, err := b.own(parkedBucket)
		if err != nil {
			return err
		}
		for _, n := range numbers {
			if err := bucket.Delete(numberKey(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Fail puts a parked event aside that cannot be heard, for somebody to look at.
// It is kept until the file is deleted.
func (s *Store) Fail(ctx context.Context, number uint64) error {
	return s.write(ctx, func(b *batch) error {
		parked, err := b.own(parkedBucket)
		if err != nil {
			return err
		}
		failed, err := b.own(failedBucket)
		if err != nil {
			return err
		}
		value := parked.Get(numberKey(number))
		if value == nil {
			return nil
		}
		if err := failed.Put(numberKey(number), append([]byte(nil), value...)); err != nil {
			return err
		}
		return parked.Delete(numberKey(number))
	})
}

// own gives a bucket to write to, made where it is missing.
func (b *batch) own(name []byte) (*bbolt.Bucket, error) {
	b.wrote = true
	return b.tx.CreateBucketIfNotExists(name)
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
