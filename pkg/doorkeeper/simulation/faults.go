package simulation

import (
	"context"
	"fmt"
	"sync"

	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// Then is what follows on the write that failed.
type Then int

// What may follow.
const (
	GoesOn Then = iota // the next call works
	Away               // the store answers nothing until Mend
	Dies               // the process is dead until Mend: nothing leaves it any more
)

// Faults counts a store's writes and fails one of them, before it was applied,
// or after: then only the answer is lost.
type Faults struct {
	mu      sync.Mutex
	armed   bool
	nth     int // the write that fails; 0: none
	applied bool
	then    Then
	writes  []string // the methods of the writes since Arm
	down    bool
}

// Arm counts writes from here on, and has the nth fail; 0: none.
func (f *Faults) Arm(nth int, applied bool, then Then) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.nth, f.applied, f.then, f.writes = true, nth, applied, then, nil
}

// Disarm stops counting and gives the methods of the writes since Arm.
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

// Hook is a storetest.Hook.
func (f *Faults) Hook(_ context.Context, c storetest.Call, do func() error) error {
	fails, applied := f.strikes(c)
	if !applied {
		return errCut
	}
	if err := do(); !fails {
		return err
	}
	return errCut
}

// strikes reports whether a call fails, and whether it is carried out.
func (f *Faults) strikes(c storetest.Call) (fails, applied bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down || !f.armed || !c.Write {
		return f.down, !f.down
	}
	f.writes = append(f.writes, c.Method)
	if len(f.writes) != f.nth {
		return false, true
	}
	f.down = f.then != GoesOn
	return true, f.applied
}
