package doorkeeper_test

import (
	"testing"

	"usher/pkg/room/roomtest"
)

func TestCrashes(t *testing.T) { roomtest.TestCrashes(t, openBolt(t)) }
