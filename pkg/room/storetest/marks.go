package storetest

import (
	"maps"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

// TestMarks runs the contract of room.Marks against what open gives: empty ones.
func TestMarks(t *testing.T, open func(t *testing.T) room.Marks) {
	m := open(t)
	want := func(want map[string]epoch.Instant) {
		t.Helper()
		got, err := m.Marks(t.Context())
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("the marks are %v, %v, want %v", got, err, want)
		}
	}
	mark := func(name string, at epoch.Instant) {
		t.Helper()
		if err := m.Mark(t.Context(), name, at); err != nil {
			t.Errorf("mark %s: %v", name, err)
		}
	}
	want(map[string]epoch.Instant{})
	mark("sweep", 1_700_000_000_000)
	mark("callback", 1_600_000_000_000)
	mark("sweep", 1_700_000_060_000)
	want(map[string]epoch.Instant{"sweep": 1_700_000_060_000, "callback": 1_600_000_000_000})
	mark("sweep", 1_650_000_000_000) // late news
	mark("sweep", 1_700_000_060_000) // twice
	want(map[string]epoch.Instant{"sweep": 1_700_000_060_000, "callback": 1_600_000_000_000})
}
