package bench_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/api"
	"usher/pkg/bolt"
	"usher/pkg/lesson"
)

var apiSecret = []byte("a secret that is long enough for a bench")

// hallOf puts a room in which so many people have been, all but a few of them in records.
func hallOf(b *testing.B, store *bolt.Store, people int) {
	b.Helper()
	l, _, err := store.Lesson(b.Context(), sessionOf(0))
	if err != nil {
		b.Fatal(err)
	}
	began := now().Add(-time.Hour)
	for n := 0; n < people; {
		var s lesson.Shed
		for range 64 {
			c := lesson.Conn{
				ID: id(n), User: fmt.Sprintf("student-%05d", n), Role: "student", State: lesson.Seated, Created: true, Destroyed: true,
				CreatedAt: began.Add(time.Duration(n) * time.Millisecond), LeftAt: began.Add(50 * time.Minute),
			}
			s.Records = append(s.Records, lesson.Record{ID: c.ID, Conn: &c}, lesson.Record{ID: lesson.HolderKey(c.User), Holder: c.ID})
			n++
		}
		if l, err = store.Shed(b.Context(), l, s); err != nil {
			b.Fatal(err)
		}
	}
}

// peak samples the heap until stop is called, which gives the most it saw.
func peak() (stop func() uint64) {
	var most atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(done); <-ended; return most.Load() }
}

// BenchmarkAttendanceBolt is the record of a hall of 15,000 over HTTP: until its first byte,
// until its last, and the most heap that the process had meanwhile, the store's own
// included.
func BenchmarkAttendanceBolt(b *testing.B) {
	store := openBolt(b)
	s := newService(b, store, newPlatform())
	putRooms(b, s, 1, `{}`)
	hallOf(b, store, 15_000)
	server := httptest.NewServer(api.New(api.Options{Service: s, APISecret: apiSecret, Now: now, Log: slog.New(slog.DiscardHandler)}))
	b.Cleanup(server.Close)
	token := api.AdminToken(apiSecret, now().Std(), time.Hour)
	var first time.Duration
	runtime.GC()
	stop := peak()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+"/v1/rooms/room-00000/attendance", nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		began := time.Now()
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		first += time.Since(began)
		n, err := io.Copy(io.Discard, res.Body)
		if res.Body.Close(); err != nil || res.StatusCode != http.StatusOK || n < 1<<20 {
			b.Fatalf("%s, %d bytes, %v", res.Status, n, err)
		}
	}
	b.ReportMetric(float64(stop())/(1<<20), "MB-heap")
	b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "ms-first-byte")
}
