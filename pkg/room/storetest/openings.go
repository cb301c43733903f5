package storetest

import (
	"fmt"
	"slices"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// opens commits a lesson of the room that began then, and gives its opening.
func (b bench) opens(r *room.Room, at epoch.Instant) room.Opening {
	b.t.Helper()
	l := running(4)
	l.Room, l.RoomCreated, l.Created = r.Name, r.Created, at
	r.Session = l.Session
	b.commit(room.Change{Room: *r, Create: r.Revision == 0, Start: &l})
	r.Revision++
	return room.Opening{At: at, Session: l.Session}
}

// listed asks for all lessons of the room, by pages of that size.
func (b bench) listed(r room.Room, size int) []room.Opening {
	b.t.Helper()
	var got []room.Opening
	for after := (room.Opening{}); ; after = got[len(got)-1] {
		page, err := b.s.LessonsOf(b.ctx(), r.Name, r.Created, after, size)
		isErr(b.t, "lessons of a room", err, nil)
		if len(page) > size {
			b.t.Fatalf("%d lessons on a page of %d", len(page), size)
		}
		if got = append(got, page...); len(page) < size {
			return got
		}
	}
}

func pagedOpenings(t *testing.T, b bench) {
	r := room.Room{Name: fresh("room"), Created: noon - 5}
	same(t, "lessons of a room without any", 0, len(b.listed(r, 10)))
	var want []room.Opening
	for i := range 23 {
		want = append(want, b.opens(&r, noon+epoch.Instant(i/2*3))) // two begin in one moment
	}
	slices.SortFunc(want, func(a, b room.Opening) int {
		if a.At != b.At {
			return int(b.At - a.At)
		}
		return cmpString(b.Session, a.Session)
	})
	for _, size := range []int{1, 7, 23, 100} {
		same(t, fmt.Sprintf("lessons by %d", size), want, b.listed(r, size))
	}
	rest, err := b.s.LessonsOf(b.ctx(), r.Name, r.Created, room.Opening{At: want[4].At, Session: "\x7f"}, 100)
	isErr(t, "lessons from where there is none", err, nil)
	same(t, "lessons from where there is none", want[slices.IndexFunc(want, func(o room.Opening) bool { return o.At == want[4].At }):], rest)
}

// A room that was made anew, and one whose name begins alike, do not show each other's.
func openingsApart(t *testing.T, b bench) {
	r := room.Room{Name: fresh("room"), Created: noon}
	before := b.opens(&r, noon+1)
	b.commit(room.Change{Room: r, Delete: true})
	anew := room.Room{Name: r.Name, Created: noon + 9}
	after := b.opens(&anew, noon+10)
	longer := room.Room{Name: r.Name + "2", Created: noon}
	b.opens(&longer, noon+1)
	same(t, "lessons of the room that was made anew", []room.Opening{after}, b.listed(anew, 10))
	same(t, "lessons of the one before", []room.Opening{before}, b.listed(r, 10))
}

func openingsAtomic(t *testing.T, b bench) {
	r := room.Room{Name: fresh("room"), Created: noon}
	one := b.opens(&r, noon+1)
	again, stale := running(4), r
	again.Room, again.RoomCreated, again.Created, again.Session = r.Name, r.Created, noon+2, one.Session
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: r, Start: &again}))
	other := with(again)
	other.Session, stale.Revision = fresh("s"), 7
	noWinner(t, b.s.Commit(b.ctx(), room.Change{Room: stale, Start: &other}))
	same(t, "lessons after two that did not begin", []room.Opening{one}, b.listed(r, 10))
}

func openingsOdd(t *testing.T, b bench) {
	r := room.Room{Name: fresh("room"), Created: noon}
	l := running(4)
	l.Room, l.RoomCreated, l.Created, l.Session = r.Name, r.Created, noon, "1_MX40~"+fresh("s")+" #/?[]@%00ü"
	b.commit(room.Change{Room: r, Create: true, Start: &l})
	same(t, "an odd session", []room.Opening{{At: noon, Session: l.Session}}, b.listed(r, 10))
	same(t, "its lesson", l, b.load(l.Session))
}
