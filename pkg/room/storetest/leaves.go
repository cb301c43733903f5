package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// hall is a lesson without a cap, with two in its item and three outside.
func hall() lesson.Lesson {
	l := running(0)
	l.Shed, l.ShedThrough, l.PresentOutside, l.ObserversOutside = 9, noon-5, 5, 2
	l.OutsideByRole = map[string]int64{"student": 2, "": 1}
	return with(l, seated("c1", "ann", 0), student("c2", "bo"))
}

// departure is that of somebody in l or, where was does not stand there, outside.
func departure(l lesson.Lesson, was lesson.Conn) lesson.Departure {
	c := was
	c.Destroyed, c.LeftAt, c.DepartureHeardAt, c.RetryAt = true, max(l.StartedAt, was.CreatedAt)+5000, max(l.StartedAt, was.CreatedAt)+5040, 0
	_, here := l.Conns[was.ID]
	return lesson.Departure{
		Session: l.Session, PolicyVersion: l.PolicyVersion, Status: l.Status, StartedAt: l.StartedAt,
		Was: was, Conn: c, Outside: !here, Shed: l.Shed,
		Line: journal.Line{
			At: c.DepartureHeardAt, EventAt: c.LeftAt, Event: journal.ConnectionDestroyed,
			Connection: c.ID, User: c.User, Role: c.Role, Action: journal.DidLeave,
		},
	}
}

// outsider is somebody who stands in a record.
func outsider(id string) lesson.Conn { return student(id, "user of "+id) }

// leaveClauses take a hall and a departure from it and spoil one thing each.
var leaveClauses = []struct {
	name  string
	fits  bool
	spoil func(*lesson.Lesson, *lesson.Departure)
}{
	{"nothing wrong", true, func(*lesson.Lesson, *lesson.Departure) {}},
	{"in the item", true, inItem},
	{"in the item, with a promise that is open", true, func(l *lesson.Lesson, d *lesson.Departure) {
		l.Promises = map[string]lesson.Promise{"p1": {ID: "p1", User: "ann", GivenAt: noon, Expires: noon + 1, ForExistingSeat: true}}
		inItem(l, d)
	}},
	{"in the item, with streams", true, func(l *lesson.Lesson, d *lesson.Departure) {
		c := seated("c1", "", 0)
		c.Streams = map[string]lesson.Stream{"s": {Kind: policy.Camera, CreatedAt: noon, Made: true}}
		*l = with(*l, c)
		*d = departure(*l, c)
	}},
	{"in the item, and changed since", false, func(l *lesson.Lesson, d *lesson.Departure) {
		inItem(l, d)
		c := l.Conns["c1"]
		c.Streams = map[string]lesson.Stream{"s": {Kind: policy.Camera, CreatedAt: noon, Made: true}}
		*l = with(*l, c)
	}},
	{"in the item, and gone since", false, func(l *lesson.Lesson, d *lesson.Departure) {
		inItem(l, d)
		*l = with(*l, gone(l.Conns["c1"]))
	}},
	{"in the item, and shed since", false, func(l *lesson.Lesson, d *lesson.Departure) {
		inItem(l, d)
		l.Conns = maps.Clone(l.Conns)
		delete(l.Conns, "c1")
	}},
	{"the last of a role outside", true, func(l *lesson.Lesson, d *lesson.Departure) { l.OutsideByRole = map[string]int64{"student": 1} }},
	{"of a role that nobody counts", true, func(l *lesson.Lesson, d *lesson.Departure) { l.OutsideByRole = nil }},
	{"the last outside", true, func(l *lesson.Lesson, d *lesson.Departure) { l.PresentOutside = 1 }},
	{"an observer outside", true, func(l *lesson.Lesson, d *lesson.Departure) {
		was := outsider("c9")
		was.Observer = true
		*d = departure(*l, was)
	}},
	{"told to go, outside, under a cap", true, func(l *lesson.Lesson, d *lesson.Departure) {
		l.Policy = seats(9)
		was := outsider("c9")
		was.State = lesson.Refused
		*d = departure(*l, was)
	}},
	{"somebody came back inside", false, func(l *lesson.Lesson, d *lesson.Departure) { *l = with(*l, outsider("c9")) }},
	{"one more forgotten than then", false, func(l *lesson.Lesson, d *lesson.Departure) { l.Shed++ }},
	{"another policy", false, func(l *lesson.Lesson, d *lesson.Departure) { d.PolicyVersion-- }},
	{"another start", false, func(l *lesson.Lesson, d *lesson.Departure) { l.StartedAt++ }},
	{"not started", false, func(l *lesson.Lesson, d *lesson.Departure) {
		l.Status, l.StartedAt = journal.Open, 0
		*d = departure(*l, outsider("c9"))
	}},
	{"over since", false, func(l *lesson.Lesson, d *lesson.Departure) { l.Status = journal.Ended }},
	{"over then", true, func(l *lesson.Lesson, d *lesson.Departure) {
		l.Status = journal.Ended
		*d = departure(*l, outsider("c9"))
	}},
	{"over without a start", true, func(l *lesson.Lesson, d *lesson.Departure) {
		l.Status, l.StartedAt = journal.Ended, 0
		*d = departure(*l, outsider("c9"))
	}},
	{"somebody waits", false, func(l *lesson.Lesson, d *lesson.Departure) {
		w := seated("c8", "ed", 0)
		w.State = lesson.Waiting
		*l = with(*l, w)
	}},
	{"nothing is due", false, func(l *lesson.Lesson, d *lesson.Departure) { l.Due = 0 }},
	{"one line below the bound", true, func(l *lesson.Lesson, d *lesson.Departure) { *l = long(*l, lesson.MaxTail-1) }},
	{"lines at the bound", false, func(l *lesson.Lesson, d *lesson.Departure) { *l = long(*l, lesson.MaxTail) }},
	{"just as many bytes as there is place for", true, func(l *lesson.Lesson, d *lesson.Departure) { *l = fill(*l, lesson.FullSize-d.Size()) }},
	{"a byte too many", false, func(l *lesson.Lesson, d *lesson.Departure) { *l = fill(*l, lesson.FullSize-d.Size()+1) }},
}

func inItem(l *lesson.Lesson, d *lesson.Departure) { *d = departure(*l, l.Conns["c1"]) }

func leaveClausesHold(t *testing.T, b bench) {
	for _, c := range leaveClauses {
		t.Run(c.name, func(t *testing.T) {
			l := hall()
			d := departure(l, outsider("c9"))
			c.spoil(&l, &d)
			if d.Fits(l) != c.fits {
				t.Fatalf("by the rules it fits: %t; the table says %t", !c.fits, c.fits)
			}
			bench{t, b.s}.checkLeave(l, d)
		})
	}
}

// checkLeave starts l and says that the store has somebody leave as the rules do, once.
func (b bench) checkLeave(l lesson.Lesson, d lesson.Departure) {
	b.t.Helper()
	l = b.start(l)
	if d.Fits(l) {
		want := d.Into(l)
		same(b.t, "what leave returns", want, b.leave(d))
		b.stands(want)
		l = want
	}
	_, err := b.s.Leave(b.ctx(), d)
	b.conflict(err, l)
}

func (b bench) leave(d lesson.Departure) lesson.Lesson {
	b.t.Helper()
	l, err := b.s.Leave(b.ctx(), d)
	if err != nil {
		b.t.Fatalf("%s leaves: %v", d.Conn.ID, err)
	}
	return l
}

// leavesAtOnce: people who leave, and come, at once are no trouble to each other.
func leavesAtOnce(t *testing.T, b bench) {
	const n = 20
	l := hall()
	l.PresentOutside, l.OutsideByRole = n+1, map[string]int64{"student": n - 1}
	l.ObserversOutside = 0
	for i := range n / 2 {
		l = with(l, seated(fmt.Sprintf("in%02d", i), fmt.Sprint(i), i))
	}
	l = b.start(l)
	atOnce(n, func(i int) {
		was := outsider(fmt.Sprintf("out%02d", i))
		if i%2 == 0 {
			was = l.Conns[fmt.Sprintf("in%02d", i/2)]
		}
		if _, err := b.s.Leave(b.ctx(), departure(l, was)); err != nil {
			t.Errorf("%s leaves: %v", was.ID, err)
		}
		if _, err := b.s.Add(b.ctx(), arrival(l, fmt.Sprintf("new%02d", i), "", i)); err != nil {
			t.Errorf("add %d: %v", i, err)
		}
	})
	got := b.load(l.Session)
	left := len(got.Pick(func(c lesson.Conn) bool { return c.LeftAt != 0 }))
	if left != n || len(got.Tail) != 2*n || got.PresentOutside != n/2+1 || got.OutsideByRole["student"] != n/2-1 {
		t.Errorf("%d have left, the log has %d lines, %d and %v are outside", left, len(got.Tail), got.PresentOutside, got.OutsideByRole)
	}
}

// shedBetweenLeaves: what was to be shed before somebody left who was outside is shed, and
// the counts are those of both.
func shedBetweenLeaves(t *testing.T, b bench) {
	l := long(hall(), 16)
	l = b.start(with(l, gone(seated("c3", "di", 0))))
	in, left := l.Conns["c2"], l.Conns["c3"]
	s := lesson.Shed{
		Lines: 8, Conns: []string{"c2", "c3"}, Records: []lesson.Record{{ID: "c2", Conn: &in}, {ID: "c3", Conn: &left}},
		ShedThrough: left.CreatedAt, PresentOutside: 3, ObserversOutside: 1, OutsideByRole: map[string]int64{"student": 1, "tutor": 1},
	}
	want := departure(l, outsider("c9")).Into(l)
	same(t, "what leave returns", want, b.leave(departure(l, outsider("c9"))))
	want = s.Apply(want)
	same(t, "what shed returns", want, b.shed(l, s))
	b.stands(want)
}

// shedAfterLeave: who has left is not shed as somebody who is in.
func shedAfterLeave(t *testing.T, b bench) {
	l := b.start(hall())
	in := l.Conns["c1"]
	now := b.leave(departure(l, in))
	_, err := b.s.Shed(b.ctx(), l, lesson.Shed{Conns: []string{"c1"}, Records: []lesson.Record{{ID: "c1", Conn: &in}}, PresentOutside: 1})
	b.conflict(err, now)
}

// leave has somebody leave.
func (m *model) leave(t *rapid.T) {
	step(m, t, "leave", DepartureFor(t, m.now, m.adds), m.s.Leave)
}

// DepartureFor draws a departure, the nth, that often fits l. As the rules have it, it makes
// no room under a cap.
func DepartureFor(t *rapid.T, l lesson.Lesson, n int) lesson.Departure {
	was := ConnOf(t, fmt.Sprintf("o%d", n))
	was.LeftAt, was.State = 0, rapid.SampledFrom([]lesson.State{lesson.Seated, lesson.Seated, lesson.Refused}).Draw(t, "state")
	if len(l.Conns) > 0 && rapid.Bool().Draw(t, "in the item") {
		was = l.Conns[rapid.SampledFrom(slices.Sorted(maps.Keys(l.Conns))).Draw(t, "id")]
	}
	if was.In() && !was.Observer && (l.Policy.MaxSeats() > 0 || l.Policy.SeatsOf(was.Role) > 0) {
		was.ID, was.State = fmt.Sprintf("o%d", n), lesson.Refused
	}
	d := departure(l, was)
	d.Conn.LeftAt += epoch.Instant(rapid.SampledFrom([]int{0, 0, -9000}).Draw(t, "earlier"))
	d.PolicyVersion += rapid.SampledFrom([]int64{0, 0, 0, 0, 1, -1}).Draw(t, "version")
	d.Shed += rapid.SampledFrom([]int64{0, 0, 0, 1, -1}).Draw(t, "shed")
	return d
}
