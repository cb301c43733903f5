package doorkeeper_test

import (
	"context"
	"testing"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// longStore has one room, whose lesson has so many lines in chunks, and counts how often
// it is asked for some.
type longStore struct {
	room.Store
	lines int64
	asked int
}

func (*longStore) Room(_ context.Context, name string) (room.Room, error) {
	return room.Room{Name: name, Session: "s", Created: 1}, nil
}

func (s *longStore) Lesson(context.Context, string, ...string) (lesson.Lesson, []lesson.Record, error) {
	return lesson.Lesson{Session: "s", Room: "hall", RoomCreated: 1, Base: s.lines, Tail: []journal.Line{{Action: journal.DidEnd}}}, nil, nil
}

func (s *longStore) Lines(_ context.Context, _ string, after int64, limit int) (lines []journal.Line, err error) {
	s.asked++
	for seq := after + 1; seq <= s.lines && len(lines) < limit; seq++ {
		lines = append(lines, journal.Line{Seq: seq})
	}
	return lines, nil
}

// A log of any length is read for a picture up to a bound, and the picture knows.
func TestChronicleIsBounded(t *testing.T) {
	for _, c := range []struct {
		shed        int64
		lines, asks int
	}{{0, 1, 0}, {999, 1000, 1}, {1000, 1001, 1}, {9_999, 10_000, 10}, {1_000_000, doorkeeper.MostLines, 10}} {
		store := &longStore{lines: c.shed}
		s := doorkeeper.NewService(store, nil, nil, doorkeeper.Settings{Now: func() epoch.Instant { return 7 }})
		got, err := s.Chronicle(context.Background(), "hall", "")
		if err != nil || len(got.Log) != c.lines || got.Cut != (c.shed >= doorkeeper.MostLines) || store.asked != c.asks {
			t.Errorf("of %d lines there are %d, cut %v, asked %d times, %v", c.shed+1, len(got.Log), got.Cut, store.asked, err)
		}
		for i, line := range got.Log {
			if line.Seq != int64(i)+1 {
				t.Fatalf("line %d has the number %d", i+1, line.Seq)
			}
		}
	}
}
