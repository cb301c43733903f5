package lesson_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// Whatever comes, in whatever order, and whether or not what is over leaves the
// item, no decision makes a lesson larger than it may be; and at every moment it
// can end.
func TestNoLessonOutgrowsItsItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFlood(t)
		steps := map[string]func(){
			"come": f.come, "leave": f.leave, "publish": f.publish, "join": f.join, "odd": f.odd,
			"fail": f.fail, "read": f.read, "policy": f.policy, "pass": f.pass, "shed": f.shed,
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			steps[rapid.SampledFrom(slices.Sorted(maps.Keys(steps))).Draw(t, "step")]()
			f.canEnd()
		}
	})
}

// flood is a lesson in which everything is long and comes in crowds.
type flood struct {
	t       *rapid.T
	l       lesson.Lesson
	now     epoch.Instant
	id      string // in front of the ids
	user    string // and the users
	n       int
	version int64
	in      []string // in truth, the last ones
	came    map[string]epoch.Instant
	records map[string]lesson.Record
}

func newFlood(t *rapid.T) *flood {
	f := &flood{t: t, now: noon, version: 1, came: map[string]epoch.Instant{}, records: map[string]lesson.Record{}}
	f.id = strings.Repeat("x", rapid.SampledFrom([]int{28, 247}).Draw(t, "id"))
	f.user = strings.Repeat("u", rapid.SampledFrom([]int{4, 120}).Draw(t, "user"))
	f.l = lesson.New(lesson.Begin{
		Room: "r", Session: "s", Own: rapid.Bool().Draw(t, "own"), Policy: f.drawPolicy(), PolicyVersion: 1,
	}, journal.FromAPI, "", noon)
	return f
}

func (f *flood) drawPolicy() policy.Policy {
	text := fmt.Sprintf(`{"maxSeats":%d,"duplicateUser":%q,"foreignTokens":%q,"lessonSeconds":%d}`,
		rapid.SampledFrom([]int{0, 1, 2, 64}).Draw(f.t, "seats"),
		rapid.SampledFrom([]string{"replace-older", "refuse-newer", "allow"}).Draw(f.t, "duplicates"),
		rapid.SampledFrom([]string{"accept", "accept", "refuse"}).Draw(f.t, "foreign"),
		rapid.SampledFrom([]int{0, 3600, 80000}).Draw(f.t, "seconds"))
	p, err := policy.Parse([]byte(text))
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// crowd is how many do something at once.
func (f *flood) crowd() int { return rapid.SampledFrom([]int{1, 10, 100}).Draw(f.t, "crowd") }

// decide takes in the decision as it is stored, and holds it against the bound.
func (f *flood) decide(in lesson.Input) {
	d := lesson.Decide(f.l, in, f.now)
	if errors.Is(d.Verdict, lesson.ErrCrowded) {
		f.shed()
		d = lesson.Decide(f.l, in, f.now)
	}
	if errors.Is(d.Verdict, lesson.ErrCrowded) {
		return
	}
	next := d.Lesson
	if d.Write == lesson.Add {
		if !d.Add.Fits(f.l) {
			f.t.Fatalf("an arrival was decided that does not fit")
		}
		next = d.Add.Into(f.l)
	}
	if n := next.Size(); n > lesson.MaxSize {
		f.t.Fatalf("%T made the lesson %d bytes large", in, n)
	}
	f.l = next
}

func (f *flood) hear(e lesson.Event) {
	e.Session, e.Received, e.Digest = "s", f.now, strings.Repeat("d", 55)+fmt.Sprintf("%09d", f.n)
	f.n++
	var records []lesson.Record
	for _, id := range f.l.RecordsFor(e) {
		if r, ok := f.records[id]; ok {
			records = append(records, r)
		}
	}
	f.decide(lesson.Webhook{Event: e, Records: records})
}

func (f *flood) come() {
	users := rapid.SampledFrom([]int{1, 3, 1000}).Draw(f.t, "users")
	for range f.crowd() {
		id := fmt.Sprintf("%s%08d", f.id, f.n)
		f.now++
		f.in, f.came[id] = append(f.in, id), f.now
		f.hear(lesson.Event{
			Name: journal.ConnectionCreated, At: f.now, Connection: id, ConnectedAt: f.now,
			Data: rapid.SampledFrom([]string{f.userOf(users), f.userOf(users), f.token(users), ""}).Draw(f.t, "data"),
		})
	}
}

func (f *flood) userOf(of int) string { return fmt.Sprintf("%s%d", f.user, f.n%of) }

func (f *flood) token(of int) string { return lesson.DataOf(fmt.Sprintf("promise-%d", f.n%of), nil) }

func (f *flood) leave() {
	for range min(len(f.in), f.crowd()) {
		id := f.in[len(f.in)-1]
		f.in = f.in[:len(f.in)-1]
		f.hear(lesson.Event{Name: journal.ConnectionDestroyed, At: f.now, Connection: id, ConnectedAt: f.came[id], Reason: "clientDisconnected"})
	}
}

func (f *flood) publish() {
	name := rapid.SampledFrom([]string{journal.StreamCreated, journal.StreamCreated, journal.StreamDestroyed}).Draw(f.t, "event")
	people := f.in[len(f.in)-min(len(f.in), f.crowd()):]
	if len(people) == 0 {
		return
	}
	for i := range 2 * f.crowd() {
		id := people[i%len(people)]
		f.now++
		f.hear(lesson.Event{
			Name: name, At: f.now, Connection: id, ConnectedAt: f.came[id],
			Stream: fmt.Sprintf("%s%08d", f.id, f.n), StreamAt: f.now, Kind: policy.Camera,
		})
	}
}

func (f *flood) join() {
	for range f.crowd() {
		f.n++
		f.now++
		f.decide(lesson.Join{
			User: f.userOf(1000), ID: fmt.Sprintf("promise-%d", f.n%1000), Expires: f.now.Add(time.Minute), Since: f.now,
			Looked: &lesson.Reconcile{Reading: &lesson.Reading{Began: f.now}, Shed: f.l.Shed},
		})
	}
}

// odd is an event that nobody knows.
func (f *flood) odd() {
	for range 10 {
		f.hear(lesson.Event{Name: strings.Repeat("n", 255), Reason: strings.Repeat("r", 255), At: f.now})
	}
}

// fail lets every request to disconnect fail.
func (f *flood) fail() {
	for _, id := range slices.Sorted(maps.Keys(f.l.Conns)) {
		if c := f.l.Conns[id]; c.RetryAt != 0 {
			f.decide(lesson.DisconnectFailed{Connection: id, After: c.Tries})
		}
	}
}

// read reconciles the lesson with a list of those who are in, and of strangers.
func (f *flood) read() {
	r := lesson.Reading{Began: f.now, Whole: rapid.Bool().Draw(f.t, "whole")}
	for _, id := range f.in {
		r.Present = append(r.Present, lesson.Presence{ID: id, Since: f.came[id]})
	}
	for range rapid.SampledFrom([]int{0, 0, 20, 1000}).Draw(f.t, "strangers") {
		f.n++
		r.Present = append(r.Present, lesson.Presence{ID: fmt.Sprintf("%s%08d", f.id, f.n), Since: f.now})
	}
	s := lesson.Reconcile{Reading: &r, Shed: f.l.Shed}
	if rapid.IntRange(0, 4).Draw(f.t, "fails") == 0 {
		s.Reading = nil
	}
	var records []lesson.Record
	for _, p := range r.Present {
		if rec, ok := f.records[p.ID]; ok {
			records = append(records, rec)
		}
	}
	s.Recollect(records)
	f.decide(s)
}

func (f *flood) policy() {
	f.version++
	f.decide(lesson.NewPolicy{Policy: f.drawPolicy(), Version: f.version})
}

func (f *flood) pass() {
	f.now = f.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 20 * time.Minute, 25 * time.Hour}).Draw(f.t, "pass"))
	f.decide(lesson.Wake{})
}

// shed moves out of the item what leaves it.
func (f *flood) shed() {
	s, ok := f.l.ToShed()
	if !ok {
		return
	}
	before := f.l.Size()
	f.l = s.Apply(f.l)
	for _, r := range s.Records {
		f.records[r.ID] = r
	}
	if n := f.l.Size(); n > before {
		f.t.Fatalf("a shed made the lesson larger: %d bytes after %d", n, before)
	}
}

// canEnd says that the end has its place, by the API's word and by the deadline,
// also where nothing else has any.
func (f *flood) canEnd() {
	if f.l.Status == journal.Ended {
		return
	}
	brimful := f.l
	if n := lesson.MaxSize - f.l.Size(); n > 200 {
		brimful.Tail = append(slices.Clone(f.l.Tail), journal.Line{Action: journal.DidNothing})
		brimful.Tail[len(f.l.Tail)].Note = journal.Note(strings.Repeat("x", lesson.MaxSize-brimful.Size()))
	}
	f.ends(brimful, lesson.End{Actor: strings.Repeat("a", 128)}, f.now)
	if f.l.Status == journal.Running && f.l.Deadline() != 0 {
		f.ends(brimful, lesson.Wake{}, f.l.Deadline())
	}
}

func (f *flood) ends(l lesson.Lesson, in lesson.Input, at epoch.Instant) {
	people := l.Pick(lesson.Conn.In)
	d := lesson.Decide(l, in, at)
	if d.Verdict != nil || d.Lesson.Status != journal.Ended {
		f.t.Fatalf("%T does not end the lesson: %v", in, d.Verdict)
	}
	if n := d.Lesson.Size(); n > lesson.MaxSize {
		f.t.Fatalf("%T makes a lesson of %d bytes one of %d", in, l.Size(), n)
	}
	if n := len(d.Effects.Disconnect); n != len(people) {
		f.t.Fatalf("%d of %d are asked to go", n, len(people))
	}
}
