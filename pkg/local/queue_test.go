package local

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"usher/pkg/bolt"
	"usher/pkg/doorkeeper"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// TestReplay: what is heard leaves the queue, what meets a store that is away
// stays for any number of times, and what cannot be heard is put aside with an
// alarm.
func TestReplay(t *testing.T) {
	file, err := bolt.Open(filepath.Join(t.TempDir(), "usher.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var log bytes.Buffer
	fails := map[string]error{"poison": errors.New("broken"), "away": room.ErrUnavailable}
	store := storetest.Hooked{Under: file, Hook: func(_ context.Context, c storetest.Call, do func() error) error {
		if c.Session == "panics" {
			panic("on purpose")
		}
		if err := fails[c.Session]; err != nil {
			return err
		}
		return do()
	}}
	l := &Local{log: slog.New(slog.NewTextHandler(&log, nil)), queue: file}
	l.service = doorkeeper.NewService(store, nil, nil, doorkeeper.Settings{Now: now, Log: l.log})
	r := &replayer{Local: l, failed: map[uint64]int{}}
	for _, session := range []string{"fine", "poison", "panics", "away"} {
		if err := file.Park(t.Context(), lesson.Event{Name: "sessionCreated", Session: session}); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (sessions string) {
		list, err := file.Parked(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			sessions += p.Event.Session + " "
		}
		return sessions
	}
	for _, want := range []string{"poison panics away ", "poison panics away ", "poison panics away ", "poison panics away ", "away ", "away ", "away "} {
		if err := r.page(t.Context()); !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("a store that is away gives %v", err)
		}
		if got := left(); got != want {
			t.Errorf("left are %q, want %q", got, want)
		}
	}
	if n := strings.Count(log.String(), "alarm=event-failed"); n != 2 {
		t.Errorf("%d alarms:\n%s", n, &log)
	}
	delete(fails, "away")
	if err := r.page(t.Context()); err != nil || left() != "" {
		t.Errorf("%v, left are %q", err, left())
	}
}
