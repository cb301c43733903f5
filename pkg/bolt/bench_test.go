package bolt

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// BenchmarkAdd is durable adds by so many clients at once, to ten lessons of up
// to 24 people; adds/s is the sum over all clients.
func BenchmarkAdd(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := open(b, newPath(b))
			next := lessonsInTurn(b, s, 10, 24)
			spread(b, clients, func(int) {
				if _, err := s.Add(b.Context(), next()); err != nil && !errors.As(err, new(*room.Conflict)) {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "adds/s")
		})
	}
}

// lessonsInTurn gives arrivals that fit: in lessons that are new each time they
// had that many.
func lessonsInTurn(b *testing.B, s *Store, lessons, people int) func() lesson.Arrival {
	round := int64(lessons * people)
	all := make([]lesson.Lesson, int64(b.N)/round*int64(lessons)+int64(lessons))
	for i := range all {
		all[i] = start(b, s, fmt.Sprint(i), "{}")
	}
	var n atomic.Int64
	return func() lesson.Arrival {
		i := n.Add(1) - 1
		return arrival(all[i/round*int64(lessons)+i%int64(lessons)], int(i%round)/lessons)
	}
}

// BenchmarkSwap is durable swaps by so many clients at once, each of a lesson of
// its own with eight people.
func BenchmarkSwap(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := open(b, newPath(b))
			mine := make([]lesson.Lesson, clients)
			for i := range mine {
				mine[i] = start(b, s, fmt.Sprint(i), "{}")
				for n := range 8 {
					mine[i] = mustAdd(b, s, arrival(mine[i], n))
				}
			}
			spread(b, clients, func(client int) {
				var err error
				if mine[client], err = s.Swap(b.Context(), mine[client]); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "swaps/s")
		})
	}
}

// spread runs f b.N times in all, by so many clients.
func spread(b *testing.B, clients int, f func(client int)) {
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan struct{})
	b.ReportAllocs()
	b.ResetTimer()
	for client := range clients {
		go func() {
			for left.Add(-1) >= 0 {
				f(client)
			}
			done <- struct{}{}
		}()
	}
	for range clients {
		<-done
	}
	b.StopTimer()
}
