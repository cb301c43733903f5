package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// soon asks until problem is "", for what may be a moment old.
func (b bench) soon(what string, problem func() string) {
	b.t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p := problem()
		if p == "" {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			b.t.Fatalf("%s: still different after a minute: %s", what, p)
		}
	}
}

func (b bench) commit(c room.Change) {
	b.t.Helper()
	if err := b.s.Commit(b.ctx(), c); err != nil {
		b.t.Fatalf("commit %s: %v", c.Room.Name, err)
	}
}

func (b bench) room(name string) room.Room {
	b.t.Helper()
	r, err := b.s.Room(b.ctx(), name)
	if err != nil {
		b.t.Fatalf("room %s: %v", name, err)
	}
	return r
}

func pagedRooms(t *testing.T, b bench) {
	stem := fresh("paged")
	var want []room.Room
	for i := range 23 {
		r := room.Room{Name: fmt.Sprintf("%s-%02d", stem, i), Created: noon, Policy: seats(i)}
		b.commit(room.Change{Room: r, Create: true})
		r.Revision++
		want = append(want, r)
	}
	for _, size := range []int{1, 10, 23, 50} {
		var got []room.Room
		for after := stem; ; after = got[len(got)-1].Name {
			page, err := b.s.Rooms(b.ctx(), after, size)
			isErr(t, "rooms", err, nil)
			if len(page) > size {
				t.Fatalf("%d rooms on a page of %d", len(page), size)
			}
			got = append(got, page...)
			if len(page) < size || len(got) >= len(want) {
				break
			}
		}
		got = got[:min(len(got), len(want))]
		same(t, fmt.Sprintf("rooms by %d", size), want, got)
	}
	first, err := b.s.Rooms(b.ctx(), "", 1000)
	isErr(t, "all rooms", err, nil)
	if !slices.IsSortedFunc(first, func(a, b room.Room) int { return cmpString(a.Name, b.Name) }) || len(first) < len(want) {
		t.Errorf("%d rooms, or not sorted by name", len(first))
	}
}

func cmpString(a, b string) int {
	return byID(lesson.Record{ID: a}, lesson.Record{ID: b})
}

func roomLife(t *testing.T, b bench) {
	r := room.Room{Name: fresh("room"), Created: noon, Policy: policy.Stored(`{"demo":true,"title":"Класс"}`)}
	b.commit(room.Change{Room: r, Create: true})
	r.Revision++
	same(t, "the new room", r, b.room(r.Name))
	r.Policy, r.Session, r.Closed, r.Bans = policy.Policy{}, "s 1/é", noon, 7
	b.commit(room.Change{Room: r})
	r.Revision++
	same(t, "the changed room", r, b.room(r.Name))
	r.Session, r.Closed, r.Bans = "", 0, 0
	b.commit(room.Change{Room: r})
	r.Revision++
	same(t, "the cleared room", r, b.room(r.Name))
	b.commit(room.Change{Room: r, Delete: true})
	_, err := b.s.Room(b.ctx(), r.Name)
	isErr(t, "the deleted room", err, room.ErrNoRoom)
	b.commit(room.Change{Room: room.Room{Name: r.Name}, Create: true})
}

func commitAtomic(t *testing.T, b bench) {
	ended := b.start(running(4))
	r := b.room(ended.Room)
	next, started := ended, running(3)
	next.Status, next.EmptyReadings, started.Room = journal.Ended, 2, r.Name
	r.Session = started.Session
	b.commit(room.Change{Room: r, Swap: &next, Start: &started})
	r.Revision++
	next.Revision++
	b.stands(next)
	b.stands(started)
	same(t, "the room", r, b.room(r.Name))
	b.add(arrival(started, "c1", "ann", 1))

	// One condition fails each time, and nothing is written.
	stale, another := next, running(2)
	stale.Revision--
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: r, Swap: &stale, Start: &another}))
	late := started
	late.EmptyReadings = 9
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: r, Swap: &late, Start: &another}))
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: r, Swap: &next, Start: &started}))
	old := r
	old.Revision--
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: old, Swap: &next, Start: &another}))
	_, _, err := b.s.Lesson(b.ctx(), another.Session)
	isErr(t, "what was not started", err, room.ErrNoLesson)
	b.stands(next)
	same(t, "the room", r, b.room(r.Name))
	b.commit(room.Change{Room: r, Delete: true, Swap: &next})
	next.Revision++
	b.stands(next)
}

func commitConditions(t *testing.T, b bench) {
	nowhere := room.Room{Name: fresh("room")}
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: nowhere}))
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: nowhere, Delete: true}))
	absent := running(2)
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: nowhere, Create: true, Swap: &absent}))
	_, err := b.s.Room(b.ctx(), nowhere.Name)
	isErr(t, "a room that was not made", err, room.ErrNoRoom)

	r := nowhere
	b.commit(room.Change{Room: r, Create: true})
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: r, Create: true}))
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: r}))
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: r, Delete: true}))
	r.Revision = 1
	same(t, "the room", r, b.room(r.Name))
}

func commitsAtOnce(t *testing.T, b bench) {
	l := b.start(running(4))
	r := b.room(l.Room)
	var won atomic.Int64
	atOnce(6, func(i int) {
		next := l
		next.EmptyReadings = i + 1
		err := b.s.Commit(b.ctx(), room.Change{Room: r, Swap: &next})
		var c *room.Conflict
		switch {
		case err == nil:
			won.Add(1)
		case !errors.As(err, &c):
			t.Errorf("commit %d: %v", i, err)
		}
	})
	if got := b.room(r.Name).Revision; won.Load() != 1 || got != r.Revision+1 {
		t.Errorf("%d commits won and the revision went from %d to %d", won.Load(), r.Revision, got)
	}
}

// dueSessions asks all buckets for the sessions in mine.
func (b bench) dueSessions(before epoch.Instant, mine ...string) []string {
	b.t.Helper()
	var found []string
	for bucket := range room.DueBuckets {
		sessions, err := b.s.Due(b.ctx(), bucket, before, 1000)
		isErr(b.t, "due", err, nil)
		for _, s := range sessions {
			if slices.Contains(mine, s) {
				found = append(found, s)
			}
		}
	}
	slices.Sort(found)
	return found
}

func (b bench) dueIs(what string, before epoch.Instant, session string, want bool) {
	b.t.Helper()
	b.soon(what, func() string {
		if got := len(b.dueSessions(before, session)) == 1; got != want {
			return fmt.Sprintf("due is %t, want %t", got, want)
		}
		return ""
	})
}

func dueIndex(t *testing.T, b bench) {
	l := running(4)
	l.Due = 0
	l = b.start(l)
	b.dueIs("without a moment", noon*9, l.Session, false)
	l.Due = noon
	l = b.swap(l)
	b.dueIs("a millisecond before", noon-1, l.Session, false)
	b.dueIs("at its moment", noon, l.Session, true)
	l = b.add(arrival(l, "c1", "ann", 1))
	b.dueIs("after an add", noon, l.Session, true)
	l.Due = noon + 500
	l = b.swap(l)
	b.dueIs("at the moment before the move", noon, l.Session, false)
	b.dueIs("at the moment after the move", noon+500, l.Session, true)
	l = b.shed(l, lesson.Shed{ShedThrough: l.ShedThrough})
	b.dueIs("after a shed", noon+500, l.Session, true)
	l.Due = noon
	l = b.swap(l)
	b.dueIs("set again", noon, l.Session, true)
	r := b.room(l.Room)
	l.Due = 0
	b.commit(room.Change{Room: r, Swap: &l})
	b.dueIs("cleared by a commit", noon*9, l.Session, false)
	dueOrder(t, b)
}

// dueOrder says that a bucket's earliest come first, up to the limit.
func dueOrder(t *testing.T, b bench) {
	due := map[string]epoch.Instant{}
	for i := range 40 {
		l := running(2)
		l.Due = noon/2 + epoch.Instant(i*7%40)
		due[l.Session] = b.start(l).Due
	}
	for bucket := range room.DueBuckets {
		var all []string
		b.soon("all that are due", func() string {
			var err error
			all, err = b.s.Due(b.ctx(), bucket, noon-1, 1000)
			isErr(t, "due", err, nil)
			if !slices.IsSortedFunc(all, func(a, b string) int { return int(due[a] - due[b]) }) {
				return "not in order"
			}
			return ""
		})
		some, err := b.s.Due(b.ctx(), bucket, noon-1, min(2, len(all)+1))
		isErr(t, "due", err, nil)
		if len(all) > 2 {
			same(t, "the first two that are due", all[:2], some)
		}
	}
	b.soon("all that are due", func() string {
		n := 0
		for bucket := range room.DueBuckets {
			all, err := b.s.Due(b.ctx(), bucket, noon-1, 1000)
			isErr(t, "due", err, nil)
			for _, s := range all {
				if _, mine := due[s]; mine {
					n++
				}
			}
		}
		if n != len(due) {
			return fmt.Sprintf("%d of %d", n, len(due))
		}
		return ""
	})
}
