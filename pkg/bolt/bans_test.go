package bolt

import (
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// ban puts bans into the room, which is made where there is none.
func ban(t *testing.T, s *Store, name string, bans ...lesson.Ban) {
	t.Helper()
	r, err := s.Room(t.Context(), name)
	if err != nil {
		r = room.Room{Name: name, Created: noon}
	}
	if err := s.Commit(t.Context(), room.Change{Room: r, Create: err != nil, Bans: bans}); err != nil {
		t.Fatal(err)
	}
}

func deleteRoom(t *testing.T, s *Store, name string) {
	t.Helper()
	r, err := s.Room(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), room.Change{Room: r, Delete: true}); err != nil {
		t.Fatal(err)
	}
}

// bansKept counts the bans, and what is to be looked at one day.
func bansKept(t *testing.T, s *Store) (bans, ages int) {
	t.Helper()
	err := s.db.View(func(tx *bbolt.Tx) error {
		bans, ages = tx.Bucket(banBucket).Stats().KeyN, tx.Bucket(ageBucket).Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bans, ages
}

// TestOpensAFileOfBefore: a file that was made when there were no bans opens, with
// all that is in it, and takes them.
func TestOpensAFileOfBefore(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	l := start(t, s, "one", "{}")
	before := everything(t, s, l.Session)
	if err := s.db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(banBucket) }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	if d := storetest.Diff(before, everything(t, s, l.Session)); d != "" {
		t.Errorf("the file gives back something else (-before +after):\n%s", d)
	}
	want := lesson.Ban{User: "ann", At: noon, Actor: "api"}
	ban(t, s, "one", want)
	s.Close()
	if got, found, err := open(t, path).Ban(t.Context(), "one", "ann"); !found || err != nil || got != want {
		t.Errorf("the ban came back as %+v, %t, %v", got, found, err)
	}
}

func TestPurgeBans(t *testing.T) {
	endless := lesson.Ban{User: "ann", At: noon}
	until := func(days time.Duration) lesson.Ban {
		return lesson.Ban{User: "ann", At: noon, Until: noon.Add(days * aDay)}
	}
	for name, c := range map[string]struct {
		ban  lesson.Ban
		then func(t *testing.T, s *Store)
		last int // day on which it is there; -1: for ever
	}{
		"without an end":     {endless, nil, -1},
		"over the next day":  {until(1), nil, 91},
		"over in a year":     {until(365), nil, 455},
		"of a room gone":     {until(365), func(t *testing.T, s *Store) { deleteRoom(t, s, "one") }, 90},
		"endless, room gone": {endless, func(t *testing.T, s *Store) { deleteRoom(t, s, "one") }, 90},
		"of a room of before": {endless, func(t *testing.T, s *Store) {
			deleteRoom(t, s, "one")
			r := room.Room{Name: "one", Created: noon + 1}
			if err := s.Commit(t.Context(), room.Change{Room: r, Create: true}); err != nil {
				t.Fatal(err)
			}
		}, 90},
		"put anew": {until(1), func(t *testing.T, s *Store) { ban(t, s, "one", endless) }, -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, newPath(t), func() epoch.Instant { return noon })
			ban(t, s, "one", c.ban)
			if c.then != nil {
				c.then(t, s)
			}
			for day := range 600 {
				purge(t, s, noon.Add(time.Duration(day)*aDay))
				bans, ages := bansKept(t, s)
				there := c.last < 0 || day <= c.last
				if want := map[bool]int{true: 1}[there]; bans != want || ages != want {
					t.Fatalf("on day %d there are %d bans and %d ages, want %d of each", day, bans, ages, want)
				}
			}
		})
	}
}

// TestLiftedLeavesNothing: neither the ban nor its place among what is to be purged.
func TestLiftedLeavesNothing(t *testing.T) {
	now := noon
	s := openAt(t, newPath(t), func() epoch.Instant { return now })
	ban(t, s, "one", lesson.Ban{User: "ann", At: noon}, lesson.Ban{User: "bo", At: noon})
	now = now.Add(2 * aDay)
	ban(t, s, "one", lesson.Ban{User: "ann", At: now})
	if bans, ages := bansKept(t, s); bans != 2 || ages != 2 {
		t.Errorf("of two users there are %d bans and %d ages", bans, ages)
	}
	r, err := s.Room(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), room.Change{Room: r, Lift: []string{"ann", "bo"}}); err != nil {
		t.Fatal(err)
	}
	if bans, ages := bansKept(t, s); bans != 0 || ages != 0 {
		t.Errorf("lifted, there are %d bans and %d ages", bans, ages)
	}
}
