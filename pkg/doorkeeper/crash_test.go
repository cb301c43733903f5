package doorkeeper_test

import (
	"testing"

	"usher/pkg/doorkeeper/simulation"
)

func TestCrashes(t *testing.T) { simulation.TestCrashes(t, openBolt(t)) }
