package doorkeeper_test

import (
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/doorkeeper/simulation"
)

func TestHistories(t *testing.T) {
	store := openBolt(t)
	rapid.Check(t, func(t *rapid.T) { simulation.Tell(t, store) })
}
