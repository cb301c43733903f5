package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"usher/pkg/policy"
	"usher/pkg/room"
)

// fileOf writes a data file with some rooms and gives its path.
func fileOf(t *testing.T, rooms int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "usher.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Secret(t.Context(), APISecret, func() []byte { return []byte("the key") }); err != nil {
		t.Fatal(err)
	}
	putRooms(t, s, rooms)
	return path
}

func putRooms(t *testing.T, s *Store, rooms int) {
	t.Helper()
	for i := range rooms {
		r := room.Room{Name: fmt.Sprintf("room-%d", i), Policy: policy.Stored(`{"maxSeats":2}`)}
		if err := s.Commit(t.Context(), room.Change{Room: r, Create: true}); err != nil {
			t.Error(err)
		}
	}
}

// TestSnapshotWhileWritesGoOn: each copy is a whole file that holds what was written
// before it began.
func TestSnapshotWhileWritesGoOn(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "usher.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all sync.WaitGroup
	all.Go(func() { putRooms(t, s, 60) })
	for range 4 {
		all.Go(func() {
			var content bytes.Buffer
			if err := s.Snapshot(t.Context(), &content); err != nil {
				t.Error(err)
				return
			}
			path := filepath.Join(t.TempDir(), "copy.db")
			if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
				t.Error(err)
			}
			if c, err := Verify(path); err != nil {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	all.Wait()
}

func TestVerify(t *testing.T) {
	whole := fileOf(t, 3)
	if c, err := Verify(whole); err != nil || c != (Content{Rooms: 3}) {
		t.Errorf("%+v, %v", c, err)
	}
	var copied bytes.Buffer
	if err := Snapshot(whole, &copied); err != nil {
		t.Fatal(err)
	}
	content := copied.Bytes()
	spoilt := bytes.Clone(content)
	for i := 2 * os.Getpagesize(); i < len(spoilt); i++ {
		spoilt[i] = 0xa5
	}
	for name, content := range map[string][]byte{
		"nothing": nil, "a text": []byte("{}"), "the half of it": content[:len(content)/2], "all but its end": content[:len(content)-1], "spoilt": spoilt,
	} {
		path := filepath.Join(t.TempDir(), "other.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := Verify(path); err == nil {
			t.Errorf("%s is taken: %+v", name, c)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
			t.Errorf("%s was changed: %v", name, err)
		}
	}
}

func TestFilesOfOthers(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "usher.db")
	if _, err := SecretOf(missing, APISecret); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
	path := fileOf(t, 1)
	if key, err := SecretOf(path, APISecret); err != nil || string(key) != "the key" {
		t.Errorf("%q, %v", key, err)
	}
	if key, err := SecretOf(path, "other"); err != nil || key != nil {
		t.Errorf("%q, %v", key, err)
	}
	var content bytes.Buffer
	if err := Snapshot(path, &content); err != nil || content.Len() == 0 {
		t.Errorf("%d bytes, %v", content.Len(), err)
	}

	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, err := range map[string]error{
		"secret":   second(SecretOf(path, APISecret)),
		"snapshot": Snapshot(path, &content),
		"hold":     second(Hold(path)),
	} {
		if !errors.Is(err, ErrInUse) {
			t.Errorf("%s of a file in use: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestHold: whoever holds a file keeps a program from opening it.
func TestHold(t *testing.T) {
	path := fileOf(t, 1)
	release, err := Hold(path)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Open(path, Options{LockWait: 1}); err == nil {
		s.Close()
		t.Error("it was opened")
	}
	release()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
