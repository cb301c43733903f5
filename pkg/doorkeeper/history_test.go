package doorkeeper_test

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"usher/pkg/bolt"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/room"
)

func TestHistories(t *testing.T) {
	store := openInMemory(t)
	rapid.Check(t, func(t *rapid.T) { simulation.Tell(t, store) })
}

// openInMemory opens a store whose file is in memory where the system has such
// a place: thousands of histories need no disk.
func openInMemory(t *testing.T) room.Store {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "usher")
	if err != nil {
		return openBolt(t)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	store, err := bolt.Open(filepath.Join(dir, "usher.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
