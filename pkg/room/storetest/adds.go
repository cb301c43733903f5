package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

func addStored(t *testing.T, b bench) {
	l := b.start(running(4))
	for i, user := range []string{"ann", "Бо", "a.b c[0]#:", ""} {
		a := arrival(l, fmt.Sprintf("c.%d-[é]", i), user, i)
		a.Conn.Streams = map[string]lesson.Stream{"s": {Kind: policy.Audio, CreatedAt: 1}}
		want := a.Into(l)
		l = b.add(a)
		same(t, "what add returns", want, l)
		b.stands(want)
	}
}

func addTwice(t *testing.T, b bench) {
	l := b.start(running(4))
	a := arrival(l, "c1", "ann", 1)
	now := b.add(a)
	_, err := b.s.Add(b.ctx(), a)
	b.conflict(err, now)
}

// clauses take a lesson and an arrival that fit and spoil one thing each.
var clauses = []struct {
	name  string
	fits  bool
	spoil func(*lesson.Lesson, *lesson.Arrival)
}{
	{"nothing wrong", true, func(*lesson.Lesson, *lesson.Arrival) {}},
	{"the last seat is free", true, func(l *lesson.Lesson, a *lesson.Arrival) { *l = with(*l, seated("c8", "di", 0)) }},
	{"no seat is free", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		*l = with(*l, seated("c8", "di", 0), seated("c9", "ed", 0))
	}},
	{"a promise holds the last seat", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		*l = with(*l, seated("c8", "di", 0))
		l.Promises = map[string]lesson.Promise{"p1": {ID: "p1", User: "ed", GivenAt: noon, Expires: noon.Add(time.Hour)}}
	}},
	{"a promise that was freed", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		*l = with(*l, seated("c8", "di", 0))
		l.Promises = map[string]lesson.Promise{"p1": {ID: "p1", User: "ed", GivenAt: noon, Expires: noon + 1, Released: true}}
	}},
	{"the lesson is over", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.Status, l.EndedAt = journal.Ended, noon }},
	{"nothing is due", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.Due = 0 }},
	{"somebody waits", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		w := seated("c9", "ed", 0)
		w.State = lesson.Waiting
		*l = with(*l, w)
	}},
	{"the first of a quorum of two", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Status, l.StartedAt = journal.Open, 0
	}},
	{"the second of a quorum of two", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Status, l.StartedAt, l.Policy = journal.Open, 0, seats(9)
		*l = with(*l, seated("c9", "ed", 0))
	}},
	{"the last who left came later", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Status, l.StartedAt = journal.Open, 0
		c := gone(seated("c9", "ed", 0))
		c.LeftAt = a.Conn.CreatedAt
		*l = with(*l, c)
	}},
	{"before the start", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.StartedAt = a.Conn.CreatedAt + 1 }},
	{"at the start", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.StartedAt = a.Conn.CreatedAt }},
	{"not later than what was forgotten", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.ShedThrough = a.Conn.CreatedAt }},
	{"later than what was forgotten", true, func(l *lesson.Lesson, a *lesson.Arrival) { l.ShedThrough = a.Conn.CreatedAt - 1 }},
	{"another policy", false, func(l *lesson.Lesson, a *lesson.Arrival) { a.PolicyVersion-- }},
	{"a newer policy", false, func(l *lesson.Lesson, a *lesson.Arrival) { a.PolicyVersion++ }},
	{"known, and gone", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		c := gone(a.Conn)
		c.CreatedAt = 0
		*l = with(*l, c)
	}},
	{"the user is in", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		*l = with(*l, seated("c9", a.Conn.User, 0))
		a.Alone = true
	}},
	{"the user was in", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		*l = with(*l, gone(seated("c9", a.Conn.User, 0)))
		a.Alone = true
	}},
	{"the user may be in twice", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		*l = with(*l, seated("c9", a.Conn.User, 0))
	}},
	{"the user holds a promise", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Promises = map[string]lesson.Promise{"p": {ID: "p", User: a.Conn.User, GivenAt: noon, Expires: noon.Add(time.Hour)}}
		a.Alone = true
	}},
	{"unknown users are never the same", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		*l = with(*l, seated("c9", "", 0))
		a.Conn.User, a.Alone = "", true
	}},
	{"as many forgotten as then", true, func(l *lesson.Lesson, a *lesson.Arrival) { l.Shed, a.Shed, a.Pinned = 3, 3, true }},
	{"one more forgotten than then", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.Shed, a.Shed, a.Pinned = 4, 3, true }},
	{"forgotten ones do not matter", true, func(l *lesson.Lesson, a *lesson.Arrival) { l.Shed = 4 }},
	{"as many bans as then", true, func(l *lesson.Lesson, a *lesson.Arrival) { l.Bans, a.Bans = 3, 3 }},
	{"one ban more than then", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.Bans, a.Bans = 4, 3 }},
	{"the first ban since then", false, func(l *lesson.Lesson, a *lesson.Arrival) { l.Bans = 1 }},
	{"fewer bans than then", false, func(l *lesson.Lesson, a *lesson.Arrival) { a.Bans = 1 }},
	{"one ban more than then, for somebody who waits", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		a.Conn.State, a.Line, a.Due = lesson.Waiting, journal.Line{}, l.Due
		l.Bans = 1
	}},
	{"a role without a cap", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Policy, a.Conn.Role = seatsOf(2, 1), "teacher"
		*l = with(*l, student("c8", "di"))
	}},
	{"a seat of the role is free", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Policy, a.Conn.Role, a.RoleCapped = seatsOf(3, 2), "student", true
		*l = with(*l, student("c8", "di"), seated("c9", "ed", 0))
	}},
	{"a promise holds the role's last seat", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Policy, a.Conn.Role, a.RoleCapped = seatsOf(9, 2), "student", true
		*l = with(*l, student("c8", "di"))
		l.Promises = map[string]lesson.Promise{"p1": {ID: "p1", User: "ed", Role: "student", GivenAt: noon, Expires: noon.Add(time.Hour)}}
	}},
	{"a promise of another role", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Policy, a.Conn.Role, a.RoleCapped = seatsOf(9, 2), "student", true
		*l = with(*l, student("c8", "di"))
		l.Promises = map[string]lesson.Promise{"p1": {ID: "p1", User: "ed", Role: "teacher", GivenAt: noon, Expires: noon.Add(time.Hour)}}
	}},
	{"an observer takes none of the role's seats", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Policy, a.Conn.Role, a.RoleCapped = seatsOf(9, 1), "student", true
		c := student("c8", "di")
		c.Observer = true
		*l = with(*l, c)
	}},
	{"the role's seat is taken outside the item", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Policy, a.Conn.Role, a.RoleCapped = seatsOf(9, 1), "student", true
		l.PresentOutside, l.OutsideByRole = 1, map[string]int64{"student": 1}
	}},
	{"no seat of the role is free", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		l.Policy, a.Conn.Role, a.RoleCapped = seatsOf(2, 1), "student", true
		*l = with(*l, student("c8", "di"))
	}},
	{"no cap of the role any more", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		a.Conn.Role, a.RoleCapped = "student", true
	}},
	{"just as many bytes as there is place for", true, func(l *lesson.Lesson, a *lesson.Arrival) { *l = fill(*l, lesson.FullSize-a.Size()) }},
	{"a byte too many", false, func(l *lesson.Lesson, a *lesson.Arrival) { *l = fill(*l, lesson.FullSize-a.Size()+1) }},
	{"as many for somebody who waits", true, func(l *lesson.Lesson, a *lesson.Arrival) {
		a.Conn.State, a.Line, a.Due = lesson.Waiting, journal.Line{}, l.Due
		*l = fill(*l, lesson.FullSize-a.Size())
	}},
	{"a byte too many for somebody who waits", false, func(l *lesson.Lesson, a *lesson.Arrival) {
		a.Conn.State, a.Line, a.Due = lesson.Waiting, journal.Line{}, l.Due
		*l = fill(*l, lesson.FullSize-a.Size()+1)
	}},
	{"one line below the bound", true, func(l *lesson.Lesson, a *lesson.Arrival) { *l = long(*l, lesson.MaxTail-1) }},
	{"lines at the bound", false, func(l *lesson.Lesson, a *lesson.Arrival) { *l = long(*l, lesson.MaxTail) }},
}

func addClauses(t *testing.T, b bench) {
	for _, c := range clauses {
		t.Run(c.name, func(t *testing.T) {
			l := running(2)
			a := arrival(l, "c1", "ann", 9)
			c.spoil(&l, &a)
			if a.Fits(l) != c.fits {
				t.Fatalf("by the rules it fits: %t; the table says %t", !c.fits, c.fits)
			}
			bench{t, b.s}.checkAdd(l, a)
		})
	}
}

// checkAdd starts l and says that the store adds a as the rules do.
func (b bench) checkAdd(l lesson.Lesson, a lesson.Arrival) {
	b.t.Helper()
	l = b.start(l)
	if !a.Fits(l) {
		_, err := b.s.Add(b.ctx(), a)
		b.conflict(err, l)
		return
	}
	want := a.Into(l)
	same(b.t, "what add returns", want, b.add(a))
	b.stands(want)
}

// inRole gives an arrival the role.
func inRole(a lesson.Arrival, l lesson.Lesson, role string) lesson.Arrival {
	a.Conn.Role, a.RoleCapped = role, l.Policy.SeatsOf(role) > 0
	return a
}

// rolesInTurn adds people of several roles, beyond every cap, and says that the
// store does each time as the rules do.
func rolesInTurn(t *testing.T, b bench) {
	for _, p := range []policy.Policy{seatsOf(5, 2), seatsOf(9, 3), seatsOf(2, 2), seats(4)} {
		l := running(1)
		l.Policy = p
		l = b.start(l)
		for i, role := range []string{"student", "", "student", "teacher", "student", "student", "", "teacher", "student"} {
			l = b.addLikeRules(l, inRole(arrival(l, fmt.Sprint("c", i), fmt.Sprint("u", i), i), l, role))
		}
	}
}

// rolesAtOnce: of many of a role, and some of another, as many come in as the rules
// would let in one after the other.
func rolesAtOnce(t *testing.T, b bench) {
	l := running(1)
	l.Policy = seatsOf(9, 4)
	l = b.start(l)
	var all []lesson.Arrival
	want := l
	for i := range 16 {
		a := inRole(arrival(l, fmt.Sprintf("c%02d", i), fmt.Sprint(i), i), l, []string{"student", "student", "student", ""}[i%4])
		if all = append(all, a); a.Fits(want) {
			want = a.Into(want)
		}
	}
	atOnce(len(all), func(i int) {
		_, err := b.s.Add(b.ctx(), all[i])
		if c := new(*room.Conflict); err != nil && !errors.As(err, c) {
			t.Errorf("add %d: %v", i, err)
		}
	})
	got := b.load(l.Session)
	for _, role := range []string{"student", ""} {
		of := func(c lesson.Conn) bool { return c.Role == role }
		if in, most := len(got.Pick(of)), len(want.Pick(of)); in != most {
			t.Errorf("%d of the role %q are in, want %d", in, role, most)
		}
	}
}

func addsAtOnce(t *testing.T, b bench) {
	const n = 24
	l := b.start(running(policy.MaxSeats))
	atOnce(n, func(i int) {
		if _, err := b.s.Add(b.ctx(), arrival(l, fmt.Sprintf("c%02d", i), "ann", i)); err != nil {
			t.Errorf("add %d: %v", i, err)
		}
	})
	got := b.load(l.Session)
	if len(got.Conns) != n || len(got.Tail) != n || got.Added != n || got.Revision != l.Revision {
		t.Errorf("%d connections, %d lines, %d added, revision %d after %d adds at revision %d",
			len(got.Conns), len(got.Tail), got.Added, got.Revision, n, l.Revision)
	}
	for _, line := range got.Tail {
		if _, ok := got.Conns[line.Connection]; !ok {
			t.Errorf("the log names %q, which is not in", line.Connection)
		}
	}
}

func seatsAtOnce(t *testing.T, b bench) {
	const limit = 5
	l := b.start(running(limit))
	var in atomic.Int64
	atOnce(4*limit, func(i int) {
		_, err := b.s.Add(b.ctx(), arrival(l, fmt.Sprintf("c%02d", i), fmt.Sprint(i), i))
		var c *room.Conflict
		switch {
		case err == nil:
			in.Add(1)
		case !errors.As(err, &c):
			t.Errorf("add %d: %v", i, err)
		case c.Winner == nil || len(c.Winner.Conns) != limit:
			t.Errorf("add %d was refused although a seat was free", i)
		}
	})
	if got := len(b.load(l.Session).Conns); in.Load() != limit || got != limit {
		t.Errorf("%d adds went in and %d are stored, want %d", in.Load(), got, limit)
	}
}
