// Package storetest is the contract of room.Store, as a suite that every store
// passes: TestStore method by method, TestAddMeans over random lessons.
//
// It is trusted with what the doorkeeper rests on: that a write happens on its
// condition or not at all, that a lost race names the winner, and that nothing
// which was stored is given back otherwise. What the rules make of it is not
// tested here. Start reading at the table in TestStore; each line is a promise.
package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// TestStore runs the contract of room.Store against the stores that open gives:
// one for each subtest, empty or not; the suite uses names of its own.
func TestStore(t *testing.T, open func(t *testing.T) room.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, bench)
	}{
		{"what is not there", absent},
		{"a lesson comes back as it was stored", roundTrip},
		{"what is loaded can be changed without a trace", aliasing},
		{"a lesson starts once", startTwice},
		{"a swap needs the revision", staleSwap},
		{"a swap needs the count of adds", swapAfterAdd},
		{"a swap drops what next does not hold", swapClears},
		{"of swaps at once one wins", swapsAtOnce},
		{"an add is stored", addStored},
		{"an add twice conflicts with itself", addTwice},
		{"an add fits in every clause or conflicts", addClauses},
		{"adds do not conflict", addsAtOnce},
		{"seats stay below the cap", seatsAtOnce},
		{"seats of a role stay below its cap", rolesAtOnce},
		{"a role's cap is the rules'", rolesInTurn},
		{"a departure fits in every clause or conflicts", leaveClausesHold},
		{"departures and adds do not conflict", leavesAtOnce},
		{"shed does not conflict with departures from outside", shedBetweenLeaves},
		{"shed conflicts with departures of those it may name", shedAfterLeave},
		{"shed records come with the lesson", shedRecords},
		{"shed needs the revision", staleShed},
		{"shed twice conflicts", shedTwice},
		{"shed rewrites records", shedAgain},
		{"shed does not conflict with adds", shedBetweenAdds},
		{"shed and adds at once", shedAndAddsAtOnce},
		{"shed of all that a lesson can hold", shedMuch},
		{"lines come back in order, without holes", shedLines},
		{"records are paged", pagedRecords},
		{"rooms are paged by name", pagedRooms},
		{"a room's life", roomLife},
		{"a commit is all or nothing", commitAtomic},
		{"a commit needs the room's revision", commitConditions},
		{"of commits at once one wins", commitsAtOnce},
		{"a ban's life", banLife},
		{"bans are all or nothing", bansAtomic},
		{"bans outlive their room", bansOutlive},
		{"bans are paged by user", pagedBans},
		{"other rooms' bans are apart", bansApart},
		{"many bans in one commit", manyBans},
		{"of commits with bans at once one wins", bansAtOnce},
		{"a room's lessons are paged, the newest first", pagedOpenings},
		{"other rooms' lessons are apart", openingsApart},
		{"a lesson that does not begin is not listed", openingsAtomic},
		{"an odd session is listed as it is", openingsOdd},
		{"many lessons at once", manyLessons},
		{"due appears, moves and disappears", dueIndex},
		{"a cancelled context", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, bench{t, open(t)}) })
	}
}

// bench is a store under test; its methods fail the test at the first surprise.
type bench struct {
	t *testing.T
	s room.Store
}

func (b bench) ctx() context.Context { return b.t.Context() }

// fresh gives a name that nobody has used.
func fresh(kind string) string { return kind + "-" + rand.Text() }

// start stores l as a new lesson in a new room.
func (b bench) start(l lesson.Lesson) lesson.Lesson {
	b.t.Helper()
	r := room.Room{Name: l.Room, Created: l.Created, Policy: l.Policy, Session: l.Session}
	if err := b.s.Commit(b.ctx(), room.Change{Room: r, Create: true, Start: &l}); err != nil {
		b.t.Fatalf("start %s: %v", l.Session, err)
	}
	return b.load(l.Session)
}

func (b bench) load(session string) lesson.Lesson {
	b.t.Helper()
	l, _, err := b.s.Lesson(b.ctx(), session)
	if err != nil {
		b.t.Fatalf("load %s: %v", session, err)
	}
	return l
}

func (b bench) add(a lesson.Arrival) lesson.Lesson {
	b.t.Helper()
	l, err := b.s.Add(b.ctx(), a)
	if err != nil {
		b.t.Fatalf("add %s: %v", a.Conn.ID, err)
	}
	return l
}

func (b bench) swap(next lesson.Lesson) lesson.Lesson {
	b.t.Helper()
	l, err := b.s.Swap(b.ctx(), next)
	if err != nil {
		b.t.Fatalf("swap %s: %v", next.Session, err)
	}
	return l
}

func (b bench) shed(l lesson.Lesson, s lesson.Shed) lesson.Lesson {
	b.t.Helper()
	got, err := b.s.Shed(b.ctx(), l, s)
	if err != nil {
		b.t.Fatalf("shed from %s: %v", l.Session, err)
	}
	return got
}

// stands says that want is what the store holds.
func (b bench) stands(want lesson.Lesson) {
	b.t.Helper()
	same(b.t, "the stored lesson", want, b.load(want.Session))
}

// conflict says that err is a Conflict whose winner is want and still stands.
func (b bench) conflict(err error, want lesson.Lesson) {
	b.t.Helper()
	var c *room.Conflict
	if !errors.As(err, &c) {
		b.t.Fatalf("error is %v, want a conflict", err)
	}
	if c.Winner == nil {
		b.t.Fatal("the conflict does not name the winner")
	}
	same(b.t, "the winner", want, *c.Winner)
	b.stands(want)
}
