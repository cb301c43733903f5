package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// forwardsBucket has the callbacks that go on to another listener, by when they are to
// be sent and a number that rises.
var forwardsBucket = []byte("forwards")

// Kept is a callback that is kept until it was sent on.
type Kept struct {
	room.Callback
	Failures int `json:"failures,omitempty"` // to send it on

	key []byte
}

// Keep makes the callback durable, to be sent on at once.
func (s *Store) Keep(ctx context.Context, c room.Callback) error {
	return s.keep(ctx, Kept{Callback: c}, c.Received)
}

// KeepUntil keeps one on, to be sent again at that moment. It has failed once more.
func (s *Store) KeepUntil(ctx context.Context, k Kept, at epoch.Instant) error {
	k.Failures++
	return s.keep(ctx, k, at)
}

func (s *Store) keep(ctx context.Context, k Kept, at epoch.Instant) error {
	value, err := marshal(k)
	if err != nil {
		return err
	}
	return s.write(ctx, func(b *batch) error {
		bucket, err := b.own(forwardsBucket)
		if err != nil {
			return err
		}
		n, err := bucket.NextSequence()
		if err != nil {
			return err
		}
		if k.key != nil {
			if err := bucket.Delete(k.key); err != nil {
				return err
			}
		}
		return bucket.Put(binary.BigEndian.AppendUint64(numberKey(uint64(at)), n), value)
	})
}

// Kept lists the callbacks that are to be sent on by then, the earliest first, at most
// limit.
func (s *Store) Kept(ctx context.Context, by epoch.Instant, limit int) (list []Kept, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	last := numberKey(uint64(by) + 1)
	err = s.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(forwardsBucket)
		if bucket == nil {
			return nil
		}
		c := bucket.Cursor()
		for key, v := c.First(); key != nil && bytes.Compare(key, last) < 0 && len(list) < limit; key, v = c.Next() {
			k := Kept{key: bytes.Clone(key)}
			if err := json.Unmarshal(v, &k); err != nil {
				return fmt.Errorf("a callback to forward, %x, cannot be read: %w", key, err)
			}
			list = append(list, k)
		}
		return nil
	})
	return list, err
}

// Drop removes a callback that was sent on, or is given up.
func (s *Store) Drop(ctx context.Context, k Kept) error {
	return s.write(ctx, func(b *batch) error {
		bucket, err := b.own(forwardsBucket)
		if err != nil {
			return err
		}
		return bucket.Delete(k.key)
	})
}
