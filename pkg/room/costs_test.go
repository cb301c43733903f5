package room_test

import (
	"testing"

	"usher/pkg/room/roomtest"
)

func TestCosts(t *testing.T) {
	rows := roomtest.TestCosts(t, func(t testing.TB) roomtest.Metered { return roomtest.Count(openBolt(t)) })
	t.Log("\n" + roomtest.Table(rows))
}
