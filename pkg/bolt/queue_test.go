package bolt

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

func parkedEvent(name string) lesson.Event {
	return lesson.Event{
		Name: journal.ConnectionCreated, Session: "s", At: noon, Received: noon + 1, Connection: name,
		ConnectedAt: noon - 1, Data: "\x00\u2028<&>", Digest: "d-" + name,
	}
}

func names(t *testing.T, s *Store, limit int) (all []string, numbers []uint64) {
	t.Helper()
	list, err := s.Parked(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if d := cmp.Diff(parkedEvent(p.Event.Connection), p.Event); d != "" {
			t.Errorf("the event changed:\n%s", d)
		}
		all, numbers = append(all, p.Event.Connection), append(numbers, p.Number)
	}
	return all, numbers
}

func TestQueue(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	if all, _ := names(t, s, 10); len(all) != 0 {
		t.Fatalf("a new file has %v", all)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if err := s.Park(t.Context(), parkedEvent(name)); err != nil {
			t.Fatal(err)
		}
	}
	all, numbers := names(t, s, 3)
	if d := cmp.Diff([]string{"a", "b", "c"}, all); d != "" {
		t.Fatal(d)
	}
	for range 2 { // twice is once
		if err := errors.Join(s.Unpark(t.Context(), numbers[0]), s.Fail(t.Context(), numbers[2])); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	if all, _ := names(t, again, 10); !cmp.Equal(all, []string{"b", "d"}) {
		t.Errorf("after opening the file again %v are parked", all)
	}
	if err := again.Park(t.Context(), parkedEvent("e")); err != nil {
		t.Fatal(err)
	}
	if all, _ := names(t, again, 10); !cmp.Equal(all, []string{"b", "d", "e"}) {
		t.Errorf("parked are %v", all)
	}
}

func TestParkedAtOnce(t *testing.T) {
	s := open(t, newPath(t))
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if err := s.Park(t.Context(), parkedEvent("x")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, _ := names(t, s, 1000); len(got) != 200 {
		t.Errorf("%d are parked, want 200", len(got))
	}
}

func TestParkingOnAClosedFile(t *testing.T) {
	s := open(t, newPath(t))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, listed := s.Parked(t.Context(), 1)
	for what, err := range map[string]error{"park": s.Park(t.Context(), parkedEvent("a")), "list": listed, "unpark": s.Unpark(t.Context(), 1)} {
		if !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, newPath(t)).Park(ctx, parkedEvent("a")); err == nil {
		t.Error("parked in a context that is done")
	}
}
