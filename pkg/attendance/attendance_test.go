package attendance_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/attendance"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

const noon epoch.Instant = 1_700_000_000_000

// at is so many seconds after noon.
func at(seconds float64) epoch.Instant {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

// conn is a seated connection of the user by webhooks, from one second to another; 0: it
// is still in.
func conn(id, user string, from, to float64, change ...func(*lesson.Conn)) lesson.Conn {
	c := lesson.Conn{ID: id, User: user, State: lesson.Seated, Created: true, CreatedAt: at(from), ShownAt: at(from)}
	if to != 0 {
		c.Destroyed, c.LeftAt = true, at(to)
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func missed(c *lesson.Conn)   { c.Destroyed, c.LeftLowerBound = false, true }
func listed(c *lesson.Conn)   { c.Created = false }
func observes(c *lesson.Conn) { c.Observer = true }
func as(role string) func(*lesson.Conn) {
	return func(c *lesson.Conn) { c.Role = role }
}

func is(s lesson.State, why journal.Reason) func(*lesson.Conn) {
	return func(c *lesson.Conn) { c.State, c.Reason = s, why }
}

// of is the record after 200 s of a lesson that started at noon, with a quorum of two.
func of(change func(*lesson.Lesson), conns ...lesson.Conn) attendance.Record {
	l := lesson.Lesson{
		Session: "s", Room: "maths", Status: journal.Running, StartedAt: noon,
		Rules: policy.FirstRules(policy.Stored(`{"quorum":2}`)), Conns: map[string]lesson.Conn{},
	}
	for _, c := range conns {
		l.Conns[c.ID] = c
	}
	if change != nil {
		change(&l)
	}
	return attendance.Open(l, at(200)).Close()
}

func ended(l *lesson.Lesson) {
	l.Status, l.Outcome, l.EndedAt = journal.Ended, journal.Completed, at(160)
}

// told is the rows in words: from, to, present, connections.
func told(r attendance.Record) []string {
	var rows []string
	for _, u := range r.Users {
		out := "-"
		if u.LastOut != 0 {
			out = fmt.Sprint(u.LastOut.Sub(noon).Seconds())
		}
		row := fmt.Sprintf("%s %v..%s %v s in %d", u.User, u.FirstIn.Sub(noon).Seconds(), out, u.Present.Seconds(), u.Connections)
		if u.Role != "" {
			row += " as " + u.Role
		}
		if u.Observer {
			row += ", observes"
		}
		if !u.Exact {
			row += ", at least"
		}
		rows = append(rows, row)
	}
	return rows
}

func TestRows(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*lesson.Lesson)
		conns  []lesson.Conn
		want   []string
	}{
		"one departure of four was lost": {
			conns: []lesson.Conn{conn("A", "ann", 0, 68), conn("B", "ann", 41, 60, missed), conn("C", "ann", 93, 138), conn("D", "ann", 138, 158)},
			want:  []string{"ann 0..158 133 s in 4, at least"},
		},
		"overlaps count once, and gaps not": {
			conns: []lesson.Conn{conn("A", "ann", 0, 100), conn("B", "ann", 20, 30), conn("C", "ann", 90, 110.5), conn("D", "ann", 150, 151)},
			want:  []string{"ann 0..151 111.5 s in 4"},
		},
		"still in": {
			conns: []lesson.Conn{conn("A", "ann", 0, 10), conn("B", "ann", 50, 0)},
			want:  []string{"ann 0..- 160 s in 2"},
		},
		"the role is the newest": {
			conns: []lesson.Conn{conn("A", "ann", 0, 10, as("student")), conn("B", "ann", 5, 20, as("teacher"))},
			want:  []string{"ann 0..20 20 s in 2 as teacher"},
		},
		"unknown users are a row a connection": {
			conns: []lesson.Conn{conn("A", "", 0, 10), conn("B", "", 0, 20)},
			want:  []string{" 0..10 10 s in 1", " 0..20 20 s in 1"},
		},
		"an observer is apart": {
			conns: []lesson.Conn{conn("A", "rex", 0, 10, observes), conn("B", "rex", 5, 20)},
			want:  []string{"rex 0..10 10 s in 1, observes", "rex 5..20 15 s in 1"},
		},
		"who had no right is not there": {
			conns: []lesson.Conn{
				conn("A", "ann", 0, 10, is(lesson.Refused, journal.NotAllowed)), conn("B", "bea", 0, 10, is(lesson.Evicted, journal.RoomFull)),
				conn("C", "cem", 0, 10, is(lesson.HeardAfterLeaving, journal.Removed)),
			},
		},
		"who had the right until it went is": {
			conns: []lesson.Conn{
				conn("A", "ann", 0, 10, is(lesson.Evicted, journal.Admin)), conn("B", "bea", 0, 10, is(lesson.Evicted, journal.DuplicateUser)),
				conn("C", "cem", 0, 10, is(lesson.HeardAfterLeaving, "")),
			},
			want: []string{"ann 0..10 10 s in 1", "bea 0..10 10 s in 1", "cem 0..10 10 s in 1"},
		},
		"a newcomer without a right had one before": {
			conns: []lesson.Conn{conn("A", "ann", 0, 90, is(lesson.Refused, journal.RoomFull), func(c *lesson.Conn) { c.CountedUntil = at(40) })},
			want:  []string{"ann 0..40 40 s in 1, at least"},
		},
		"known from the list alone": {
			conns: []lesson.Conn{conn("A", "", 7, 0, listed, is(lesson.ListedOnly, ""))},
			want:  []string{" 7..- 193 s in 1, at least"},
		},
		"old news of somebody the list does not show": {
			conns: []lesson.Conn{conn("A", "ann", 7, 0, is(lesson.HeardAfterLeaving, ""))},
			want:  []string{"ann 7..7 0 s in 1, at least"},
		},
		"told to go, and not proven gone": {
			conns: []lesson.Conn{conn("A", "ann", 0, 0, is(lesson.Evicted, journal.Admin))},
			want:  []string{"ann 0..- 200 s in 1, at least"},
		},
		"not proven gone after the end": {
			change: ended,
			conns:  []lesson.Conn{conn("A", "ann", 0, 0, is(lesson.Evicted, journal.LessonOver)), conn("B", "bea", 100, 160.25, is(lesson.Evicted, journal.LessonOver))},
			want:   []string{"ann 0..160 160 s in 1, at least", "bea 100..160.25 60.25 s in 1"},
		},
		"who came after the end is not there": {
			change: ended,
			conns:  []lesson.Conn{conn("A", "ann", 160, 170, is(lesson.HeardAfterLeaving, "")), conn("B", "bea", 170, 0, is(lesson.Refused, journal.LessonOver))},
		},
		"the earliest first": {
			conns: []lesson.Conn{conn("A", "zoe", 0, 10), conn("B", "ann", 1, 20), conn("C", "bea", 1, 20)},
			want:  []string{"zoe 0..10 10 s in 1", "ann 1..20 19 s in 1", "bea 1..20 19 s in 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, told(of(c.change, c.conns...))); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestTogether(t *testing.T) {
	byRole := func(l *lesson.Lesson) {
		l.Rules = policy.FirstRules(policy.Stored(`{"quorumRoles":{"teacher":1,"student":1}}`))
	}
	for name, c := range map[string]struct {
		change func(*lesson.Lesson)
		conns  []lesson.Conn
		want   float64
	}{
		"from the start on":       {nil, []lesson.Conn{conn("A", "ann", -50, 100), conn("B", "bea", -20, 90)}, 90},
		"up to now":               {nil, []lesson.Conn{conn("A", "ann", 0, 0), conn("B", "bea", 0, 0)}, 200},
		"up to the end":           {ended, []lesson.Conn{conn("A", "ann", 0, 161), conn("B", "bea", 0, 162)}, 160},
		"with gaps":               {nil, []lesson.Conn{conn("A", "ann", 0, 100), conn("B", "bea", 0, 30), conn("C", "bea", 40, 50)}, 40},
		"one in two tabs is one":  {nil, []lesson.Conn{conn("A", "ann", 0, 100), conn("B", "ann", 0, 100)}, 0},
		"an observer is none":     {nil, []lesson.Conn{conn("A", "ann", 0, 100), conn("B", "rex", 0, 100, observes)}, 0},
		"old news does not count": {nil, []lesson.Conn{conn("A", "ann", 0, 100), conn("B", "bea", 0, 90, is(lesson.HeardAfterLeaving, ""), func(c *lesson.Conn) { c.HeardLate = true })}, 0},
		"by role": {byRole, []lesson.Conn{
			conn("A", "ann", 0, 100, as("teacher")), conn("B", "bea", 10, 30, as("student")), conn("C", "cem", 20, 50, as("student")),
		}, 40},
		"not started": {func(l *lesson.Lesson) { l.StartedAt = 0 }, []lesson.Conn{conn("A", "ann", 0, 100), conn("B", "bea", 0, 90)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := of(c.change, c.conns...).Together.Seconds(); got != c.want {
				t.Errorf("%v s together, want %v", got, c.want)
			}
		})
	}
}

// A record that stands in the lesson again is older than what stands there.
func TestRecordsAreOlder(t *testing.T) {
	l := lesson.Lesson{Conns: map[string]lesson.Conn{"A": conn("A", "ann", 0, 10)}}
	b := attendance.Open(l, at(200))
	for _, c := range []lesson.Conn{conn("A", "ann", 0, 0), conn("B", "bea", 1, 2)} {
		b.Add(lesson.Record{ID: c.ID, Conn: &c})
	}
	b.Add(lesson.Record{ID: lesson.PromiseKey("p1"), Promise: &lesson.Promise{ID: "p1"}})
	if diff := cmp.Diff([]string{"ann 0..10 10 s in 1", "bea 1..2 1 s in 1"}, told(b.Close())); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// All that is allocated for a hall of 15,000, whether it lives on or not, is far below the
// bound of its memory.
func TestHallIsSmall(t *testing.T) {
	const people = 15_000
	records := make([]lesson.Record, people)
	for i := range records {
		c := conn(fmt.Sprintf("c%05d", i), fmt.Sprintf("user %05d", i), float64(i%100), 150)
		records[i] = lesson.Record{ID: c.ID, Conn: &c}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b := attendance.Open(lesson.Lesson{StartedAt: noon, Rules: policy.FirstRules(policy.Policy{})}, at(200))
	for _, r := range records {
		b.Add(r)
	}
	record := b.Close()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; len(record.Users) != people || took > 32<<20 {
		t.Errorf("%d rows took %d KB", len(record.Users), took>>10)
	}
}

// What a picture is drawn from: each connection's own time in, and where the clock stood
// still.
func TestStaysAndPauses(t *testing.T) {
	pauses := func(l *lesson.Lesson) {
		ended(l)
		l.Rules = policy.FirstRules(policy.Stored(`{"quorum":2,"lessonSeconds":600,"clock":"pause"}`))
	}
	people := []lesson.Conn{conn("A", "ann", 0, 0), conn("A2", "ann", 20, 50, missed), conn("B", "bob", 0, 30), conn("B2", "bob", 60, 150)}
	r := of(pauses, people...)
	want := []attendance.Span{{From: at(30), To: at(60)}, {From: at(150), To: at(160)}}
	if diff := cmp.Diff(want, r.Pauses); diff != "" || r.Together != 120*time.Second {
		t.Errorf("together for %v, pauses -want +got\n%s", r.Together, diff)
	}
	stays := []attendance.Stay{
		{Connection: "A", Span: attendance.Span{From: at(0), To: at(160)}, Bound: true},
		{Connection: "A2", Span: attendance.Span{From: at(20), To: at(50)}, Bound: true},
	}
	if diff := cmp.Diff(stays, r.Users[0].Stays); diff != "" {
		t.Errorf("stays -want +got\n%s", diff)
	}
	if r := of(ended, people...); r.Pauses != nil || r.Together != 120*time.Second {
		t.Errorf("a clock that runs on paused at %v, together for %v", r.Pauses, r.Together)
	}
	if r := of(nil, people...); r.At != at(200) || !r.Users[0].Stays[0].In || r.Users[0].Stays[0].To != at(200) {
		t.Errorf("now, at %v, the record is %+v", r.At, r)
	}
}
