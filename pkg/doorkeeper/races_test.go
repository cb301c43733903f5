package doorkeeper_test

import (
	"testing"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/room"
)

func TestClockRaces(t *testing.T) {
	simulation.TestClockRaces(t, func(t *testing.T) room.Store { return openBolt(t) })
}
