package doorkeeper_test

import (
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/doorkeeper/simulation"
)

func TestHistories(t *testing.T) {
	store := openBolt(t)
	rapid.Check(t, func(t *rapid.T) { simulation.Tell(t, store) })
	seen := &simulation.Attended
	t.Logf("records held against the truth: %d exact rows, %d bounds, %d times together", seen.Exact.Load(), seen.Bounds.Load(), seen.Together.Load())
}
