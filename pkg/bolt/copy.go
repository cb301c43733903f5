package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long to wait for the lock of a file that is only looked at.
const lockWait = time.Second

// ErrInUse is the cause where another process holds the file.
var ErrInUse = errors.New("another process is using it")

// Snapshot writes the file as it is at one moment, while writes go on; those that need
// the file to grow wait until it has been written. So w should be as fast as a disk.
func (s *Store) Snapshot(ctx context.Context, w io.Writer) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.copying.Lock() // the library reads through the one place of the open file
	defer s.copying.Unlock()
	return copyOut(s.db, w)
}

func copyOut(db *bbolt.DB, w io.Writer) error {
	return db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
}

// Snapshot writes a file that no process uses. The error is ErrInUse where one does.
func Snapshot(path string, w io.Writer) error {
	return look(path, func(db *bbolt.DB) error { return copyOut(db, w) })
}

// APISecret is the name under which the local program keeps the API's key.
const APISecret = "api"

// SecretOf gives the secret that a file keeps under name, nil where it keeps none. The
// error is ErrInUse where a process uses the file, fs.ErrNotExist where there is none.
func SecretOf(path, name string) (secret []byte, err error) {
	err = look(path, func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) error {
			secret = append(secret, tx.Bucket(metaBucket).Get(secretKey(name))...)
			return nil
		})
	})
	return secret, err
}

// Content says how much is in a file.
type Content struct{ Rooms, Lessons int }

// Verify reads a file through and gives what is in it. The error, which is for people,
// says why it is not a whole data file of Usher's that this program can open.
func Verify(path string) (c Content, err error) {
	err = look(path, func(db *bbolt.DB) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return db.View(func(tx *bbolt.Tx) error {
			if info.Size() < tx.Size() {
				return fmt.Errorf("%w (it has %d bytes of %d)", errDamaged, info.Size(), tx.Size())
			}
			var first error
			for err := range tx.Check() { // to the end: it waits for its reader
				first = cmp.Or(first, err)
			}
			if first != nil {
				return fmt.Errorf("%w (%w)", errDamaged, first)
			}
			c = Content{tx.Bucket(roomBucket).Stats().KeyN, tx.Bucket(lessonBucket).Stats().KeyN}
			return nil
		})
	})
	return c, err
}

// Hold keeps every other process from opening a file until release is called. The error
// is ErrInUse where one has it open; a file that is damaged, or not there, is nobody's.
func Hold(path string) (release func(), err error) {
	db, err := bbolt.Open(path, 0o600, reading())
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, explainUse(path, err)
	}
	if err != nil {
		return func() {}, nil //nolint:nilerr // it was free to be looked at
	}
	return func() { _ = db.Close() }, nil // it was only read
}

func reading() *bbolt.Options {
	o := options(lockWait)
	o.ReadOnly = true
	return o
}

// look opens a file of Usher's for reading alone, never makes one, and changes nothing
// in it.
func look(path string, use func(*bbolt.DB) error) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return explainUse(path, err)
	case !info.Mode().IsRegular():
		return explain(path, errors.New("it is not a regular file"))
	case info.Size() == 0:
		return explain(path, errDamaged)
	}
	db, err := bbolt.Open(path, 0o600, reading())
	if err != nil {
		return explainUse(path, err)
	}
	defer db.Close()
	if err := readThrough(db, info.Size()); err != nil {
		return explain(path, err)
	}
	if err := db.View(known); err != nil {
		return explain(path, err)
	}
	return explain(path, use(db))
}

// explainUse keeps what callers ask for.
func explainUse(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("data file %s: %w", path, ErrInUse)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("data file %s: %w", path, fs.ErrNotExist)
	}
	return explain(path, err)
}
