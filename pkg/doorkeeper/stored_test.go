package doorkeeper_test

import (
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"usher/pkg/bolt"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
)

var write = flag.String("write", "", "the file into which TestWriteStored writes what this release stores")

// onThatDay has no retention remove what is kept here.
var onThatDay = bolt.Options{Now: func() epoch.Instant { return simulation.Epoch }}

// TestWriteStored keeps what this release stores, for those after it. With a flag
// it is kept; without one it is thrown away, and only has to be possible.
func TestWriteStored(t *testing.T) {
	file := *write
	if file == "" {
		file = filepath.Join(t.TempDir(), "usher.db")
	}
	store, err := bolt.Open(file, onThatDay)
	if err != nil {
		t.Fatal(err)
	}
	simulation.WriteStored(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStoredBefore: what each earlier release stored in its data file goes on under this
// one and ends. To keep what this one stores: go test ./pkg/doorkeeper -run TestWriteStored
// -write FILE, and gzip FILE into testdata/stored.
func TestStoredBefore(t *testing.T) {
	kept, err := filepath.Glob("testdata/stored/*.db.gz")
	if err != nil || len(kept) == 0 {
		t.Fatalf("nothing is kept: %v", err)
	}
	for _, name := range kept {
		t.Run(filepath.Base(name), func(t *testing.T) {
			store, err := bolt.Open(unpacked(t, name), onThatDay)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			simulation.TestStored(t, store)
		})
	}
}

// unpacked gives a copy of the file.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	packed, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	in, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "usher.db")
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}
