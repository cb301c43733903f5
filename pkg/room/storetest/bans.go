package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// banned commits the bans of a room as they stand, as its next revision.
func (b bench) banned(r *room.Room, bans []lesson.Ban, lift ...string) {
	b.t.Helper()
	b.commit(room.Change{Room: *r, Bans: bans, Lift: lift})
	r.Revision++
}

// newRoom stores a room of that name.
func (b bench) newRoom(name string) room.Room {
	b.t.Helper()
	r := room.Room{Name: name, Created: noon}
	b.commit(room.Change{Room: r, Create: true})
	r.Revision++
	return r
}

// banIs says that want is the user's ban; nil for none.
func (b bench) banIs(name, user string, want *lesson.Ban) {
	b.t.Helper()
	got, found, err := b.s.Ban(b.ctx(), name, user)
	if err != nil {
		b.t.Fatalf("ban of %q: %v", user, err)
	}
	if found != (want != nil) {
		b.t.Fatalf("a ban of %q is there: %t, want %t", user, found, want != nil)
	}
	if want != nil {
		same(b.t, "the ban", *want, got)
	}
}

func (b bench) bans(name, after string, limit int) []lesson.Ban {
	b.t.Helper()
	got, err := b.s.Bans(b.ctx(), name, after, limit)
	if err != nil {
		b.t.Fatalf("bans of %s after %q: %v", name, after, err)
	}
	if len(got) > limit {
		b.t.Fatalf("%d bans on a page of %d", len(got), limit)
	}
	return got
}

// banLife puts a ban, replaces it and lifts it.
func banLife(t *testing.T, b bench) {
	r := b.newRoom(fresh("room"))
	b.banIs(r.Name, "ann", nil)
	first, bare := fullBan("ann"), lesson.Ban{User: "bo", At: noon}
	r.Bans = 2
	b.banned(&r, []lesson.Ban{first, bare})
	b.banIs(r.Name, "ann", &first)
	b.banIs(r.Name, "bo", &bare)
	b.banIs(r.Name, "Ann", nil)
	b.banIs(r.Name, "", nil)
	same(t, "the room", r, b.room(r.Name))

	second := lesson.Ban{User: "ann", At: noon + 1, Actor: "rule"}
	b.banned(&r, []lesson.Ban{second})
	b.banIs(r.Name, "ann", &second)
	same(t, "all bans", []lesson.Ban{second, bare}, b.bans(r.Name, "", 10))

	third := fullBan("cy")
	b.banned(&r, []lesson.Ban{third}, "ann", "nobody")
	b.banIs(r.Name, "ann", nil)
	same(t, "all bans", []lesson.Ban{bare, third}, b.bans(r.Name, "", 10))
	b.banned(&r, nil, "bo", "cy")
	same(t, "no bans", nil, b.bans(r.Name, "", 10))
	b.banned(&r, nil, "bo")
}

// bansAtomic: a commit that conflicts, for whatever reason, neither bans nor lifts.
func bansAtomic(t *testing.T, b bench) {
	l := b.start(running(4))
	r := b.room(l.Room)
	stays := fullBan("ann")
	next := l
	next.Bans = 1
	b.commit(room.Change{Room: r, Swap: &next, Bans: []lesson.Ban{stays}})
	next.Revision++
	r.Revision++
	b.stands(next)
	c := room.Change{Room: r, Bans: []lesson.Ban{fullBan("bo")}, Lift: []string{"ann"}}
	for name, spoil := range map[string]func(*room.Change){
		"an old revision of the room": func(c *room.Change) { c.Room.Revision-- },
		"a room that is there":        func(c *room.Change) { c.Create = true },
		"an old lesson":               func(c *room.Change) { c.Swap = &l },
		"a lesson that is there":      func(c *room.Change) { c.Start = &next },
	} {
		lost := c
		spoil(&lost)
		noWinner(t, b.s.Commit(b.ctx(), lost))
		b.banIs(r.Name, "bo", nil)
		b.banIs(r.Name, "ann", &stays)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	b.commit(c)
	b.banIs(r.Name, "ann", nil)
}

// bansOutlive: the bans are those of the name, whatever becomes of the room.
func bansOutlive(t *testing.T, b bench) {
	r := b.newRoom(fresh("room"))
	ban := fullBan("ann")
	b.banned(&r, []lesson.Ban{ban})
	b.commit(room.Change{Room: r, Delete: true, Bans: []lesson.Ban{fullBan("bo")}})
	b.banIs(r.Name, "ann", &ban)
	again := room.Room{Name: r.Name, Created: noon}
	b.commit(room.Change{Room: again, Create: true, Lift: []string{"bo"}})
	same(t, "the bans", []lesson.Ban{ban}, b.bans(r.Name, "", 10))
}

// oddUsers are in the order of their bytes.
var oddUsers = []string{
	"!", "#", "/", "/b#a/r", "A", "B#a", "a", "a b.c[0]#:x", "a#", "a/b", "aa", "b", strings.Repeat("x", 128), "é", "李雷", "\uffff",
	"😀", strings.Repeat("😀", 32),
}

func pagedBans(t *testing.T, b bench) {
	r := b.newRoom(fresh("room"))
	var want []lesson.Ban
	for i, user := range oddUsers {
		want = append(want, lesson.Ban{User: user, At: noon + epoch.Instant(i)})
	}
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	b.banned(&r, backwards)
	for _, ban := range want {
		b.banIs(r.Name, ban.User, &ban)
	}
	for _, size := range []int{1, 5, len(want), 100} {
		var got []lesson.Ban
		for after := ""; ; after = got[len(got)-1].User {
			page := b.bans(r.Name, after, size)
			if got = append(got, page...); len(page) < size || len(got) > len(want) {
				break
			}
		}
		same(t, fmt.Sprintf("bans by %d", size), want, got)
	}
	same(t, "bans after one that is not there", want[6:8], b.bans(r.Name, "Z", 2))
	same(t, "no bans", nil, b.bans(r.Name, "", 0))
}

// bansApart: rooms whose names run into one another have bans of their own.
func bansApart(t *testing.T, b bench) {
	stem := fresh("room")
	names := []string{stem, stem + "#", stem + "#u", stem + "/a", stem + "a", stem + "😀"}
	for i, name := range names {
		r := b.newRoom(name)
		b.banned(&r, []lesson.Ban{{User: "ann", At: noon + epoch.Instant(i)}, {User: fmt.Sprint("a", i), At: noon}})
	}
	for i, name := range names {
		want := []lesson.Ban{{User: fmt.Sprint("a", i), At: noon}, {User: "ann", At: noon + epoch.Instant(i)}}
		same(t, "the bans of "+name, want, b.bans(name, "", 100))
		b.banIs(name, fmt.Sprint("a", (i+1)%len(names)), nil)
	}
}

// manyBans are as many as one change takes, also with a lesson that ends and one
// that begins, and no more.
func manyBans(t *testing.T, b bench) {
	l := b.start(running(4))
	r := b.room(l.Room)
	var bans []lesson.Ban
	for i := range room.MaxBans {
		bans = append(bans, fullBan(fmt.Sprintf("user %02d", i)))
	}
	next, started := l, running(2)
	started.Room = l.Room
	b.commit(room.Change{Room: r, Swap: &next, Start: &started, Bans: bans})
	r.Revision++
	same(t, "all bans", bans, b.bans(r.Name, "", 100))
	lift := make([]string, 0, len(bans))
	for _, ban := range bans[1:] {
		lift = append(lift, ban.User)
	}
	for what, wrong := range map[string]room.Change{
		"more than MaxBans":       {Bans: []lesson.Ban{fullBan("more"), fullBan("much more")}, Lift: lift},
		"banned twice":            {Bans: []lesson.Ban{fullBan("a"), fullBan("a")}},
		"lifted twice":            {Lift: []string{"user 01", "user 01"}},
		"banned and lifted":       {Bans: bans[1:2], Lift: lift[:1]},
		"nobody is banned":        {Bans: []lesson.Ban{{At: noon}}},
		"nobody's ban, to lift":   {Lift: []string{""}},
		"nobody, after somebody ": {Bans: []lesson.Ban{fullBan("a"), {}}},
	} {
		wrong.Room = r
		var c *room.Conflict
		if err := b.s.Commit(b.ctx(), wrong); err == nil || errors.As(err, &c) || errors.Is(err, room.ErrUnavailable) {
			t.Errorf("%s: error is %v, want one that says what is wrong", what, err)
		}
	}
	same(t, "all bans", bans, b.bans(r.Name, "", 100))
	b.banned(&r, []lesson.Ban{fullBan("more")}, lift...)
	same(t, "what is left", []lesson.Ban{fullBan("more"), bans[0]}, b.bans(r.Name, "", 100))
}

func bansAtOnce(t *testing.T, b bench) {
	r := b.newRoom(fresh("room"))
	var won atomic.Int64
	won.Store(-1)
	atOnce(6, func(i int) {
		bans := []lesson.Ban{fullBan("ann"), fullBan(fmt.Sprint("user ", i))}
		bans[0].Note = fmt.Sprint(i)
		err := b.s.Commit(b.ctx(), room.Change{Room: r, Bans: bans})
		var c *room.Conflict
		switch {
		case err == nil:
			if !won.CompareAndSwap(-1, int64(i)) {
				t.Errorf("commit %d won too", i)
			}
		case !errors.As(err, &c):
			t.Errorf("commit %d: %v", i, err)
		}
	})
	want := []lesson.Ban{fullBan("ann"), fullBan(fmt.Sprint("user ", won.Load()))}
	want[0].Note = fmt.Sprint(won.Load())
	same(t, "the bans", want, b.bans(r.Name, "", 10))
}
