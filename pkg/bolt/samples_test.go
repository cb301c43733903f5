package bolt

import (
	"context"
	"fmt"
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
	"usher/pkg/room"
)

// noon is when the samples happen.
const noon epoch.Instant = 1_700_000_000_000

// begin starts a running lesson in a room of the same name.
func begin(ctx context.Context, s *Store, name, text string) (lesson.Lesson, error) {
	p := policy.Stored(text)
	l := lesson.Lesson{
		Session: "session-" + name, Room: name, Created: noon, Policy: p, PolicyVersion: 1,
		Rules:  []policy.Rule{{Since: noon, Quorum: 2, Seconds: 60}},
		Status: journal.Running, StartedAt: noon + 1, Due: noon.Add(time.Hour),
	}
	err := s.Commit(ctx, room.Change{
		Room: room.Room{Name: name, Created: noon, Policy: p, Session: l.Session}, Create: true, Start: &l,
	})
	return l, err
}

func start(t testing.TB, s *Store, name, text string) lesson.Lesson {
	t.Helper()
	l, err := begin(t.Context(), s, name, text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// arrival is the i-th to come; it fits while a seat is free.
func arrival(l lesson.Lesson, i int) lesson.Arrival {
	id, at := fmt.Sprintf("c%d", i), l.StartedAt+1+epoch.Instant(i)
	return lesson.Arrival{
		Session: l.Session, PolicyVersion: l.PolicyVersion,
		Conn: lesson.Conn{
			ID: id, User: "user-" + id, Role: "student", State: lesson.Seated,
			Created: true, CreatedAt: at, HeardAt: at, ShownAt: at,
		},
		Line: journal.Line{At: at, EventAt: at, Event: journal.ConnectionCreated, Connection: id, User: "user-" + id, Action: journal.DidSeat},
	}
}

func mustAdd(t testing.TB, s *Store, a lesson.Arrival) lesson.Lesson {
	t.Helper()
	l, err := s.Add(t.Context(), a)
	if err != nil {
		t.Fatalf("add %s: %v", a.Conn.ID, err)
	}
	return l
}
