//go:build verify

package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// size is what DynamoDB counts for an attribute, about: numbers take a byte for
// two digits and one more, maps and lists 3 bytes and one for each member.
func size(a types.AttributeValue) int {
	n := 0
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return len(a.Value)
	case *types.AttributeValueMemberN:
		return (len(a.Value)+1)/2 + 1
	case *types.AttributeValueMemberL:
		for _, e := range a.Value {
			n += size(e) + 1
		}
		return n + 3
	case *types.AttributeValueMemberM:
		for k, e := range a.Value {
			n += len(k) + size(e) + 1
		}
		return n + 3
	}
	return 1
}

// member is somebody who takes part as people do.
func member(i int) (lesson.Conn, journal.Line) {
	id := fmt.Sprintf("c1b2d3e4-0000-4000-8000-%012d", i)
	at := epoch.Instant(1_700_000_000_000 + i)
	user := fmt.Sprintf("student-%02d", i)
	c := lesson.Conn{
		ID: id, CreatedAt: at, HeardAt: at + 200, User: user, Role: "student",
		Promise: fmt.Sprintf("q0w9e8r7t6y5u4i3o2p1%02d", i),
		State:   lesson.Seated, Reserved: true, Created: true, ShownAt: at + 200,
		Streams: map[string]lesson.Stream{"f1e2d3c4-" + id[9:]: {Kind: policy.Camera, CreatedAt: at + 900, Made: true}},
	}
	return c, journal.Line{
		At: at + 200, EventAt: at, Event: journal.ConnectionCreated, Connection: id, User: user, Role: "student", Action: journal.DidSeat,
	}
}

// lessonOf is a lesson with n people in and that many log lines.
func lessonOf(n, lines int) lesson.Lesson {
	l := lesson.Lesson{
		Session: fmt.Sprintf("1_MX40NjkyMDM0MX5-MTcwMDAwMDAwMDAwMH5aWlpaWlpaWlpaWlpaWlpaWlpaWlp-%d-%d", n, lines),
		Room:    fmt.Sprintf("math-%d-%d", n, lines), Created: 1_699_999_000_000, Policy: policy.Stored(`{"maxSeats":66,"maxByRole":{"student":65},"lessonSeconds":3600}`),
		PolicyVersion: 1, Rules: []policy.Rule{{Since: 1_699_999_000_000, Quorum: 2, Seconds: 3600}},
		Status: journal.Running, StartedAt: 1_699_999_100_000, Due: 1_700_003_600_000, WatchAt: 1_700_000_060_000,
		Conns: map[string]lesson.Conn{}, Promises: map[string]lesson.Promise{}, Seen: map[string]epoch.Instant{},
	}
	for i := range n {
		c, _ := member(i)
		l.Conns[c.ID] = c
	}
	for i := range lines {
		_, line := member(i)
		l.Tail = append(l.Tail, line)
	}
	return l
}

// meter counts what a store uses.
type meter struct {
	requests    int
	read, write float64
}

func (m *meter) count(_ string, read, write float64) {
	m.requests++
	m.read += read
	m.write += write
}

// requestCosts says how many requests each method makes, and that a small lesson's
// write is cheap; the log shows the units.
func requestCosts(t *testing.T, client *dynamodb.Client) {
	m := &meter{}
	s := on(client, OnCapacity(m.count))
	for _, size := range []struct{ people, lines int }{{2, 8}, {8, 8}, {30, 16}, {63, 16}} {
		l := lessonOf(size.people, size.lines)
		t.Run(fmt.Sprintf("%d people and %d lines", size.people, size.lines), func(t *testing.T) {
			logSizes(t, l)
			for _, op := range methods(s, &l) {
				*m = meter{}
				if err := op.call(t.Context()); err != nil {
					t.Fatalf("%s: %v", op.name, err)
				}
				t.Logf("%-20s %d requests, %4.1f read, %4.1f write units", op.name, m.requests, m.read, m.write)
				if m.requests != op.requests {
					t.Errorf("%s made %d requests, want %d", op.name, m.requests, op.requests)
				}
				if m.read+m.write == 0 {
					t.Errorf("%s reports no units", op.name)
				}
				if op.name == "Add" && size.people == 2 && m.write > 3 {
					t.Errorf("an arrival costs %.1f units, want at most 3", m.write)
				}
			}
		})
	}
}

func logSizes(t *testing.T, l lesson.Lesson) {
	c, line := member(1)
	t.Logf("the item has about %d bytes; a connection with a stream %d, a log line %d",
		size(&types.AttributeValueMemberM{Value: stored(l)}), size(value(c, func(k *coder, v *lesson.Conn) { connFields(k, c.ID, v) })),
		size(value(line, lineFields)))
}

type method struct {
	name     string
	requests int
	call     func(context.Context) error
}

// methods are called in this order on one lesson.
func methods(s *Store, l *lesson.Lesson) []method {
	c, line := member(99)
	c.Role = "teacher"
	keep := func(got lesson.Lesson, err error) error {
		*l = got
		return err
	}
	r := room.Room{Name: l.Room, Session: l.Session, Policy: l.Policy}
	return []method{
		{"Commit create+start", 1, func(ctx context.Context) error { return s.Commit(ctx, room.Change{Room: r, Create: true, Start: l}) }},
		{"Lesson", 1, func(ctx context.Context) error { return keep(plainLesson(ctx, s, l.Session)) }},
		{"Lesson with record", 1, func(ctx context.Context) error { _, _, err := s.Lesson(ctx, l.Session, "nobody"); return err }},
		{"Add", 1, func(ctx context.Context) error {
			return keep(s.Add(ctx, lesson.Arrival{Session: l.Session, PolicyVersion: 1, Conn: c, Line: line, Alone: true}))
		}},
		{"Add in a role", 1, func(ctx context.Context) error {
			c, line := member(98)
			c.CreatedAt++
			return keep(s.Add(ctx, lesson.Arrival{Session: l.Session, PolicyVersion: 1, Conn: c, Line: line, Alone: true, RoleCapped: true}))
		}},
		{"Swap", 1, func(ctx context.Context) error { return keep(s.Swap(ctx, *l)) }},
		{"Swap, another due", 1, func(ctx context.Context) error { l.Due++; return keep(s.Swap(ctx, *l)) }},
		{"Shed 1 and 8 lines", 2, func(ctx context.Context) error {
			return keep(s.Shed(ctx, *l, lesson.Shed{Lines: 8, Conns: []string{c.ID}, Records: []lesson.Record{{ID: c.ID, Conn: &c}}}))
		}},
		{"Commit room+swap", 1, func(ctx context.Context) error {
			r.Revision = 1
			return s.Commit(ctx, room.Change{Room: r, Swap: l})
		}},
		{"Commit room+swap+2 bans", 1, func(ctx context.Context) error {
			r.Revision, l.Revision = 2, l.Revision+1
			return s.Commit(ctx, room.Change{Room: r, Swap: l, Bans: []lesson.Ban{banOf(1), banOf(2)}, Lift: []string{"nobody"}})
		}},
		{"Ban", 1, func(ctx context.Context) error { return banned(ctx, s, l.Room, "student-01", true) }},
		{"Ban, none", 1, func(ctx context.Context) error { return banned(ctx, s, l.Room, "student-03", false) }},
		{"LessonsOf", 1, func(ctx context.Context) error {
			_, err := s.LessonsOf(ctx, l.Room, l.RoomCreated, room.Opening{}, 100)
			return err
		}},
		{"Bans", 1, func(ctx context.Context) error { _, err := s.Bans(ctx, l.Room, "", 100); return err }},
		{"Room", 1, func(ctx context.Context) error { _, err := s.Room(ctx, l.Room); return err }},
		{"Rooms", 1, func(ctx context.Context) error { _, err := s.Rooms(ctx, "", 100); return err }},
		{"Lessons", 1, func(ctx context.Context) error { _, err := s.Lessons(ctx, []string{l.Session}); return err }},
		{"Lines", 1, func(ctx context.Context) error { _, err := s.Lines(ctx, l.Session, 0, 100); return err }},
		{"Records", 1, func(ctx context.Context) error { _, err := s.Records(ctx, l.Session, "", 100); return err }},
		{"Due", 1, func(ctx context.Context) error { return due(ctx, s, l.Session) }},
	}
}

func banOf(i int) lesson.Ban {
	return lesson.Ban{User: fmt.Sprintf("student-%02d", i), Until: 1_700_000_600_000, At: 1_700_000_000_000, Actor: "api", Note: "noise"}
}

// banned looks for the user's ban.
func banned(ctx context.Context, s *Store, name, user string, want bool) error {
	_, found, err := s.Ban(ctx, name, user)
	if err == nil && found != want {
		return fmt.Errorf("a ban of %q is there: %t", user, found)
	}
	return err
}

// manyBans says that one user among ten thousand costs as much as one among none.
func manyBans(t *testing.T, client *dynamodb.Client) {
	const n = 10_000
	m := &meter{}
	s := on(client, OnCapacity(m.count))
	r := room.Room{Name: "math", Bans: n}
	if err := s.Commit(t.Context(), room.Change{Room: r, Create: true}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < n; i += room.MaxBans {
		c := room.Change{Room: r.Next()}
		r = c.Room
		for k := i; k < min(n, i+room.MaxBans); k++ {
			c.Bans = append(c.Bans, banOf(k))
		}
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for user, want := range map[string]bool{"student-00": true, "student-9999": true, "nobody": false} {
		*m = meter{}
		if err := banned(t.Context(), s, r.Name, user, want); err != nil {
			t.Fatal(err)
		}
		if m.requests != 1 || m.read > 1 {
			t.Errorf("the ban of %q: %d requests, %.1f units, want 1 and at most 1", user, m.requests, m.read)
		}
	}
	*m = meter{}
	page, err := s.Bans(t.Context(), r.Name, "student-5", 100)
	if err != nil || len(page) != 100 {
		t.Fatalf("a page of %d bans: %v", len(page), err)
	}
	if m.requests != 1 || m.read > 3 {
		t.Errorf("a page of 100 bans: %d requests, %.1f units, want 1 and at most 3", m.requests, m.read)
	}
	all, err := s.Bans(t.Context(), r.Name, "", n+1)
	if err != nil || len(all) != n {
		t.Errorf("%d bans (%v), want all %d", len(all), err, n)
	}
}

func plainLesson(ctx context.Context, s *Store, session string) (lesson.Lesson, error) {
	l, _, err := s.Lesson(ctx, session)
	return l, err
}

// due finds the session in its bucket.
func due(ctx context.Context, s *Store, session string) error {
	bucket, err := strconv.Atoi(bucketOf(session))
	if err != nil {
		return err
	}
	found, err := s.Due(ctx, bucket, 1_800_000_000_000, 100)
	if err == nil && !slices.Contains(found, session) {
		return fmt.Errorf("%q is not due in its bucket: %q", session, found)
	}
	return err
}
