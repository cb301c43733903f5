package storetest_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"usher/pkg/bolt"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// TestHooked: behind a hook that only looks, a store is the store that it was,
// and every method passes the hook.
func TestHooked(t *testing.T) {
	var seen sync.Map
	storetest.TestStore(t, func(t *testing.T) room.Store {
		return storetest.Hooked{Under: openBolt(t), Hook: func(_ context.Context, c storetest.Call, do func() error) error {
			seen.Store(c.Method, true)
			return do()
		}}
	})
	for store, i := reflect.TypeFor[room.Store](), 0; i < store.NumMethod(); i++ {
		if _, ok := seen.Load(store.Method(i).Name); !ok {
			t.Errorf("the hook does not see %s", store.Method(i).Name)
		}
	}
}

// TestLostAnswer: a hook can fail a call that was carried out, and nothing of
// its answer comes through.
func TestLostAnswer(t *testing.T) {
	file, lost := openBolt(t), errors.New("lost on purpose")
	if err := file.Commit(t.Context(), room.Change{Room: room.Room{Name: "r"}, Create: true}); err != nil {
		t.Fatal(err)
	}
	s := storetest.Hooked{Under: file, Hook: func(_ context.Context, _ storetest.Call, do func() error) error {
		return errors.Join(do(), lost)
	}}
	if r, err := s.Room(t.Context(), "r"); !errors.Is(err, lost) || r.Name != "" {
		t.Errorf("the answer is %+v, %v", r, err)
	}
	if err := s.Commit(t.Context(), room.Change{Room: room.Room{Name: "r", Revision: 1}}); !errors.Is(err, lost) {
		t.Errorf("the commit failed with %v", err)
	}
	if r, err := file.Room(t.Context(), "r"); err != nil || r.Revision != 2 {
		t.Errorf("the commit was not carried out: %+v, %v", r, err)
	}
}

func openBolt(t *testing.T) room.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "usher.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
