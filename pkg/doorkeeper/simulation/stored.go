package simulation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Sessions of the lessons that WriteStored leaves behind, in the middle of their lives.
const (
	storedClass  = "1_class"  // two seats, a third who was refused
	storedPaused = "1_paused" // whose clock stands still
	storedHall   = "1_hall"   // of whose people most stand outside the item
	storedOwn    = "2_session1"
)

// storedGuests is how many people are in the hall.
const storedGuests = 100

// WriteStored is how a release writes what later ones have to go on with: it fills the
// store with lessons that are under way. See TestStored.
func WriteStored(t *testing.T, store room.Store) {
	t.Helper()
	w := NewWorld(store)
	s := stored{w, t}
	s.put("class", `{"maxSeats":2,"lessonSeconds":3600,"warnSeconds":[300]}`, storedClass)
	s.put("paused", `{"maxSeats":2,"lessonSeconds":3600,"clock":"pause"}`, storedPaused)
	s.put("hall", `{"lessonSeconds":3600,"observers":["recorder"]}`, storedHall)
	s.put("own", `{"maxSeats":2,"maxByRole":{"student":1},"lessonSeconds":3600}`, "")
	w.Pass(time.Second)
	for _, session := range []string{storedClass, storedPaused} {
		s.come(session, session+"-A", "ann")
		s.come(session, session+"-B", "bob")
	}
	s.come(storedClass, storedClass+"-C", "cem")
	w.Pass(20 * time.Second)
	w.Platform.Go(storedPaused + "-B")
	for i := range storedGuests {
		s.come(storedHall, guestID(i), fmt.Sprintf(`{"user":"u%03d","role":"student"}`, i))
	}
	for i := range 5 {
		w.Platform.Go(guestID(10 * i))
		w.Pass(time.Second)
	}
	s.must(w.Service.Ban(context.Background(), "hall", lesson.Ban{User: "mallory", Actor: "admin"}))
	ben := s.join("ben", "")
	s.join("ann", "student")
	s.come(storedOwn, "own-B", ben)
	w.Pass(10 * time.Second)
}

func guestID(i int) string { return fmt.Sprintf("guest-%03d", i) }

type stored struct {
	*World
	t *testing.T
}

func (s stored) must(_ any, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s stored) put(name, text, session string) {
	s.t.Helper()
	s.must(nil, s.Put(name, text, session))
}

func (s stored) come(session, id, data string) {
	s.Platform.Come(session, id, data)
	s.Pass(time.Second)
}

func (s stored) join(user, role string) (data string) {
	s.t.Helper()
	c, err := s.Service.Join(context.Background(), "own", doorkeeper.Applicant{User: user, Role: role})
	s.must(c, err)
	return c.Token
}

// storedAt is some time after WriteStored is done.
var storedAt = Epoch.Add(5 * time.Minute)

// TestStored goes on, in a store that WriteStored of an earlier release has filled, as if
// there had been one release: it decides as before, ends the lessons on their time, and
// leaves the log without a hole.
func TestStored(t *testing.T, store room.Store) {
	w := NewWorld(store)
	w.ids, w.LastSweep = 1000, storedAt
	w.Forward(storedAt)
	s := stored{w, t}
	for _, session := range []string{storedClass, storedPaused, storedHall, storedOwn} {
		s.enter(session)
		s.must(nil, w.Service.Work(context.Background(), session))
	}
	s.come(storedClass, storedClass+"-D", "dee")
	w.Platform.Come(storedPaused, storedPaused+"-B2", "bob")
	s.come(storedHall, "guest-M", `{"user":"mallory"}`)
	s.come(storedOwn, "own-A", s.promised("ann"))
	for i := range 20 {
		w.Platform.Go(guestID(5*i + 2))
		w.Pass(time.Second / 10)
	}
	w.Pass(time.Minute)
	s.says(storedClass, storedClass+"-D", journal.DidRefuse, journal.RoomFull)
	s.says(storedPaused, "", journal.DidResume, "")
	s.says(storedHall, "guest-M", journal.DidRefuse, journal.Removed)
	s.says(storedOwn, "own-A", journal.DidSeat, "")
	s.has(storedHall, storedGuests-25)
	s.has(storedOwn, 2)
	s.end(storedClass, storedHall, storedOwn, storedPaused)
}

// end lets the lessons come to their ends, in their order.
func (s stored) end(sessions ...string) {
	s.t.Helper()
	slices.SortFunc(sessions, func(a, b string) int { return cmp.Compare(s.endsAt(a), s.endsAt(b)) })
	for _, session := range sessions {
		ends := s.endsAt(session)
		s.Advance(ends - 1)
		if l := s.lesson(session); l.Status != journal.Running {
			s.t.Errorf("%s is %s before its end, %v", session, l.Status, ends)
		}
		s.Advance(ends.Add(time.Second))
		if l := s.lesson(session); l.Status != journal.Ended || l.EndedAt < ends {
			s.t.Errorf("%s is %s since %v, its end was %v", session, l.Status, l.EndedAt, ends)
		}
	}
	s.Pass(3 * time.Minute)
	for _, session := range sessions {
		if in := s.Platform.In(session); len(in) > 0 {
			s.t.Errorf("%s: %d are in after the end", session, len(in))
		}
		if err := s.Agree(session); err != nil {
			s.t.Errorf("%s: %v", session, err)
		}
	}
}

// enter puts into the platform whoever is in by the lesson and its records.
func (s stored) enter(session string) {
	s.t.Helper()
	l := s.lesson(session)
	in := l.Pick(lesson.Conn.In)
	records, err := s.Store.Records(context.Background(), session, "", 10_000)
	s.must(nil, err)
	for _, r := range records {
		if _, here := l.Conns[r.ID]; !here && r.Conn != nil && r.Conn.In() {
			in = append(in, *r.Conn)
		}
	}
	for _, c := range in {
		s.Platform.Enter(session, c.ID, c.User, c.CreatedAt)
	}
}

func (s stored) lesson(session string) lesson.Lesson {
	s.t.Helper()
	l, err := s.Lesson(session)
	s.must(nil, err)
	return l
}

func (s stored) endsAt(session string) epoch.Instant {
	s.t.Helper()
	l := s.lesson(session)
	return l.EndsAt()
}

// promised is the data of a connection under the user's promise.
func (s stored) promised(user string) string {
	s.t.Helper()
	for _, p := range s.lesson(storedOwn).Promises {
		if p.User == user {
			return fmt.Sprintf(`{"usher":%q}`, p.ID)
		}
	}
	s.t.Fatalf("nothing is promised to %s", user)
	return ""
}

// says holds that the log has one such line.
func (s stored) says(session, connection string, action journal.Action, reason journal.Reason) {
	s.t.Helper()
	_, lines, err := s.Log(session)
	s.must(nil, err)
	n := 0
	for _, line := range lines {
		if line.Action == action && line.Connection == connection && line.Reason == reason {
			n++
		}
	}
	if n != 1 {
		s.t.Errorf("%s: the log says %d times %s %q of %q", session, n, action, reason, connection)
	}
}

// has holds that so many seats are taken.
func (s stored) has(session string, seats int) {
	s.t.Helper()
	if l := s.lesson(session); l.Seats() != seats {
		s.t.Errorf("%s: %d seats are taken, want %d", session, l.Seats(), seats)
	}
}
