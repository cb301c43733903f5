package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// crowded is a lesson with 16 lines, two who are in, two who left, a promise
// and a digest.
func crowded() lesson.Lesson {
	l := long(running(policy.MaxSeats), 16)
	l.Base, l.ShedThrough = 8, noon-5
	l.Promises = map[string]lesson.Promise{"p1": {ID: "p1", User: "cy", GivenAt: noon, Expires: noon.Add(time.Hour)}}
	l.Seen = map[string]epoch.Instant{"d1": noon, "d2": noon}
	return with(l, seated("c1", "ann", 0), seated("c2", "bo", 0),
		gone(seated("c3", "di", 0)), gone(seated("c4", "", 0)))
}

// partOf sheds 8 lines, one who is in, one who left, the promise and a digest.
func partOf(l lesson.Lesson) lesson.Shed {
	in, left, promise := l.Conns["c1"], l.Conns["c3"], l.Promises["p1"]
	return lesson.Shed{
		Lines: 8,
		Records: []lesson.Record{
			{ID: "c1", Conn: &in},
			{ID: "c3", Conn: &left},
			{ID: "p:p1", Promise: &promise},
			{ID: "e:d1", Seen: l.Seen["d1"]},
			{ID: "u:ann", Holder: "c1"},
		},
		Conns: []string{"c1", "c3"}, Promises: []string{"p1"}, Seen: []string{"d1"},
		ShedThrough: left.CreatedAt, PresentOutside: 1,
	}
}

func shedRecords(t *testing.T, b bench) {
	l := b.start(crowded())
	s := partOf(l)
	want := s.Apply(l)
	same(t, "what shed returns", want, b.shed(l, s))
	b.stands(want)
	for _, r := range s.Records {
		_, got, err := b.s.Lesson(b.ctx(), l.Session, r.ID)
		isErr(t, "load with "+r.ID, err, nil)
		same(t, "the record", []lesson.Record{r}, got)
	}
	ids := []string{"e:d1", "unknown", "c3", "e:d1", "p:p1", "c2", "é"}
	got, records, err := b.s.Lesson(b.ctx(), l.Session, ids...)
	isErr(t, "load with several", err, nil)
	same(t, "the lesson beside its records", want, got)
	same(t, "the records, as they were asked for", []lesson.Record{s.Records[3], s.Records[1], s.Records[2]}, records)
}

func staleShed(t *testing.T, b bench) {
	old := b.start(crowded())
	now := b.swap(old)
	_, err := b.s.Shed(b.ctx(), old, partOf(old))
	b.conflict(err, now)
}

func shedTwice(t *testing.T, b bench) {
	l := b.start(crowded())
	now := b.shed(l, partOf(l))
	_, err := b.s.Shed(b.ctx(), l, partOf(l))
	b.conflict(err, now)
	lines, err := b.s.Lines(b.ctx(), l.Session, 0, 100)
	isErr(t, "lines", err, nil)
	if len(lines) != 8 {
		t.Errorf("%d lines after the same shed twice, want 8", len(lines))
	}
}

func shedAgain(t *testing.T, b bench) {
	l := b.start(crowded())
	l = b.shed(l, lesson.Shed{Records: []lesson.Record{{ID: "u:ann", Holder: "c1"}, {ID: "e:d", Seen: 1}}})
	want := []lesson.Record{{ID: "u:ann"}}
	l = b.shed(l, lesson.Shed{Records: want})
	got, records, err := b.s.Lesson(b.ctx(), l.Session, "u:ann")
	isErr(t, "load", err, nil)
	same(t, "the record", want, records)
	if got.Shed != 3 {
		t.Errorf("%d records were shed, want 3", got.Shed)
	}
}

// shedBetweenAdds sheds what was loaded before the adds; the adds include the
// user who is shed. Afterwards the gate still counts right.
func shedBetweenAdds(t *testing.T, b bench) {
	start := crowded()
	start.Policy = seats(5)
	l := b.start(start)
	first, second := arrival(l, "c10", "ann", 10), arrival(l, "c11", "ed", 11)
	b.add(first)
	want := b.add(second)
	s := partOf(l)
	want = s.Apply(want)
	same(t, "what shed returns", want, b.shed(l, s))
	b.stands(want)
	for i, again := range []lesson.Arrival{
		arrival(l, "c12", "ann", 12), arrival(l, "c13", "cy", 13), arrival(l, "c14", "ed", 14), arrival(l, "c15", "fy", 15),
	} {
		again.Alone = i < 3
		want = b.addLikeRules(want, again)
	}
	if _, ok := want.Conns["c13"]; !ok {
		t.Error("the user whose promise was shed did not fit")
	}
}

// addLikeRules adds a to what is stored, l, and says that the store did as the
// rules do.
func (b bench) addLikeRules(l lesson.Lesson, a lesson.Arrival) lesson.Lesson {
	b.t.Helper()
	got, err := b.s.Add(b.ctx(), a)
	if !a.Fits(l) {
		b.conflict(err, l)
		return l
	}
	if err != nil {
		b.t.Fatalf("add %s: %v", a.Conn.ID, err)
	}
	want := a.Into(l)
	same(b.t, "what add returns", want, got)
	return want
}

func shedAndAddsAtOnce(t *testing.T, b bench) {
	const n = 16
	l := b.start(crowded())
	s := partOf(l)
	atOnce(n+1, func(i int) {
		var err error
		if i == n {
			_, err = b.s.Shed(b.ctx(), l, s)
		} else {
			_, err = b.s.Add(b.ctx(), arrival(l, fmt.Sprintf("n%02d", i), "ann", 20+i))
		}
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	})
	got, want := b.load(l.Session), s.Apply(l)
	for _, line := range got.Tail[min(len(want.Tail), len(got.Tail)):] {
		i := 0
		if _, err := fmt.Sscanf(line.Connection, "n%d", &i); err != nil {
			t.Fatalf("a line of nobody: %+v", line)
		}
		want = arrival(l, line.Connection, "ann", 20+i).Into(want)
	}
	same(t, "the lesson after all", want, got)
	if len(got.Conns) != 2+n {
		t.Errorf("%d connections, want %d", len(got.Conns), 2+n)
	}
}

// shedMuch sheds as much at once as a lesson holds, and less.
func shedMuch(t *testing.T, b bench) {
	for _, size := range []struct{ lines, in, left int }{
		{8, 0, 0}, {0, 30, 0}, {16, 40, 40}, {8, policy.MaxSeats, 0}, {16, 1, 170}, {lesson.MaxTail, 60, 452},
	} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			l := long(running(0), size.lines)
			l.Conns = crowd(size.left)
			for i := range size.in {
				c := seated(fmt.Sprintf("in-%02d", i), fmt.Sprint("user ", i), 0)
				l.Conns[c.ID] = c
			}
			bench{t, b.s}.shedAll(l)
		})
	}
}

// shedAll sheds all that stands in l, after somebody was added.
func (b bench) shedAll(l lesson.Lesson) {
	l = b.start(l)
	s := lesson.Shed{Lines: len(l.Tail), ShedThrough: l.ShedThrough, PresentOutside: 1}
	for id, c := range l.Conns {
		s.Conns = append(s.Conns, id)
		s.Records = append(s.Records, lesson.Record{ID: id, Conn: &c})
	}
	now := b.addLikeRules(l, arrival(l, "added", "user 1", 100))
	now = s.Apply(now)
	same(b.t, "what shed returns", now, b.shed(l, s))
	a := arrival(l, "after", "user 2", 101)
	a.Alone = true
	b.addLikeRules(now, a)
	lines, err := b.s.Lines(b.ctx(), l.Session, 0, 1000)
	isErr(b.t, "lines", err, nil)
	same(b.t, "the lines", numbered(l.Tail, 0), lines)
	records, err := b.s.Records(b.ctx(), l.Session, "", 1000)
	isErr(b.t, "records", err, nil)
	slices.SortFunc(s.Records, byID)
	same(b.t, "the records", s.Records, records)
}

// numbered gives the lines as a reader sees them, the first after base.
func numbered(lines []journal.Line, base int64) []journal.Line {
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i].Seq = base + int64(i) + 1
	}
	return lines
}

func shedLines(t *testing.T, b bench) {
	all := long(running(4), 48).Tail
	l := running(4)
	l.Tail = all[:40]
	l = b.start(l)
	for _, n := range []int{8, 24} {
		l = b.shed(l, lesson.Shed{Lines: n})
	}
	next := l
	next.Tail = append(slices.Clone(l.Tail), all[40:]...)
	l = b.swap(next)
	b.shed(l, lesson.Shed{Lines: 16})
	want := numbered(all, 0)
	for _, c := range []struct {
		after int64
		limit int
	}{{0, 100}, {0, 1}, {0, 8}, {0, 9}, {1, 7}, {7, 3}, {8, 8}, {15, 20}, {17, 100}, {47, 5}, {48, 5}, {1000, 5}} {
		got, err := b.s.Lines(b.ctx(), l.Session, c.after, c.limit)
		isErr(t, "lines", err, nil)
		from := min(int(c.after), len(want))
		same(t, fmt.Sprintf("lines after %d, at most %d", c.after, c.limit),
			want[from:min(from+c.limit, len(want))], got)
	}
}

func pagedRecords(t *testing.T, b bench) {
	l := b.start(running(4))
	var want []lesson.Record
	for i := range 60 {
		want = append(want, lesson.Record{ID: fmt.Sprintf("c%02d-é", i), Conn: &lesson.Conn{ID: fmt.Sprintf("c%02d-é", i), State: lesson.Seated}})
	}
	l = b.shed(l, lesson.Shed{Records: want})
	l = b.shed(l, lesson.Shed{Lines: 0, Records: []lesson.Record{{ID: "e:d", Seen: 1}, {ID: "!", Seen: 2}}})
	want = append(want, lesson.Record{ID: "e:d", Seen: 1}, lesson.Record{ID: "!", Seen: 2})
	slices.SortFunc(want, byID)
	for _, size := range []int{1, 7, 62, 100} {
		var got []lesson.Record
		for after := ""; ; after = got[len(got)-1].ID {
			page, err := b.s.Records(b.ctx(), l.Session, after, size)
			isErr(t, "records", err, nil)
			if got = append(got, page...); len(page) < size || len(got) > len(want) {
				break
			}
		}
		same(t, fmt.Sprintf("records by %d", size), want, got)
	}
	rest, err := b.s.Records(b.ctx(), l.Session, lesson.PastKind("e:a"), 100)
	isErr(t, "records past a kind", err, nil)
	same(t, "records past a kind", want[slices.IndexFunc(want, func(r lesson.Record) bool { return r.ID == "e:d" })+1:], rest)
}

func byID(a, b lesson.Record) int {
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}
