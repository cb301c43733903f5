package room_test

import (
	"testing"

	"usher/pkg/room/roomtest"
)

func TestCosts(t *testing.T) {
	rows := roomtest.TestCosts(t, func(t testing.TB) roomtest.Metered { return roomtest.Count(openBolt(t)) })
	t.Log("\n" + roomtest.Table(rows))
}

func TestHallIsFlat(t *testing.T) {
	rows := roomtest.Hall(t, roomtest.Count(openBolt(t)), 0, 64, 1000, 15000)
	t.Log("\n" + roomtest.FlatTable(rows))
}
