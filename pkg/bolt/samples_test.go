package bolt

import (
	"context"
	"fmt"
	"testing"

	"usher/pkg/room"
)

// noon is when the samples happen.
const noon room.Time = 1_700_000_000_000

// begin starts a running lesson in a room of the same name.
func begin(ctx context.Context, s *Store, name, policy string) (room.Lesson, error) {
	p := room.StoredPolicy(policy)
	l := room.Lesson{
		Session: "session-" + name, Room: name, Created: noon, Policy: p, PolicyVersion: 1,
		Rules:  []room.Rule{{Since: noon, Quorum: 2, Seconds: 60}},
		Status: room.Running, StartedAt: noon + 1, Due: noon + room.Hour,
	}
	err := s.Commit(ctx, room.Change{
		Room: room.Room{Name: name, Created: noon, Policy: p, Session: l.Session}, Create: true, Start: &l,
	})
	return l, err
}

func start(t testing.TB, s *Store, name, policy string) room.Lesson {
	t.Helper()
	l, err := begin(t.Context(), s, name, policy)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// arrival is the i-th to come; it fits while a seat is free.
func arrival(l room.Lesson, i int) room.Arrival {
	id, at := fmt.Sprintf("c%d", i), l.StartedAt+1+room.Time(i)
	return room.Arrival{
		Session: l.Session, PolicyVersion: l.PolicyVersion,
		Conn: room.Conn{
			ID: id, User: "user-" + id, Role: "student", State: room.Seated,
			Created: true, CreatedAt: at, HeardAt: at, ShownAt: at,
		},
		Line: room.Line{At: at, EventAt: at, Event: room.ConnectionCreated, Connection: id, User: "user-" + id, Action: room.DidSeat},
	}
}

func mustAdd(t testing.TB, s *Store, a room.Arrival) room.Lesson {
	t.Helper()
	l, err := s.Add(t.Context(), a)
	if err != nil {
		t.Fatalf("add %s: %v", a.Conn.ID, err)
	}
	return l
}
