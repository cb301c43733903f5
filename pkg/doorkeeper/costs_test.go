package doorkeeper_test

import (
	"testing"

	"usher/pkg/room/roomtest"
)

func counted(t testing.TB) roomtest.Metered { return roomtest.Count(openBolt(t)) }

func TestCosts(t *testing.T) {
	rows := roomtest.TestCosts(t, counted)
	t.Log("\n" + roomtest.Table(rows))
}

// TestHallIsFlat: an event costs the same whatever number of people is in.
func TestHallIsFlat(t *testing.T) {
	roomtest.TestFlat(t, counted(t), 0, 64, 1000, 15000)
}

// TestStorm: of two hundred whose webhooks come at once and shuffled, exactly
// the first sixty stay.
func TestStorm(t *testing.T) {
	roomtest.TestStorm(t, counted)
}
