// Package bolt keeps rooms and lessons in one file: the store of a single
// machine. Every answer of success is on the disk before it is given.
//
// One goroutine commits. It takes the writes that wait, runs each on the state that
// the ones before it left, and puts all of them into one transaction, so that many
// clients share one wait for the disk. A write that fails its condition changes
// nothing and takes nothing from the others; a transaction that fails, fails
// all of them.
//
// The file has one owner at a time (a lock that the kernel drops with the
// process), so lessons are kept decoded beside it: the memory says the same as
// the file. Lessons are handed in and out as copies.
//
// Not for several machines, nor for a network file system.
//
// It is trusted with everything that Usher knows, and with the local program's own
// secret. Begin with keys.go, the buckets, then write.go and batch.go.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// Options are the settings of a Store; the zero value is good.
type Options struct {
	// Now is the clock that writes are dated by, for the retention alone.
	// The wall clock where it is nil.
	Now func() epoch.Instant
	// Retention is how long lines, records and ended lessons are kept after they were
	// last written, in whole days; 90 days where it is 0.
	Retention time.Duration
	// LockWait is how long to wait for another process to let go of the file;
	// one second where it is 0.
	LockWait time.Duration
}

// errClosed is the cause of everything asked of a store after Close.
var errClosed = errors.New("the data file is closed")

// Store is a room.Store in one file. Its methods may be called concurrently.
type Store struct {
	db    *bbolt.DB
	cache *cache
	now   func() epoch.Instant
	keeps day // so many days

	ops     chan *op
	closing chan struct{}
	stopped chan struct{} // closed when the committing goroutine has returned
	once    sync.Once
	copying sync.Mutex
}

var _ room.Store = (*Store)(nil)

// Open opens the data file, or makes it, readable by its owner alone. The error
// names the path where the file is in use by another process, damaged, of
// something else, or may not be written.
func Open(path string, opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = func() epoch.Instant { return epoch.Of(time.Now()) }
	}
	if opts.Retention == 0 {
		opts.Retention = retention
	}
	if opts.LockWait == 0 {
		opts.LockWait = time.Second
	}
	db, err := openFile(path, opts.LockWait)
	if err != nil {
		return nil, err
	}
	s := &Store{
		db:      db,
		cache:   newCache(cachedLessons, cachedBytes),
		now:     opts.Now,
		keeps:   day(opts.Retention / aDay),
		ops:     make(chan *op),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	go s.run()
	return s, nil
}

// Close finishes the writes that have begun and lets go of the file. Writes and
// reads that come later fail with room.ErrUnavailable. Closing twice is closing
// once.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		<-s.stopped
		s.cache.clear()
		err = s.db.Close()
	})
	return err
}

// Secret gives the bytes kept in the file under name; create is called for them
// once in the file's life.
func (s *Store) Secret(ctx context.Context, name string, create func() []byte) ([]byte, error) {
	var secret []byte
	err := s.write(ctx, func(b *batch) error {
		key := secretKey(name)
		if kept := b.get(metaBucket, key); kept != nil {
			secret = append([]byte(nil), kept...)
			return nil
		}
		secret = create()
		if len(secret) == 0 {
			return fmt.Errorf("the secret %q came out empty", name)
		}
		b.put(metaBucket, key, secret)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return secret, nil
}

// ready refuses requests after Close, and when ctx is done.
func (s *Store) ready(ctx context.Context) error {
	select {
	case <-s.closing:
		return unavailable(errClosed)
	case <-ctx.Done():
		return unavailable(ctx.Err())
	default:
		return nil
	}
}

// unavailable marks a failure of the file rather than of a condition. The write
// may or may not have happened.
func unavailable(err error) error {
	return fmt.Errorf("%w: %w", room.ErrUnavailable, err)
}
