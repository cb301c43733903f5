package bolt

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/pkg/epoch"
	"usher/pkg/room"
)

func callback(body string, at epoch.Instant) room.Callback {
	return room.Callback{Received: at, Header: map[string][]string{"Authorization": {"Bearer " + body}}, Body: []byte(body + "\x00\xff")}
}

// keptBy gives what is due, by the first byte of the body.
func keptBy(t *testing.T, s *Store, by epoch.Instant) (bodies string, list []Kept) {
	t.Helper()
	list, err := s.Kept(t.Context(), by, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		bodies += string(k.Body[:1])
	}
	return bodies, list
}

func TestForwards(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	if bodies, _ := keptBy(t, s, noon+9); bodies != "" {
		t.Fatalf("a new file has %s", bodies)
	}
	for i, body := range []string{"c", "a", "b"} {
		if err := s.Keep(t.Context(), callback(body, noon+epoch.Instant([]int{3, 1, 1}[i]))); err != nil {
			t.Fatal(err)
		}
	}
	bodies, list := keptBy(t, s, noon+2)
	if bodies != "ab" || !cmp.Equal(list[0].Callback, callback("a", noon+1)) {
		t.Fatalf("due are %s, the first is %+v", bodies, list[0])
	}
	if err := s.KeepUntil(t.Context(), list[0], noon+5); err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice is once
		if err := s.Drop(t.Context(), list[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if bodies, _ := keptBy(t, s, noon+4); bodies != "c" {
		t.Errorf("due are %s, want c", bodies)
	}
	if bodies, list := keptBy(t, s, noon+5); bodies != "ca" || list[1].Failures != 1 {
		t.Errorf("due are %s, %+v", bodies, list)
	}
}
