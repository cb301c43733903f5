package bolt

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// ended stores a lesson of that name that has ended and is nobody's any more,
// with eight lines and a record outside.
func ended(t *testing.T, s *Store, name string) lesson.Lesson {
	t.Helper()
	l := start(t, s, name, "{}")
	for i := range 10 {
		l = mustAdd(t, s, arrival(l, i))
	}
	in := l.Conns["c0"]
	l, err := s.Shed(t.Context(), l, lesson.Shed{Lines: 8, Conns: []string{"c0"}, Records: []lesson.Record{{ID: "c0", Conn: &in}}})
	if err != nil {
		t.Fatal(err)
	}
	l.Status, l.EndedAt, l.Due = journal.Ended, noon, 0
	if l, err = s.Swap(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	leaveRoom(t, s, name)
	return l
}

func leaveRoom(t *testing.T, s *Store, name string) {
	t.Helper()
	r, err := s.Room(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	r.Session = ""
	if err := s.Commit(t.Context(), room.Change{Room: r}); err != nil {
		t.Fatal(err)
	}
}

// kept counts what stands in the file, without rooms and settings.
func kept(t *testing.T, s *Store) (counts [6]int) {
	t.Helper()
	err := s.db.View(func(tx *bbolt.Tx) error {
		for i, name := range [][]byte{lessonBucket, lineBucket, recordBucket, dueBucket, ageBucket, openBucket} {
			counts[i] = tx.Bucket(name).Stats().KeyN
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

func TestPurge(t *testing.T) {
	now := noon
	s := openAt(t, newPath(t), func() epoch.Instant { return now })
	old := ended(t, s, "old")
	now = now.Add(2 * aDay)
	young := ended(t, s, "young")

	purge(t, s, noon.Add(90*aDay))
	if got, want := kept(t, s), [6]int{2, 16, 2, 0, 4, 2}; got != want {
		t.Errorf("on the last day lessons, lines, records, due, ages, openings are %v, want %v", got, want)
	}
	purge(t, s, noon.Add(91*aDay))
	if got, want := kept(t, s), [6]int{1, 8, 1, 0, 2, 1}; got != want {
		t.Errorf("a day later they are %v, want %v", got, want)
	}
	if _, _, err := s.Lesson(t.Context(), old.Session); !errors.Is(err, room.ErrNoLesson) {
		t.Errorf("the old lesson: %v, want room.ErrNoLesson", err)
	}
	if _, _, err := s.Lesson(t.Context(), young.Session); err != nil {
		t.Errorf("the young lesson: %v", err)
	}
	purge(t, s, noon.Add(1000*aDay))
	if got := kept(t, s); got != [6]int{} {
		t.Errorf("in the end %v are left", got)
	}
}

// TestRetention: what the settings say, instead of 90 days.
func TestRetention(t *testing.T) {
	for _, days := range []time.Duration{1, 400} {
		s, err := Open(newPath(t), Options{Now: func() epoch.Instant { return noon }, Retention: days * aDay})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		l := ended(t, s, "one")
		purge(t, s, noon.Add(days*aDay))
		if _, _, err := s.Lesson(t.Context(), l.Session); err != nil {
			t.Errorf("after %d days of %d: %v", days, days, err)
		}
		purge(t, s, noon.Add((days+1)*aDay))
		if got := kept(t, s); got != [6]int{} {
			t.Errorf("after more than %d days %v are left", days, got)
		}
	}
}

func purge(t *testing.T, s *Store, now epoch.Instant) {
	t.Helper()
	if err := s.Purge(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}

func TestPurgeKeeps(t *testing.T) {
	for name, keep := range map[string]func(t *testing.T, s *Store, l lesson.Lesson){
		"what has not ended": func(t *testing.T, s *Store, l lesson.Lesson) {
			l.Status = journal.Running
			mustSwap(t, s, l)
		},
		"what has something left to do": func(t *testing.T, s *Store, l lesson.Lesson) {
			l.Due = noon
			mustSwap(t, s, l)
		},
		"what its room shows": func(t *testing.T, s *Store, l lesson.Lesson) {
			r, err := s.Room(t.Context(), l.Room)
			if err != nil {
				t.Fatal(err)
			}
			r.Session = l.Session
			if err := s.Commit(t.Context(), room.Change{Room: r}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon
			s := openAt(t, newPath(t), func() epoch.Instant { return now })
			l := ended(t, s, "one")
			keep(t, s, l)
			// The clock of the writes stands still: Purge's own counts.
			for _, days := range []time.Duration{91, 200} {
				purge(t, s, noon.Add(days*aDay))
				if _, _, err := s.Lesson(t.Context(), l.Session); err != nil {
					t.Fatalf("after %d days: %v", days, err)
				}
			}
			if got := kept(t, s); got[1] != 0 || got[2] != 0 || got[4] != 1 {
				t.Errorf("lessons, lines, records, due, ages are %v; lines and records go by their own age", got)
			}
		})
	}
}

func mustSwap(t *testing.T, s *Store, l lesson.Lesson) lesson.Lesson {
	t.Helper()
	l, err := s.Swap(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPurgeSparesWhatWasShedAgain(t *testing.T) {
	now := noon
	s := openAt(t, newPath(t), func() epoch.Instant { return now })
	l := start(t, s, "one", "{}")
	again := lesson.Shed{Records: []lesson.Record{{ID: "e:d", Seen: noon}}}
	l, err := s.Shed(t.Context(), l, again)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(50 * aDay)
	if _, err = s.Shed(t.Context(), l, again); err != nil {
		t.Fatal(err)
	}
	purge(t, s, noon.Add(100*aDay))
	if got, err := s.Records(t.Context(), l.Session, "", 10); len(got) != 1 || err != nil {
		t.Errorf("%d records are left (%v), want the one that was written 50 days ago", len(got), err)
	}
}

func TestPurgeIsBounded(t *testing.T) {
	now := noon
	s := openAt(t, newPath(t), func() epoch.Instant { return now })
	l := start(t, s, "one", "{}")
	const sheds, records = 30, 500
	for i := range sheds {
		var shed lesson.Shed
		for n := range records {
			shed.Records = append(shed.Records, lesson.Record{ID: fmt.Sprintf("e:%d-%d", i, n), Seen: noon})
		}
		var err error
		if l, err = s.Shed(t.Context(), l, shed); err != nil {
			t.Fatal(err)
		}
	}
	left := sheds * records
	for calls := 1; left > 0; calls++ {
		purge(t, s, noon.Add(100*aDay))
		now := kept(t, s)[2]
		if gone := left - now; gone == 0 || gone > 2*purgeRounds*purgeKeys {
			t.Fatalf("call %d removed %d records", calls, gone)
		}
		if calls == 1 && now == 0 {
			t.Errorf("one call removed all %d records", left)
		}
		left = now
	}
}
