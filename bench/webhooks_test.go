package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/pkg/journal"
	"usher/pkg/room"
)

const (
	clients = 16
	burst   = 64 // webhooks of a client in one round
)

// visits has every client post burst webhooks: people who come to the rooms in
// turn and leave again.
func visits(b *testing.B, all []*client, rooms int, turn *atomic.Int64) {
	var done sync.WaitGroup
	for _, c := range all {
		done.Go(func() {
			for range burst / 2 {
				n := int(turn.Add(1))
				session, at := sessionOf(n%rooms), now()
				c.post(b, journal.ConnectionCreated, session, id(n), at, at)
				c.post(b, journal.ConnectionDestroyed, session, id(n), at, at.Add(time.Second))
			}
		})
	}
	done.Wait()
}

// webhooks is how many webhooks a second go through HTTP, all layers and the
// store, by 16 clients that keep their connections.
func webhooks(b *testing.B, store room.Store, rooms int) {
	s := newService(b, store, newPlatform())
	putRooms(b, s, rooms, `{"maxSeats":20,"lessonSeconds":0}`)
	addr := serve(b, s)
	all := make([]*client, clients)
	for i := range all {
		all[i] = dial(b, addr)
	}
	var turn atomic.Int64
	visits(b, all, rooms, &turn) // the first look at the rooms is not the rule
	for b.Loop() {
		visits(b, all, rooms, &turn)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N*clients*burst)/b.Elapsed().Seconds(), "webhooks/s")
}

func BenchmarkWebhooksBolt(b *testing.B) {
	for _, rooms := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) { webhooks(b, openBolt(b), rooms) })
	}
}

// BenchmarkMemory is what 10,000 rooms take in a process that serves them, each
// with two people in; the load average beside it.
func BenchmarkMemory(b *testing.B) {
	const rooms = 10_000
	var heap int64
	for b.Loop() {
		before := inUse()
		s := newService(b, openBolt(b), newPlatform())
		putRooms(b, s, rooms, `{"maxSeats":2}`)
		c := dial(b, serve(b, s))
		for n := range rooms {
			c.post(b, journal.ConnectionCreated, sessionOf(n), id(2*n), now(), now())
			c.post(b, journal.ConnectionCreated, sessionOf(n), id(2*n+1), now(), now())
		}
		heap = inUse() - before
		runtime.KeepAlive(s)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(heap)/rooms, "heap-B/room")
	b.ReportMetric(resident(b)/1e6, "resident-MB")
}

// inUse is the live heap, in bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// resident is the memory of the process with its mapped files, in bytes.
func resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Logf("resident memory is known on Linux only: %v", err)
		return 0
	}
	var kB float64
	if _, rest, found := strings.Cut(string(status), "VmRSS:"); found {
		_, _ = fmt.Sscan(rest, &kB)
	}
	return kB * 1024
}
