package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// format is the layout of the file, kept in it. A program does not open a file
// of another format.
const format = "1"

// errDamaged says that the file is not one that this package wrote, or not any
// more.
var errDamaged = errors.New("it is damaged, or not a data file of Usher")

func openFile(path string, wait time.Duration) (*bbolt.DB, error) {
	if err := inspect(path, wait); err != nil {
		return nil, explain(path, err)
	}
	db, err := bbolt.Open(path, 0o600, options(wait))
	if err != nil {
		return nil, explain(path, err)
	}
	if err := prepare(db, path); err != nil {
		db.Close()
		return nil, explain(path, err)
	}
	return db, nil
}

// options of the library: the list of free pages is not written with each
// commit but found again at the start, by reading the file once.
func options(wait time.Duration) *bbolt.Options {
	return &bbolt.Options{
		Timeout:        wait,
		FreelistType:   bbolt.FreelistMapType,
		NoFreelistSync: true,
		NoStatistics:   true,
	}
}

// inspect reads through a file that is there already, since the library's own
// reading ends the process where it meets damage.
func inspect(path string, wait time.Duration) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	case info.Size() == 0:
		return nil
	}
	o := options(wait)
	o.ReadOnly = true
	db, err := bbolt.Open(path, 0o600, o)
	if err != nil {
		return err
	}
	defer db.Close()
	return readThrough(db, info.Size())
}

// readThrough visits every key. A page outside the file is a fault, which here
// becomes a panic; a page that points back would never end, so the visits are
// bounded by what the file can hold. Keys out of order would end the process where
// the library looks for free pages, in goroutines of its own.
func readThrough(db *bbolt.DB, size int64) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error: // its words are of the program, not of the file
			err = errDamaged
		default:
			err = fmt.Errorf("%w (%v)", errDamaged, r)
		}
	}()
	const smallestKey = 16 // bytes of a page that a key takes at the least
	left := size / smallestKey
	return db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			var before []byte
			return b.ForEach(func(key, _ []byte) error {
				if left--; left < 0 || before != nil && bytes.Compare(before, key) >= 0 {
					return errDamaged
				}
				before = key
				return nil
			})
		})
	})
}

// prepare makes the file ours: private, with its buckets, and known to its
// directory after a power cut too.
func prepare(db *bbolt.DB, path string) error {
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	if err := db.Update(checkFormat); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func layOut(tx *bbolt.Tx) error {
	if err := makeBuckets(tx, slices.Concat(allBuckets, newBuckets)); err != nil {
		return err
	}
	return tx.Bucket(metaBucket).Put(formatKey, []byte(format))
}

func makeBuckets(tx *bbolt.Tx, names [][]byte) error {
	for _, name := range names {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// checkFormat lays out a file that has nothing in it: a new one, or one that was
// left by a start that was cut off. One that an older program made gains the buckets
// that were not there then.
func checkFormat(tx *bbolt.Tx) error {
	if k, _ := tx.Cursor().First(); k == nil {
		return layOut(tx)
	}
	if err := known(tx); err != nil {
		return err
	}
	return makeBuckets(tx, newBuckets)
}

// known refuses a file that is not Usher's, or of another format.
func known(tx *bbolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return errDamaged
	}
	if got := string(meta.Get(formatKey)); got != format {
		return fmt.Errorf("its format is %q, and this program knows %q only", got, format)
	}
	for _, name := range allBuckets {
		if tx.Bucket(name) == nil {
			return errDamaged
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// explain says for people what is wrong with the file and what to do.
func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		err = at.Err // the path is named once
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("data file %s: another process is using it; stop that one or choose another file", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("data file %s: its directory does not exist; make it or choose another file", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("data file %s: it may not be read and written by this user: %w", path, err)
	case errors.Is(err, errDamaged):
		return fmt.Errorf("data file %s: %w; move it away or restore a copy", path, err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return explain(path, fmt.Errorf("%w (%w)", errDamaged, err))
	}
	return fmt.Errorf("data file %s: %w", path, err)
}
