package bolt

import (
	"errors"
	"testing"

	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// together runs writes in one transaction, as the committing goroutine does
// with those that wait, and gives their errors.
func together(s *Store, writes ...func(*batch) error) []error {
	ops := make([]*op, len(writes))
	for i, apply := range writes {
		ops[i] = &op{apply: apply, done: make(chan struct{})}
	}
	s.commit(ops)
	errs := make([]error, len(ops))
	for i, o := range ops {
		<-o.done
		errs[i] = o.err
	}
	return errs
}

// adding is what Add writes.
func adding(a lesson.Arrival) func(*batch) error {
	return func(b *batch) error {
		st, err := b.lesson(a.Session)
		if err != nil {
			return err
		}
		if !a.Fits(st.now) {
			return conflict(st.now)
		}
		st.become(a.Into(st.now), nil)
		return nil
	}
}

func TestOneTransactionManyWrites(t *testing.T) {
	s := open(t, newPath(t))
	one, two := start(t, s, "one", `{"maxSeats":2}`), start(t, s, "two", "{}")
	errs := together(s,
		adding(arrival(one, 1)),
		adding(arrival(lesson.Lesson{Session: "unknown"}, 1)),
		adding(arrival(one, 2)),
		adding(arrival(one, 3)),
		adding(arrival(two, 1)),
		func(*batch) error { return errors.New("refused") },
	)
	var c *room.Conflict
	if errs[0] != nil || errs[2] != nil || errs[4] != nil {
		t.Errorf("adds that fit failed: %v", errs)
	}
	if !errors.Is(errs[1], room.ErrNoLesson) || errs[5] == nil || errors.Is(errs[5], room.ErrUnavailable) {
		t.Errorf("errors are not their own: %v", errs)
	}
	if !errors.As(errs[3], &c) || len(c.Winner.Conns) != 2 {
		t.Errorf("the third for two seats: %v", errs[3])
	}
	for session, want := range map[string]int{one.Session: 2, two.Session: 1} {
		if l, _, err := s.Lesson(t.Context(), session); err != nil || len(l.Conns) != want {
			t.Errorf("%s holds %d (%v), want %d", session, len(l.Conns), err, want)
		}
	}
}

// TestFailedTransaction says that where the file takes nothing, nobody is told
// otherwise and nothing is seen of it: neither by readers nor by later writes.
func TestFailedTransaction(t *testing.T) {
	s := open(t, newPath(t))
	l := start(t, s, "one", "{}")
	before := everything(t, s, l.Session)
	errs := together(s,
		adding(arrival(l, 1)),
		func(b *batch) error { b.put(metaBucket, nil, []byte("a key is required")); return nil },
		adding(arrival(l, 1)), // its winner was never committed
	)
	for i, err := range errs {
		if !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("write %d: %v, want room.ErrUnavailable", i, err)
		}
	}
	if d := storetest.Diff(before, everything(t, s, l.Session)); d != "" {
		t.Errorf("something is seen of it (-before +after):\n%s", d)
	}
	if got := mustAdd(t, s, arrival(l, 1)); len(got.Conns) != 1 {
		t.Errorf("afterwards %d are in, want 1", len(got.Conns))
	}
}

// TestCacheAndFileAgree compares what is in memory with what is in the file.
func TestCacheAndFileAgree(t *testing.T) {
	s := open(t, newPath(t))
	l := start(t, s, "one", `{"maxSeats":9}`)
	for i := range 8 {
		l = mustAdd(t, s, arrival(l, i))
	}
	l = mustSwap(t, s, l)
	inMemory := everything(t, s, l.Session)
	s.cache.clear()
	if d := storetest.Diff(inMemory, everything(t, s, l.Session)); d != "" {
		t.Errorf("they differ (-memory +file):\n%s", d)
	}
	if e, _ := s.cache.get(l.Session); e == nil {
		t.Error("what was read is not kept")
	}
}

func TestCache(t *testing.T) {
	named := func(session string, size int) entry {
		return entry{lesson: lesson.Lesson{Session: session}, size: size}
	}
	has := func(c *cache, session string) bool { e, _ := c.get(session); return e != nil }

	c := newCache(2, 100)
	c.publish([]entry{named("a", 10), named("b", 10)}, nil)
	has(c, "a")
	c.publish([]entry{named("c", 10)}, nil)
	if !has(c, "a") || has(c, "b") || !has(c, "c") {
		t.Error("over its number it does not drop what was used least")
	}
	c.publish([]entry{named("d", 95)}, nil)
	if has(c, "a") || has(c, "c") || !has(c, "d") || c.bytes != 95 {
		t.Errorf("over its bytes it keeps %d", c.bytes)
	}
	c.publish([]entry{named("e", 101)}, nil)
	if has(c, "e") || c.bytes != 0 {
		t.Error("it keeps what is larger than itself")
	}
	_, before := c.get("f")
	c.publish(nil, nil)
	if c.fill(named("f", 1), before); has(c, "f") {
		t.Error("it keeps what may be older than a commit")
	}
	_, now := c.get("f")
	if c.fill(named("f", 1), now); !has(c, "f") {
		t.Error("it does not keep what was read")
	}
	c.publish(nil, []string{"f"})
	if has(c, "f") {
		t.Error("it keeps what is gone")
	}
}
