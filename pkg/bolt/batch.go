package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"go.etcd.io/bbolt"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// maxBatch is the most writes that share a transaction.
const maxBatch = 512

// yields is how often the committing goroutine lets others run before it goes
// on: microseconds, where nobody else has anything to do.
const yields = 8

// op is one write that waits for its commit.
type op struct {
	// apply checks every condition first and writes nothing where one fails.
	apply func(*batch) error
	err   error
	done  chan struct{}
}

// write hands apply to the committing goroutine and waits until its work is on the
// disk. Where write fails, apply may still run: values that it sets are not to be
// looked at.
func (s *Store) write(ctx context.Context, apply func(*batch) error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	o := &op{apply: apply, done: make(chan struct{})}
	select {
	case s.ops <- o:
	case <-s.closing:
		return unavailable(errClosed)
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// run is the committing goroutine.
func (s *Store) run() {
	defer close(s.stopped)
	for {
		select {
		case <-s.closing:
			return
		case o := <-s.ops:
			s.commit(s.drain(o))
		}
	}
}

// drain adds the writes that wait already, and gives those a chance to come
// whose callers were just answered: a transaction costs the same for one write
// and for many.
func (s *Store) drain(first *op) []*op {
	ops := []*op{first}
	for patience := yields; patience > 0 && len(ops) < maxBatch; {
		select {
		case o := <-s.ops:
			ops = append(ops, o)
		default:
			patience--
			runtime.Gosched()
		}
	}
	return ops
}

// commit runs ops in one transaction. A conflict is answered only after it: its
// winner may be another op of the same transaction.
func (s *Store) commit(ops []*op) {
	err := s.transact(ops)
	for _, o := range ops {
		if err != nil {
			o.err = unavailable(err)
		}
		close(o.done)
	}
}

func (s *Store) transact(ops []*op) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	b := &batch{tx: tx, cache: s.cache, today: dayOf(s.now()), lessons: map[string]*staged{}}
	for _, o := range ops {
		o.err = o.apply(b)
	}
	changed, gone := b.flush()
	if b.err != nil || !b.wrote {
		return errors.Join(b.err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		// The file may have it nevertheless.
		s.cache.clear()
		return err
	}
	s.cache.publish(changed, gone)
	return nil
}

// batch is the state inside one transaction.
type batch struct {
	tx      *bbolt.Tx
	cache   *cache
	today   day
	lessons map[string]*staged // those that an op looked at
	wrote   bool
	err     error // the first failure to write; it fails the transaction
}

// staged is a lesson inside a transaction.
type staged struct {
	before *entry // as committed; nil: it is new
	now    lesson.Lesson
	raw    []byte // now as JSON, where somebody made it already
	dirty  bool
	gone   bool
}

// become makes l the lesson; raw is its JSON or nil.
func (s *staged) become(l lesson.Lesson, raw []byte) {
	s.now, s.raw, s.dirty, s.gone = l, raw, true, false
}

// lesson gives a lesson as the ops before left it. room.ErrNoLesson where there
// is none.
func (b *batch) lesson(session string) (*staged, error) {
	if st, ok := b.lessons[session]; ok {
		if st.gone {
			return nil, room.ErrNoLesson
		}
		return st, nil
	}
	e, _ := b.cache.get(session)
	if e == nil {
		value := b.get(lessonBucket, []byte(session))
		if value == nil {
			return nil, room.ErrNoLesson
		}
		read, err := decodeLesson(value)
		if err != nil {
			return nil, fmt.Errorf("lesson %q cannot be read: %w", session, err)
		}
		e = &read
	}
	st := &staged{before: e, now: e.lesson}
	b.lessons[session] = st
	return st, nil
}

// flush writes the lessons that changed, each once, however many ops changed it,
// with their places in the indexes.
func (b *batch) flush() (changed []entry, gone []string) {
	for session, st := range b.lessons {
		switch {
		case st.gone:
			gone = append(gone, session)
		case st.dirty:
			changed = append(changed, b.store(session, st))
		}
	}
	return changed, gone
}

func (b *batch) store(session string, st *staged) entry {
	if st.raw == nil {
		raw, err := marshal(stampLesson(st.now))
		b.fail(err)
		st.raw = raw
	}
	value := dated(b.today, st.raw)
	b.put(lessonBucket, []byte(session), value)
	var due epoch.Instant
	var written day
	if st.before != nil {
		due, written = st.before.lesson.Due, st.before.day
	}
	b.index(session, due, st.now.Due)
	if st.before == nil || written != b.today {
		b.delete(ageBucket, lessonAgeKey(written, session))
		b.put(ageBucket, lessonAgeKey(b.today, session), nil)
	}
	return entry{lesson: st.now, day: b.today, size: len(value)}
}

// index moves a lesson in the index of unfinished work.
func (b *batch) index(session string, from, to epoch.Instant) {
	if from == to {
		return
	}
	if from != 0 {
		b.delete(dueBucket, dueKey(session, from))
	}
	if to != 0 {
		b.put(dueBucket, dueKey(session, to), nil)
	}
}

func (b *batch) get(bucket, key []byte) []byte { return b.tx.Bucket(bucket).Get(key) }

func (b *batch) put(bucket, key, value []byte) {
	b.wrote = true
	b.fail(b.tx.Bucket(bucket).Put(key, value))
}

func (b *batch) delete(bucket, key []byte) {
	b.wrote = true
	b.fail(b.tx.Bucket(bucket).Delete(key))
}

func (b *batch) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}
