package costs

import (
	"context"
	"fmt"
	"testing"

	"usher/pkg/lesson"
	"usher/pkg/room"
)

// TestBans says that an arrival and a join take the same in a room with one ban and with
// so many.
func TestBans(t *testing.T, open func(testing.TB) *Counted, many int) {
	few, all := arrivalWithBans(t, open(t), 1), arrivalWithBans(t, open(t), many)
	t.Logf("with one ban: %v\nwith %d: %v", few, many, all)
	if few.Requests != 2 || all.Requests != few.Requests || all.Read != few.Read || all.Write != few.Write {
		t.Errorf("with %d bans an arrival takes\n%v\nwith one\n%v", many, all, few)
	}
}

// arrivalWithBans is what an arrival takes in a room with so many bans.
func arrivalWithBans(t *testing.T, store *Counted, bans int) Used {
	t.Helper()
	h := newHouse(t, store, `{"maxSeats":5,"foreignTokens":"accept"}`, false)
	h.banAll(bans)
	h.end()
	_, err := h.rooms.Reopen(context.Background(), "lesson", "admin")
	h.must(err)
	r, err := h.store.Bare.Room(context.Background(), "lesson")
	h.must(err)
	h.session = r.Session
	h.bring("A", "B")
	_, used := h.cost(heard("C", "C"))
	h.come("Z", "user-00000")
	h.hear(h.webhook)
	if l, err := h.Lesson(h.session); err != nil || l.Conns["C"].State != lesson.Seated || l.Conns["Z"].State != lesson.Refused {
		t.Errorf("of %d bans: %+v, %v", bans, l.Conns, err)
	}
	return used
}

// banAll puts bans into the room's list, as they would stand there.
func (h *house) banAll(n int) {
	h.t.Helper()
	ctx := context.Background()
	for i := 0; i < n; i += room.MaxBans {
		r, err := h.store.Bare.Room(ctx, "lesson")
		h.must(err)
		c := room.Change{Room: r}
		for k := i; k < min(n, i+room.MaxBans); k++ {
			c.Bans = append(c.Bans, lesson.Ban{User: fmt.Sprintf("user-%05d", k), At: h.Now(), Actor: "admin"})
		}
		c.Room.Bans += int64(len(c.Bans))
		h.must(h.store.Bare.Commit(ctx, c))
	}
}
