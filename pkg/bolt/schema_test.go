package bolt

import (
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/bbolt"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// TestNewerSchema: what a newer release wrote is not decided about, is left as it is, field
// for field, and is shown as far as it is understood.
func TestNewerSchema(t *testing.T) {
	s, err := Open(t.TempDir()+"/usher.db", Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	start := lesson.Lesson{Session: "s", Room: "r"}
	if err := s.Commit(t.Context(), room.Change{Room: room.Room{Name: "r"}, Create: true, Start: &start}); err != nil {
		t.Fatal(err)
	}
	newer := func(name string) []byte {
		return fmt.Appendf(nil, `{"schema":%d,"tomorrow":"kept","name":%q,"session":"s","room":"r","revision":1}`, room.SchemaRead+1, name)
	}
	values := map[string][]byte{"rooms": newer("r"), "lessons": dated(dayOf(s.now()), newer("r"))}
	for bucket, key := range map[string]string{"rooms": "r", "lessons": "s"} {
		if err := s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), values[bucket]) }); err != nil {
			t.Fatal(err)
		}
	}
	s.cache.clear()
	_, addErr := s.Add(t.Context(), lesson.Arrival{Session: "s"})
	_, leaveErr := s.Leave(t.Context(), lesson.Departure{Session: "s"})
	_, swapErr := s.Swap(t.Context(), lesson.Lesson{Session: "s", Revision: 1})
	_, shedErr := s.Shed(t.Context(), lesson.Lesson{Session: "s", Revision: 1}, lesson.Shed{})
	_, _, loadErr := s.Lesson(t.Context(), "s")
	_, roomErr := s.Room(t.Context(), "r")
	for what, err := range map[string]error{
		"add": addErr, "leave": leaveErr, "swap": swapErr, "shed": shedErr, "load": loadErr, "room": roomErr,
		"commit": s.Commit(t.Context(), room.Change{Room: room.Room{Name: "r", Revision: 1}}),
	} {
		if !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("%s: error is %v", what, err)
		}
	}
	if err := s.write(t.Context(), func(b *batch) error { return b.expireLesson("s") }); err != nil {
		t.Errorf("the retention stops: %v", err)
	}
	if rooms, err := s.Rooms(t.Context(), "", 9); err != nil || len(rooms) != 1 || rooms[0].Session != "s" {
		t.Errorf("the list shows %+v, %v", rooms, err)
	}
	if shown, err := s.Lessons(t.Context(), []string{"s"}); err != nil || shown["s"].Room != "r" {
		t.Errorf("the lesson is shown as %+v, %v", shown, err)
	}
	for bucket, key := range map[string]string{"rooms": "r", "lessons": "s"} {
		if err := s.view(t.Context(), func(tx *bbolt.Tx) error {
			if got := tx.Bucket([]byte(bucket)).Get([]byte(key)); string(got) != string(values[bucket]) {
				t.Errorf("%s: %s", bucket, got)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
