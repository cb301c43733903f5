package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

func absent(t *testing.T, b bench) {
	nowhere := running(4)
	_, err := b.s.Add(b.ctx(), arrival(nowhere, "c1", "ann", 1))
	isErr(t, "add", err, room.ErrNoLesson)
	_, err = b.s.Swap(b.ctx(), nowhere)
	isErr(t, "swap", err, room.ErrNoLesson)
	_, err = b.s.Shed(b.ctx(), nowhere, lesson.Shed{Records: []lesson.Record{{ID: "e:d", Seen: 1}}})
	isErr(t, "shed", err, room.ErrNoLesson)
	_, _, err = b.s.Lesson(b.ctx(), nowhere.Session)
	isErr(t, "load", err, room.ErrNoLesson)
	_, _, err = b.s.Lesson(b.ctx(), nowhere.Session, "c1")
	isErr(t, "load with records", err, room.ErrNoLesson)
	_, err = b.s.Room(b.ctx(), fresh("room"))
	isErr(t, "room", err, room.ErrNoRoom)
	lines, err := b.s.Lines(b.ctx(), fresh("s"), 0, 10)
	isErr(t, "lines", err, nil)
	records, err := b.s.Records(b.ctx(), fresh("s"), "", 10)
	isErr(t, "records", err, nil)
	lessons, err := b.s.Lessons(b.ctx(), nil)
	isErr(t, "no lessons", err, nil)
	bans, err := b.s.Bans(b.ctx(), fresh("room"), "", 10)
	isErr(t, "bans", err, nil)
	if len(lines)+len(records)+len(lessons)+len(bans) != 0 {
		t.Errorf("got %v, %v, %v, %v of what is not there", lines, records, lessons, bans)
	}
	if _, found, err := b.s.Ban(b.ctx(), fresh("room"), "ann"); found || err != nil {
		t.Errorf("a ban in a room that is not there: %t, %v", found, err)
	}
}

func isErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error is %v, want %v", what, got, want)
	}
}

func roundTrip(t *testing.T, b bench) {
	bare := lesson.Lesson{Session: fresh("s"), Room: fresh("room"), Status: journal.Open}
	odd := full()
	odd.Session = "1_MX40~" + fresh("s") + " /?#[]@!$&'()*+,;=%00ü"
	for name, l := range map[string]lesson.Lesson{
		"nothing set": bare, "everything set": full(), "an odd session": odd, "a hundred lines": long(running(4), 100),
	} {
		t.Run(name, func(t *testing.T) {
			b := bench{t, b.s}
			same(t, "the started lesson", l, b.start(l))
			l.Revision++
			l.EmptyReadings++
			next := l
			next.Revision--
			same(t, "what swap returns", l, b.swap(next))
			b.stands(l)
		})
	}
}

func aliasing(t *testing.T, b bench) {
	l := b.start(full())
	spoil := b.load(l.Session)
	for id, c := range spoil.Conns {
		for k := range c.Streams {
			c.Streams[k] = lesson.Stream{Kind: "spoilt"}
		}
		spoil.Conns[id] = lesson.Conn{ID: "spoilt"}
	}
	clear(spoil.Promises)
	clear(spoil.Refusals)
	clear(spoil.BansToKeep)
	clear(spoil.Stays)
	clear(spoil.OutsideByRole)
	spoil.Seen["spoilt"], spoil.Tail[0].Note, spoil.Rules[0].Quorum = 1, "spoilt", 99
	b.stands(l)
}

func startTwice(t *testing.T, b bench) {
	first := b.start(running(4))
	second := first
	second.Room, second.Status = fresh("room"), journal.Ended
	err := b.s.Commit(b.ctx(), room.Change{
		Room: room.Room{Name: second.Room}, Create: true, Start: &second,
	})
	noWinner(t, err)
	b.stands(first)
	_, err = b.s.Room(b.ctx(), second.Room)
	isErr(t, "the second room", err, room.ErrNoRoom)
}

func noWinner(t *testing.T, err error) {
	t.Helper()
	var c *room.Conflict
	if !errors.As(err, &c) {
		t.Fatalf("error is %v, want a conflict", err)
	}
}

func staleSwap(t *testing.T, b bench) {
	old := b.start(running(4))
	next := old
	next.EmptyReadings = 1
	now := b.swap(next)
	if now.Revision != old.Revision+1 {
		t.Errorf("revision is %d after %d", now.Revision, old.Revision)
	}
	next.EmptyReadings = 2
	_, err := b.s.Swap(b.ctx(), next)
	b.conflict(err, now)
	ahead := now
	ahead.Revision++
	_, err = b.s.Swap(b.ctx(), ahead)
	b.conflict(err, now)
}

func swapAfterAdd(t *testing.T, b bench) {
	old := b.start(running(4))
	now := b.add(arrival(old, "c1", "ann", 1))
	_, err := b.s.Swap(b.ctx(), old)
	b.conflict(err, now)
	b.swap(now)
}

// swapClears also says that the stored gate follows what was swapped in.
func swapClears(t *testing.T, b bench) {
	l := b.start(full())
	next := running(2)
	next.Session, next.Room, next.Revision, next.Added = l.Session, l.Room, l.Revision, l.Added
	got := b.swap(next)
	next.Revision++
	same(t, "what swap returns", next, got)
	b.stands(next)
	b.add(arrival(next, "c1", "ann", 1))
	got = b.add(arrival(next, "c2", "ann", 2))
	_, err := b.s.Add(b.ctx(), arrival(next, "c3", "bo", 3))
	b.conflict(err, got)
}

func swapsAtOnce(t *testing.T, b bench) {
	l := b.start(running(4))
	var won atomic.Int64
	atOnce(8, func(i int) {
		next := l
		next.EmptyReadings = i + 1
		_, err := b.s.Swap(b.ctx(), next)
		var c *room.Conflict
		switch {
		case err == nil:
			won.Add(1)
		case !errors.As(err, &c):
			t.Errorf("swap %d: %v", i, err)
		case c.Winner == nil || c.Winner.Revision != l.Revision+1:
			t.Errorf("swap %d lost against %+v", i, c.Winner)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d swaps won, want 1", won.Load())
	}
}

// atOnce runs f(0) to f(n-1) side by side and waits for all of them.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func manyLessons(t *testing.T, b bench) {
	want := map[string]lesson.Lesson{}
	var sessions []string
	for i := range 120 {
		l := running(4)
		l.EmptyReadings = i
		want[l.Session] = b.start(l)
		sessions = append(sessions, l.Session, fresh("unknown"))
	}
	sessions = append(sessions, sessions[0])
	var got map[string]lesson.Lesson
	b.soon("the lessons of all sessions", func() string {
		var err error
		if got, err = b.s.Lessons(b.ctx(), sessions); err != nil {
			t.Fatal(err)
		}
		return Diff(want, got)
	})
}

func cancelled(t *testing.T, b bench) {
	l := b.start(running(4))
	ctx, cancel := contextOf(t)
	cancel()
	a := arrival(l, "c1", "ann", 1)
	shed := lesson.Shed{Records: []lesson.Record{{ID: "e:d", Seen: 1}}}
	for name, call := range map[string]func() error{
		"lesson":       func() error { _, _, err := b.s.Lesson(ctx, l.Session); return err },
		"with records": func() error { _, _, err := b.s.Lesson(ctx, l.Session, "c1"); return err },
		"add":          func() error { _, err := b.s.Add(ctx, a); return err },
		"swap":         func() error { _, err := b.s.Swap(ctx, l); return err },
		"shed":         func() error { _, err := b.s.Shed(ctx, l, shed); return err },
		"room":         func() error { _, err := b.s.Room(ctx, l.Room); return err },
		"rooms":        func() error { _, err := b.s.Rooms(ctx, "", 10); return err },
		"lessons":      func() error { _, err := b.s.Lessons(ctx, []string{l.Session}); return err },
		"commit":       func() error { return b.s.Commit(ctx, room.Change{Room: room.Room{Name: fresh("room")}, Create: true}) },
		"lines":        func() error { _, err := b.s.Lines(ctx, l.Session, 0, 10); return err },
		"records":      func() error { _, err := b.s.Records(ctx, l.Session, "", 10); return err },
		"lessons of":   func() error { _, err := b.s.LessonsOf(ctx, l.Room, 0, room.Opening{}, 10); return err },
		"due":          func() error { _, err := b.s.Due(ctx, 0, noon, 10); return err },
	} {
		isErr(t, name, call(), ctx.Err())
	}
	b.stands(l)
}

// crowd is n connections that have left, which weigh on the item alone.
func crowd(n int) map[string]lesson.Conn {
	conns := map[string]lesson.Conn{}
	for i := range n {
		c := gone(seated(fmt.Sprintf("left-%03d", i), "", 0))
		conns[c.ID] = c
	}
	return conns
}
