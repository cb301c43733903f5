//go:build unix

package command

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestHandOver: root restores what a service under a user of its own goes on with.
func TestHandOver(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "usher.db")
	of := map[string][2]int{dir: {os.Getuid(), os.Getgid()}, data: {os.Getuid(), os.Getgid()}}
	own := func(path string, uid, gid int) {
		t.Helper()
		if os.Geteuid() != 0 {
			return // all of it is one user's, as it must be
		}
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
		of[path] = [2]int{uid, gid}
	}
	given := func() (got string) {
		t.Helper()
		err := handOver("made", data, func(name string, uid, gid int) error {
			got = fmt.Sprint(name, [2]int{uid, gid})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	own(dir, 4711, 4712)
	if got, want := given(), fmt.Sprint("made", of[dir]); got != want {
		t.Errorf("without a data file: gave %s, want the folder's %s", got, want)
	}
	if err := os.WriteFile(data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	own(data, 4713, 4714)
	if got, want := given(), fmt.Sprint("made", of[data]); got != want {
		t.Errorf("with one: gave %s, want its %s", got, want)
	}
}
