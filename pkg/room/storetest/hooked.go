package storetest

import (
	"cmp"
	"context"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Hooked is a store with a hook around each of its calls, so that a test can
// count, delay and fail them. It does not embed the store: a method that
// room.Store gains does not slip past the hook.
type Hooked struct {
	Under room.Store
	Hook  Hook
}

var _ room.Store = Hooked{}

// Hook is called in place of a call, which do carries out. An error that it
// returns is all that the caller sees: without do the call failed, after do only
// its answer was lost. Calls may come at the same time.
type Hook func(ctx context.Context, c Call, do func() error) error

// Call is a call of a store.
type Call struct {
	Method  string // as room.Store names it
	Write   bool   // Add, Leave, Swap, Shed or Commit
	Session string // of the lesson; "" where it is about none, or several
}

func around[T any](ctx context.Context, s Hooked, c Call, do func() (T, error)) (T, error) {
	var answer, none T
	err := s.Hook(ctx, c, func() (err error) {
		answer, err = do()
		return err
	})
	if err != nil {
		return none, err
	}
	return answer, nil
}

// loaded is what Lesson gives.
type loaded struct {
	lesson  lesson.Lesson
	records []lesson.Record
}

// Lesson implements room.Store.
func (s Hooked) Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	got, err := around(ctx, s, Call{"Lesson", false, session}, func() (got loaded, err error) {
		got.lesson, got.records, err = s.Under.Lesson(ctx, session, records...)
		return got, err
	})
	return got.lesson, got.records, err
}

// Add implements room.Store.
func (s Hooked) Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error) {
	return around(ctx, s, Call{"Add", true, a.Session}, func() (lesson.Lesson, error) { return s.Under.Add(ctx, a) })
}

// Leave implements room.Store.
func (s Hooked) Leave(ctx context.Context, d lesson.Departure) (lesson.Lesson, error) {
	return around(ctx, s, Call{"Leave", true, d.Session}, func() (lesson.Lesson, error) { return s.Under.Leave(ctx, d) })
}

// Swap implements room.Store.
func (s Hooked) Swap(ctx context.Context, next lesson.Lesson) (lesson.Lesson, error) {
	return around(ctx, s, Call{"Swap", true, next.Session}, func() (lesson.Lesson, error) { return s.Under.Swap(ctx, next) })
}

// Shed implements room.Store.
func (s Hooked) Shed(ctx context.Context, l lesson.Lesson, out lesson.Shed) (lesson.Lesson, error) {
	return around(ctx, s, Call{"Shed", true, l.Session}, func() (lesson.Lesson, error) { return s.Under.Shed(ctx, l, out) })
}

// Room implements room.Store.
func (s Hooked) Room(ctx context.Context, name string) (room.Room, error) {
	return around(ctx, s, Call{Method: "Room"}, func() (room.Room, error) { return s.Under.Room(ctx, name) })
}

// Rooms implements room.Store.
func (s Hooked) Rooms(ctx context.Context, after string, limit int) ([]room.Room, error) {
	return around(ctx, s, Call{Method: "Rooms"}, func() ([]room.Room, error) { return s.Under.Rooms(ctx, after, limit) })
}

// Lessons implements room.Store.
func (s Hooked) Lessons(ctx context.Context, sessions []string) (map[string]lesson.Lesson, error) {
	return around(ctx, s, Call{Method: "Lessons"}, func() (map[string]lesson.Lesson, error) { return s.Under.Lessons(ctx, sessions) })
}

// LessonsOf implements room.Store.
func (s Hooked) LessonsOf(ctx context.Context, name string, created epoch.Instant, after room.Opening, limit int) ([]room.Opening, error) {
	return around(ctx, s, Call{Method: "LessonsOf"}, func() ([]room.Opening, error) { return s.Under.LessonsOf(ctx, name, created, after, limit) })
}

// Commit implements room.Store.
func (s Hooked) Commit(ctx context.Context, c room.Change) error {
	call := Call{Method: "Commit", Write: true}
	if l := cmp.Or(c.Start, c.Swap); l != nil {
		call.Session = l.Session
	}
	return s.Hook(ctx, call, func() error { return s.Under.Commit(ctx, c) })
}

// Lines implements room.Store.
func (s Hooked) Lines(ctx context.Context, session string, after int64, limit int) ([]journal.Line, error) {
	return around(ctx, s, Call{"Lines", false, session}, func() ([]journal.Line, error) { return s.Under.Lines(ctx, session, after, limit) })
}

// Records implements room.Store.
func (s Hooked) Records(ctx context.Context, session, after string, limit int) ([]lesson.Record, error) {
	return around(ctx, s, Call{"Records", false, session}, func() ([]lesson.Record, error) { return s.Under.Records(ctx, session, after, limit) })
}

// Ban implements room.Store.
func (s Hooked) Ban(ctx context.Context, name, user string) (b lesson.Ban, found bool, err error) {
	b, err = around(ctx, s, Call{Method: "Ban"}, func() (lesson.Ban, error) {
		b, ok, err := s.Under.Ban(ctx, name, user)
		found = ok
		return b, err
	})
	return b, found, err
}

// Bans implements room.Store.
func (s Hooked) Bans(ctx context.Context, name, after string, limit int) ([]lesson.Ban, error) {
	return around(ctx, s, Call{Method: "Bans"}, func() ([]lesson.Ban, error) { return s.Under.Bans(ctx, name, after, limit) })
}

// Due implements room.Store.
func (s Hooked) Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error) {
	return around(ctx, s, Call{Method: "Due"}, func() ([]string, error) { return s.Under.Due(ctx, bucket, before, limit) })
}
