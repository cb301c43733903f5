package bolt

import (
	"context"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

var _ room.Marks = (*Store)(nil)

// markBucket is made when the first mark is: NAME -> moment.
var markBucket = []byte("marks")

// Mark implements room.Marks.
func (s *Store) Mark(ctx context.Context, name string, at epoch.Instant) error {
	return s.write(ctx, func(b *batch) error {
		bucket, err := b.own(markBucket)
		if err != nil {
			return err
		}
		if former := bucket.Get([]byte(name)); former != nil && markOf(former) >= at {
			return nil
		}
		return bucket.Put([]byte(name), binary.BigEndian.AppendUint64(nil, uint64(at)))
	})
}

// Marks implements room.Marks.
func (s *Store) Marks(ctx context.Context) (map[string]epoch.Instant, error) {
	marks := map[string]epoch.Instant{}
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(markBucket)
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(name, value []byte) error {
			marks[string(name)] = markOf(value)
			return nil
		})
	})
	return marks, err
}

func markOf(value []byte) epoch.Instant { return epoch.Instant(binary.BigEndian.Uint64(value)) }
