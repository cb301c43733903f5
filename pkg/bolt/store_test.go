package bolt

import (
	"path/filepath"
	"testing"

	"usher/pkg/epoch"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

func TestContract(t *testing.T) {
	storetest.TestStore(t, func(t *testing.T) room.Store { return open(t, newPath(t)) })
}

func TestMarks(t *testing.T) {
	storetest.TestMarks(t, func(t *testing.T) room.Marks { return open(t, newPath(t)) })
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "usher.db") }

func open(t testing.TB, path string) *Store {
	t.Helper()
	return openAt(t, path, nil)
}

// openAt opens the file with that clock.
func openAt(t testing.TB, path string, now func() epoch.Instant) *Store {
	t.Helper()
	s, err := Open(path, Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}
