package bench_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/costs"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

const (
	arrivals = 200
	seats    = 60
)

// heard lets 200 people come to 60 seats in a session of its own, has the
// processes hear of them, shuffled, by so many handlers each, and gives how
// long it took until everybody was decided.
func heard(b *testing.B, store *costs.Counted, session, processes, handlers int) time.Duration {
	b.Helper()
	people := newPlatform()
	all := make([]*doorkeeper.Service, processes)
	for i := range all {
		all[i] = newService(b, store, people)
	}
	put := room.Put{Name: fmt.Sprint("storm-", session), Policy: parse(b, fmt.Sprintf(`{"maxSeats":%d}`, seats)), Session: sessionOf(session)}
	if _, _, err := all[0].PutRoom(b.Context(), put); err != nil {
		b.Fatal(err)
	}
	came := now() - arrivals
	posts := make(chan int, arrivals)
	for _, n := range rand.Perm(arrivals) {
		people.Enter(put.Session, id(n), "", came+epoch.Instant(n))
		posts <- n
	}
	close(posts)
	store.Take()
	began := time.Now()
	var done sync.WaitGroup
	for _, s := range all {
		for range handlers {
			done.Go(func() { hearAll(b, s, put.Session, came, posts) })
		}
	}
	done.Wait()
	decided(b, store, put.Session)
	return time.Since(began)
}

// hearAll hears posts; one that loses too many races comes again, as a parked
// one does.
func hearAll(b *testing.B, s *doorkeeper.Service, session string, came epoch.Instant, posts <-chan int) {
	for n := range posts {
		at := came + epoch.Instant(n)
		e := lesson.Event{
			Name: journal.ConnectionCreated, Session: session, Project: project, At: at, Received: now(),
			Connection: id(n), ConnectedAt: at, Data: fmt.Sprint("student-", n),
		}
		for try := 0; s.Hear(b.Context(), e) != nil; try++ {
			if try == 5 {
				b.Errorf("%s was never heard of", e.Connection)
				return
			}
		}
	}
}

// decided waits until nobody waits, and says that the first are in.
func decided(b *testing.B, store *costs.Counted, session string) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		l, _, err := store.Bare.Lesson(b.Context(), session)
		if err != nil {
			b.Fatal(err)
		}
		if l.Seats() != seats || waits(l) {
			continue
		}
		for n := range seats {
			if l.Conns[id(n)].State != lesson.Seated {
				b.Errorf("number %d of those who came has no seat", n+1)
			}
		}
		return
	}
	b.Fatal("twenty seconds later there is still somebody who waits")
}

func waits(l lesson.Lesson) bool {
	for _, c := range l.Conns {
		if c.State == lesson.Waiting && c.LeftAt == 0 {
			return true
		}
	}
	return false
}

// BenchmarkStorm is 200 people whose webhooks come at once to 60 seats: by one
// handler, by 48 in one process, and by 48 in eight processes.
func BenchmarkStorm(b *testing.B) {
	for _, c := range []struct{ processes, handlers int }{{1, 1}, {1, 48}, {8, 6}} {
		b.Run(fmt.Sprintf("processes=%d/handlers=%d", c.processes, c.handlers), func(b *testing.B) {
			store := costs.Count(openBolt(b))
			var took time.Duration
			requests := 0
			for n := 0; b.Loop(); n++ {
				took += heard(b, store, n, c.processes, c.handlers)
				requests += store.Take().Requests
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took.Seconds()*1000/float64(b.N), "ms/storm")
			b.ReportMetric(float64(requests)/float64(b.N*arrivals), "requests/join")
		})
	}
}

// BenchmarkPeople is an event against the people in a room without a cap.
func BenchmarkPeople(b *testing.B) {
	var rows []costs.Flat
	for b.Loop() {
		rows = costs.Hall(b, costs.Count(openBolt(b)), 2, 64, 1000, 15_000)
	}
	b.ReportMetric(0, "ns/op")
	for _, r := range rows {
		b.ReportMetric(float64(r.Arrival.Took.Microseconds()), fmt.Sprintf("µs/arrival-at-%d", r.People))
		b.ReportMetric(float64(r.Departure.Took.Microseconds()), fmt.Sprintf("µs/departure-at-%d", r.People))
	}
}
