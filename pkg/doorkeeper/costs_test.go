package doorkeeper_test

import (
	"testing"
	"time"

	"usher/pkg/doorkeeper/costs"
)

func counted(t testing.TB) *costs.Counted { return costs.Count(openBolt(t)) }

func TestCosts(t *testing.T) { costs.TestCosts(t, counted) }

func TestToldCosts(t *testing.T) { costs.TestTold(t, counted) }

// TestHallIsFlat: an event costs the same whatever number of people is in.
func TestHallIsFlat(t *testing.T) {
	costs.TestFlat(t, counted(t), 0, 64, 1000, 15000)
}

// TestBansCostTheSame: an arrival costs the same whatever number of bans there is.
func TestBansCostTheSame(t *testing.T) { costs.TestBans(t, counted, 10_000) }

// TestStorm: of two hundred whose webhooks come at once and shuffled, exactly
// the first sixty stay; of sixty students the first ten, and of three teachers one.
func TestStorm(t *testing.T) {
	costs.TestStorm(t, counted)
}

func BenchmarkStorm(b *testing.B) { costs.BenchmarkStorm(b, counted) }

// TestLeavingAHall: a departure from a hall costs about the same, however many processes
// hear of departures at once, and whether the store is near or far.
func TestLeavingAHall(t *testing.T) {
	for _, latency := range []time.Duration{10 * time.Millisecond, 50 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) { costs.TestLeaving(t, latency, counted) })
	}
}

// TestHallEndsAtOnce: the departures that an end brings do not hold it up.
func TestHallEndsAtOnce(t *testing.T) { costs.TestHallEnds(t, 10*time.Millisecond, counted) }
