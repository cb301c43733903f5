package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// TestAddMeans says that a store's Add, Leave and Shed mean what Fits and Into of Arrival
// and Departure, and Shed.Apply, say: over random lessons, random arrivals and departures,
// sheds of what was loaded before the latest of them, and swaps in between.
func TestAddMeans(t *testing.T, open func(t *testing.T) room.Store) {
	s := open(t)
	rapid.Check(t, func(r *rapid.T) {
		m := &model{t: r, s: s, ctx: t.Context, now: Lesson(r)}
		m.now.Session, m.now.Room = fresh("s"), fresh("room")
		m.begin()
		r.Repeat(map[string]func(*rapid.T){
			"add":   m.add,
			"add 2": m.add,
			"add 3": m.add,
			"leave": m.leave,
			"swap":  m.swap,
			"load":  func(*rapid.T) { m.loaded = m.now },
			"shed":  m.shed,
		})
		m.check()
	})
}

// model is the lesson as the rules make it, beside the store's.
type model struct {
	t      *rapid.T
	s      room.Store
	ctx    func() context.Context
	now    lesson.Lesson
	loaded lesson.Lesson // as somebody loaded it, perhaps before the latest adds
	adds   int
}

func (m *model) begin() {
	r := room.Room{Name: m.now.Room, Session: m.now.Session}
	if err := m.s.Commit(m.ctx(), room.Change{Room: r, Create: true, Start: &m.now}); err != nil {
		m.t.Fatalf("start: %v", err)
	}
	m.loaded = m.now
}

// check says that the store also reads what its writes returned.
func (m *model) check() {
	got, _, err := m.s.Lesson(m.ctx(), m.now.Session)
	if err != nil {
		m.t.Fatalf("load: %v", err)
	}
	same(m.t, "the stored lesson", m.now, got)
}

func (m *model) add(t *rapid.T) {
	step(m, t, "add", ArrivalFor(t, m.now, m.adds), m.s.Add)
}

// guarded is what a store writes where the stored gate lets it.
type guarded interface {
	Fits(lesson.Lesson) bool
	Into(lesson.Lesson) lesson.Lesson
}

// step writes it: it is stored where it fits, and else the winner is named.
func step[W guarded](m *model, t *rapid.T, name string, w W, write func(context.Context, W) (lesson.Lesson, error)) {
	m.adds++
	got, err := write(m.ctx(), w)
	if !w.Fits(m.now) {
		m.lost(t, err)
		return
	}
	if err != nil {
		t.Fatalf("it fits, but %s says: %v\nwith %+v\ngate %+v", name, err, w, m.now.Gate())
	}
	m.now = w.Into(m.now)
	same(t, "what "+name+" returns", m.now, got)
}

// lost says that err names what is stored.
func (m *model) lost(t *rapid.T, err error) {
	var c *room.Conflict
	if !errors.As(err, &c) || c.Winner == nil {
		t.Fatalf("error is %v, want a conflict with its winner", err)
	}
	same(t, "the winner", m.now, *c.Winner)
}

func (m *model) swap(t *rapid.T) {
	next := Lesson(t)
	next.Session, next.Room, next.Base = m.now.Session, m.now.Room, m.now.Base
	next.Revision, next.Added = m.now.Revision, m.now.Added
	got, err := m.s.Swap(m.ctx(), next)
	if err != nil {
		t.Fatalf("swap: %v", err)
	}
	next.Revision++
	m.now, m.loaded = next, next
	same(t, "what swap returns", next, got)
}

func (m *model) shed(t *rapid.T) {
	s := ShedOf(t, m.loaded)
	got, err := m.s.Shed(m.ctx(), m.loaded, s)
	if m.loaded.Revision != m.now.Revision || m.loaded.Gate().Limit != m.now.Gate().Limit {
		m.lost(t, err)
		m.loaded = m.now
		return
	}
	if err != nil {
		t.Fatalf("shed: %v", err)
	}
	m.now = s.Apply(m.now)
	same(t, "what shed returns", m.now, got)
	if rapid.Bool().Draw(t, "load again") {
		m.loaded = m.now
	}
}

// names are few, so that people meet, and not easy to write down.
var names = rapid.SampledFrom([]string{
	"", "ann", "bo", "李雷", "a.b c[0]#:x", "😀", `"\`, "user", "size", "null", "Ann",
})

// roles are few, so that their caps are reached.
var roles = rapid.SampledFrom([]string{"", "student", "student", "teacher", "r:а"})

// policyOf draws a policy: a cap, or none, and often caps of roles within it.
func policyOf(t *rapid.T) policy.Policy {
	n := rapid.IntRange(0, 6).Draw(t, "seats")
	text := fmt.Sprintf(`{"maxSeats":%d,"duplicateUser":"allow"`, n)
	switch rapid.IntRange(0, 3).Draw(t, "capped roles") {
	case 0:
		return seats(n)
	case 1, 2:
		text += fmt.Sprintf(`,"maxByRole":{"student":%d}}`, rapid.IntRange(1, max(1, n)).Draw(t, "students"))
	case 3:
		text += fmt.Sprintf(`,"maxByRole":{"student":%d,"teacher":1}}`, rapid.IntRange(1, max(1, n)).Draw(t, "students"))
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// times are few, so that they coincide.
var times = rapid.Custom(func(t *rapid.T) epoch.Instant {
	return noon + epoch.Instant(rapid.IntRange(-3, 12).Draw(t, "time"))
})

// maybe is zero as often as not.
func maybe[T any](g *rapid.Generator[T]) *rapid.Generator[T] {
	var zero T
	return rapid.OneOf(rapid.Just(zero), g)
}

// ConnOf draws a connection with that id.
func ConnOf(t *rapid.T, id string) lesson.Conn {
	flag := rapid.Bool()
	c := lesson.Conn{
		ID: id, CreatedAt: times.Draw(t, "created"), HeardAt: times.Draw(t, "heard"),
		User: names.Draw(t, "user"), Role: roles.Draw(t, "role"),
		State:   rapid.SampledFrom(states).Draw(t, "state"),
		Reason:  rapid.SampledFrom([]journal.Reason{"", journal.RoomFull, journal.Admin}).Draw(t, "reason"),
		Foreign: flag.Draw(t, "foreign"), Reserved: flag.Draw(t, "reserved"), Confirmed: flag.Draw(t, "confirmed"),
		HeardLate: flag.Draw(t, "late"), Unlogged: flag.Draw(t, "unlogged"), LeftLowerBound: flag.Draw(t, "lower bound"),
		Created: flag.Draw(t, "made"), Destroyed: flag.Draw(t, "destroyed"),
		LeftAt: maybe(times).Draw(t, "left"), PlaceAt: maybe(times).Draw(t, "placeAt"),
		ShownAt: maybe(times).Draw(t, "shown"), ListedAt: maybe(times).Draw(t, "listed"), DepartureCheckAt: maybe(times).Draw(t, "check"),
		RetryAt: maybe(times).Draw(t, "retry"), Tries: rapid.IntRange(0, 3).Draw(t, "tries"),
		Promise:  rapid.SampledFrom([]string{"", "p1", "p2"}).Draw(t, "promise"),
		PlaceID:  rapid.SampledFrom([]string{"", "c1"}).Draw(t, "placeId"),
		Observer: rapid.IntRange(0, 4).Draw(t, "observer") == 0,
	}
	if flag.Draw(t, "streams") {
		c.Streams = map[string]lesson.Stream{id + " s": {
			Kind:      rapid.SampledFrom([]policy.Kind{"", policy.Camera, policy.Audio}).Draw(t, "kind"),
			CreatedAt: times.Draw(t, "stream"), Made: flag.Draw(t, "stream made"), Gone: flag.Draw(t, "gone"),
			AskedAt: maybe(times).Draw(t, "asked away"), GraceEndsAt: maybe(times).Draw(t, "grace"),
		}}
	}
	return c
}

// states has those twice that leave room for an Add.
var states = []lesson.State{
	lesson.Seated, lesson.Seated, lesson.Seated, lesson.Refused, lesson.Evicted, lesson.HeardAfterLeaving, lesson.Waiting, lesson.ListedOnly,
}

func linesOf(t *rapid.T) []journal.Line {
	n := rapid.SampledFrom([]int{0, 0, 1, 8, 9, 16, 17, lesson.MaxTail - 2, lesson.MaxTail}).Draw(t, "lines")
	lines := make([]journal.Line, n)
	for i := range lines {
		lines[i] = line(fmt.Sprint("c", i), "ann", noon+epoch.Instant(i))
	}
	return lines
}

// Lesson draws a lesson, more often than not one that somebody may be added to.
func Lesson(t *rapid.T) lesson.Lesson {
	flag := rapid.Bool()
	small := rapid.Int64Range(0, 3)
	l := lesson.Lesson{
		Session: "s", Room: "r", Own: flag.Draw(t, "own"), Created: times.Draw(t, "created"),
		Revision: small.Draw(t, "revision"), Added: small.Draw(t, "added"),
		Policy:        policyOf(t),
		PolicyVersion: small.Draw(t, "version"),
		Rules:         []policy.Rule{{Since: times.Draw(t, "since"), Quorum: int(small.Draw(t, "quorum")), Seconds: 60, Roles: map[string]int{"": 1, "teacher": 2}, Opens: 5, Pauses: rapid.Bool().Draw(t, "pauses")}},
		Status:        rapid.SampledFrom([]journal.Status{journal.Running, journal.Running, journal.Open, journal.Ended}).Draw(t, "status"),
		Outcome:       rapid.SampledFrom([]journal.Outcome{"", journal.ByAdmin, journal.Completed}).Draw(t, "outcome"),
		StartedAt:     maybe(times).Draw(t, "started"), EndedAt: maybe(times).Draw(t, "ended"),
		ExtendedMillis: int64(maybe(times).Draw(t, "extended")), FixedEnd: maybe(times).Draw(t, "fixed"),
		Conns: map[string]lesson.Conn{}, Promises: map[string]lesson.Promise{}, Seen: map[string]epoch.Instant{},
		Tail: linesOf(t), Base: 8 * small.Draw(t, "base"),
		Shed: small.Draw(t, "shed"), ShedThrough: maybe(times).Draw(t, "floor"), PresentOutside: small.Draw(t, "outside"),
		ReadAt: maybe(times).Draw(t, "read"), WatchAt: maybe(times).Draw(t, "watch"),
		EmptyReadings: rapid.IntRange(0, 2).Draw(t, "empty"),
		Due:           rapid.OneOf(rapid.Just(epoch.Instant(0)), times, times, times).Draw(t, "due"),
		RoomCreated:   maybe(times).Draw(t, "room created"), Bans: maybe(small).Draw(t, "bans"),
		ObserversOutside: maybe(small).Draw(t, "observers outside"), OutsideByRole: outsideOf(t),
		OutsideReviewAt: maybe(times).Draw(t, "review"), StreamsReadAt: maybe(times).Draw(t, "streams read"),
		StreamsUnread: rapid.IntRange(0, 2).Draw(t, "unread"),
	}
	l.PresentOutside += l.ObserversOutside // who are among them
	for i := range rapid.IntRange(0, 2).Draw(t, "bans to keep") {
		b := BanOf(t, fmt.Sprintf("banned %d", i))
		if l.BansToKeep == nil {
			l.BansToKeep = map[string]lesson.Ban{}
		}
		l.BansToKeep[b.User] = b
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "conns") {
		id := fmt.Sprintf("c%d.é", i)
		l.Conns[id] = ConnOf(t, id)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "promises") {
		id := fmt.Sprintf("p%d", i)
		l.Promises[id] = promiseOf(t, id)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "seen") {
		l.Seen[fmt.Sprintf("d%d", i)] = times.Draw(t, "seen at")
	}
	return l
}

// outsideOf draws how many are outside, by role: usually none.
func outsideOf(t *rapid.T) map[string]int64 {
	return maybe(rapid.MapOfN(roles, rapid.Int64Range(0, 3), 0, 2)).Draw(t, "outside by role")
}

// BanOf draws a ban of the user.
func BanOf(t *rapid.T, user string) lesson.Ban {
	return lesson.Ban{
		User: user, Until: maybe(times).Draw(t, "until"), At: times.Draw(t, "banned"),
		Note: names.Draw(t, "note"), Actor: names.Draw(t, "actor"),
	}
}

func promiseOf(t *rapid.T, id string) lesson.Promise {
	return lesson.Promise{
		ID: id, User: cmp.Or(names.Draw(t, "user"), "di"), Role: roles.Draw(t, "role"),
		GivenAt: times.Draw(t, "given"), Expires: times.Draw(t, "expires"),
		Released:        rapid.Bool().Draw(t, "freed"),
		Used:            rapid.SampledFrom([]string{"", "c0.é", "c9"}).Draw(t, "used"),
		ForExistingSeat: rapid.Bool().Draw(t, "for the seat"),
		Observer:        rapid.IntRange(0, 4).Draw(t, "observer") == 0,
	}
}

// ArrivalFor draws an arrival, the nth, that more often than not fits l where
// a seat is free.
func ArrivalFor(t *rapid.T, l lesson.Lesson, n int) lesson.Arrival {
	id := fmt.Sprintf("n%d", n)
	if len(l.Conns) > 0 && rapid.IntRange(0, 9).Draw(t, "known") == 0 {
		id = rapid.SampledFrom(slices.Sorted(maps.Keys(l.Conns))).Draw(t, "id")
	}
	c := ConnOf(t, id)
	c.State, c.LeftAt = lesson.Seated, 0
	c.CreatedAt += epoch.Instant(rapid.SampledFrom([]int{0, 20, 20}).Draw(t, "later"))
	a := lesson.Arrival{
		Session: l.Session, Conn: c, Line: line(id, c.User, c.HeardAt),
		PolicyVersion: l.PolicyVersion + rapid.SampledFrom([]int64{0, 0, 0, 0, 1, -1}).Draw(t, "version"),
		Alone:         rapid.Bool().Draw(t, "alone"), Pinned: rapid.Bool().Draw(t, "pinned"),
		Shed: l.Shed + rapid.SampledFrom([]int64{0, 0, 1, -1}).Draw(t, "shed"),
		Bans: max(0, l.Bans+rapid.SampledFrom([]int64{0, 0, 0, 0, 1, -1}).Draw(t, "bans")),
		// What has a cap of its own is said by the policy that decided it.
		RoleCapped: l.Policy.SeatsOf(c.Role) > 0 || rapid.IntRange(0, 9).Draw(t, "capped") == 0,
	}
	if rapid.IntRange(0, 3).Draw(t, "waits") == 0 {
		a.Conn.State, a.Line = lesson.Waiting, journal.Line{}
		a.Due = max(1, l.Due+epoch.Instant(rapid.IntRange(-2, 1).Draw(t, "due")))
	}
	return a
}

// ShedOf draws a shed of what stands in l.
func ShedOf(t *rapid.T, l lesson.Lesson) lesson.Shed {
	s := lesson.Shed{
		Lines:          8 * rapid.IntRange(0, len(l.Tail)/8).Draw(t, "chunks"),
		ShedThrough:    max(l.ShedThrough, maybe(times).Draw(t, "floor")),
		Conns:          some(t, l.Conns),
		Promises:       some(t, l.Promises),
		Seen:           some(t, l.Seen),
		PresentOutside: rapid.Int64Range(0, 1).Draw(t, "outside"),

		ObserversOutside: maybe(rapid.Int64Range(0, 2)).Draw(t, "observers outside"), OutsideByRole: outsideOf(t),
	}
	s.PresentOutside += s.ObserversOutside
	for _, id := range s.Conns {
		c := l.Conns[id]
		s.Records = append(s.Records, lesson.Record{ID: id, Conn: &c})
	}
	for _, id := range s.Promises {
		p := l.Promises[id]
		s.Records = append(s.Records, lesson.Record{ID: "p:" + id, Promise: &p})
	}
	for _, d := range s.Seen {
		s.Records = append(s.Records, lesson.Record{ID: "e:" + d, Seen: l.Seen[d]})
	}
	return s
}

// some draws a part of m's keys.
func some[V any](t *rapid.T, m map[string]V) []string {
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if rapid.Bool().Draw(t, "leaves") {
			keys = append(keys, k)
		}
	}
	return keys
}
