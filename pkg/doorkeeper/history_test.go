package doorkeeper_test

import (
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/room/roomtest"
)

func TestHistories(t *testing.T) {
	store := openBolt(t)
	rapid.Check(t, func(t *rapid.T) { roomtest.Tell(t, store) })
}
