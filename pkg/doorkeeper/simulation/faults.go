package simulation

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Then is what follows on the write that failed.
type Then int

// What may follow.
const (
	GoesOn Then = iota // the next call works
	Away               // the store answers nothing until Mend
	Dies               // the process is dead until Mend: nothing leaves it any more
)

// Faults is a room.Store that counts its writes and fails one of them, before
// it was applied, or after: then only the answer is lost. It shows no session
// of other worlds, so that many can share what is under it.
type Faults struct {
	under room.Store
	world string // what the names of its sessions contain

	mu      sync.Mutex
	armed   bool
	nth     int // the write that fails; 0: none
	applied bool
	then    Then
	writes  []string // the kinds of the writes since Arm
	down    bool
}

var _ room.Store = (*Faults)(nil)

// NewFaults is a store for the world whose sessions' names contain that.
func NewFaults(under room.Store, world string) *Faults {
	return &Faults{under: under, world: world}
}

// Arm counts writes from here on, and has the nth fail; 0: none.
func (f *Faults) Arm(nth int, applied bool, then Then) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.nth, f.applied, f.then, f.writes = true, nth, applied, then, nil
}

// Disarm stops counting and gives the kinds of the writes since Arm.
func (f *Faults) Disarm() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	return f.writes
}

// Mend ends what a fault began, and reports what it was: GoesOn for nothing.
func (f *Faults) Mend() Then {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.down {
		return GoesOn
	}
	f.down = false
	return f.then
}

// Dead reports whether the process has died.
func (f *Faults) Dead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down && f.then == Dies
}

// errCut is what a store says whose answer did not come.
var errCut = fmt.Errorf("%w: the answer was cut off", room.ErrUnavailable)

// strikes counts a write and reports whether it fails, and whether it is
// carried out.
func (f *Faults) strikes(kind string) (fails, applied bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down || !f.armed {
		return f.down, !f.down
	}
	f.writes = append(f.writes, kind)
	if len(f.writes) != f.nth {
		return false, true
	}
	f.down = f.then != GoesOn
	return true, f.applied
}

// write carries a write out, or not, and answers, or not.
func write[T any](f *Faults, kind string, do func() (T, error)) (v T, err error) {
	fails, applied := f.strikes(kind)
	if applied {
		v, err = do()
	}
	if fails {
		var none T
		return none, errCut
	}
	return v, err
}

// reads reports the failure of a read while the store is away.
func (f *Faults) reads() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return errCut
	}
	return nil
}

// Add is counted.
func (f *Faults) Add(ctx context.Context, a lesson.Arrival) (lesson.Lesson, error) {
	return write(f, "add", func() (lesson.Lesson, error) { return f.under.Add(ctx, a) })
}

// Swap is counted.
func (f *Faults) Swap(ctx context.Context, next lesson.Lesson) (lesson.Lesson, error) {
	return write(f, "swap", func() (lesson.Lesson, error) { return f.under.Swap(ctx, next) })
}

// Shed is counted.
func (f *Faults) Shed(ctx context.Context, l lesson.Lesson, s lesson.Shed) (lesson.Lesson, error) {
	return write(f, "shed", func() (lesson.Lesson, error) { return f.under.Shed(ctx, l, s) })
}

// Commit is counted.
func (f *Faults) Commit(ctx context.Context, c room.Change) error {
	_, err := write(f, "commit", func() (struct{}, error) { return struct{}{}, f.under.Commit(ctx, c) })
	return err
}

// Lesson reads.
func (f *Faults) Lesson(ctx context.Context, session string, records ...string) (lesson.Lesson, []lesson.Record, error) {
	if err := f.reads(); err != nil {
		return lesson.Lesson{}, nil, err
	}
	return f.under.Lesson(ctx, session, records...)
}

// Room reads.
func (f *Faults) Room(ctx context.Context, name string) (room.Room, error) {
	if err := f.reads(); err != nil {
		return room.Room{}, err
	}
	return f.under.Room(ctx, name)
}

// Rooms reads.
func (f *Faults) Rooms(ctx context.Context, after string, limit int) ([]room.Room, error) {
	if err := f.reads(); err != nil {
		return nil, err
	}
	return f.under.Rooms(ctx, after, limit)
}

// Lessons reads.
func (f *Faults) Lessons(ctx context.Context, sessions []string) (map[string]lesson.Lesson, error) {
	if err := f.reads(); err != nil {
		return nil, err
	}
	return f.under.Lessons(ctx, sessions)
}

// Lines reads.
func (f *Faults) Lines(ctx context.Context, session string, after int64, limit int) ([]journal.Line, error) {
	if err := f.reads(); err != nil {
		return nil, err
	}
	return f.under.Lines(ctx, session, after, limit)
}

// Records reads.
func (f *Faults) Records(ctx context.Context, session, after string, limit int) ([]lesson.Record, error) {
	if err := f.reads(); err != nil {
		return nil, err
	}
	return f.under.Records(ctx, session, after, limit)
}

// Due reads past the sessions of other worlds.
func (f *Faults) Due(ctx context.Context, bucket int, before epoch.Instant, limit int) ([]string, error) {
	if err := f.reads(); err != nil {
		return nil, err
	}
	all, err := f.under.Due(ctx, bucket, before, 1000)
	var mine []string
	for _, session := range all {
		if strings.Contains(session, f.world) && len(mine) < limit {
			mine = append(mine, session)
		}
	}
	return mine, err
}
