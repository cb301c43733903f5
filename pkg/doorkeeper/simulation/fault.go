package simulation

import (
	"context"
	"fmt"
	"sync"

	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// aftermath is what follows on the write that failed.
type aftermath int

const (
	goesOn aftermath = iota // the next call works
	away                    // the store answers nothing until it is mended
	dies                    // the process is dead until then: nothing leaves it any more
)

// crashAt is a write that fails, and how; the zero crashAt is none.
type crashAt struct {
	nth     int
	method  string
	applied bool // only its answer is lost
	then    aftermath
}

func (at crashAt) String() string {
	how := "failed"
	if at.applied {
		how = "applied"
	}
	return fmt.Sprintf("%d %s %s, %s", at.nth, at.method, how, []string{"goes on", "store away", "dies"}[at.then])
}

// crashesOf gives every way to fail one of the writes.
func crashesOf(methods []string) (all []crashAt) {
	for i, method := range methods {
		for _, applied := range []bool{false, true} {
			for _, then := range []aftermath{goesOn, away, dies} {
				all = append(all, crashAt{i + 1, method, applied, then})
			}
		}
	}
	return all
}

// fault counts a store's writes while it is armed, and fails one of them.
type fault struct {
	mu     sync.Mutex
	armed  bool
	at     crashAt
	writes []string  // methods
	now    aftermath // goesOn: all is well
}

func (f *fault) arm(at crashAt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.at = true, at
}

// disarm gives the methods of the writes.
func (f *fault) disarm() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	return f.writes
}

func (f *fault) ongoing() aftermath {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// mend ends what the fault began, and gives what that was.
func (f *fault) mend() aftermath {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.now
	f.now = goesOn
	return was
}

// errCut is what a store says whose answer did not come.
var errCut = fmt.Errorf("%w: the answer was cut off", room.ErrUnavailable)

// hook is a storetest.Hook.
func (f *fault) hook(_ context.Context, c storetest.Call, do func() error) error {
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
func (f *fault) strikes(c storetest.Call) (fails, applied bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now != goesOn || !f.armed || !c.Write {
		return f.now != goesOn, f.now == goesOn
	}
	f.writes = append(f.writes, c.Method)
	if len(f.writes) != f.at.nth {
		return false, true
	}
	f.now = f.at.then
	return true, f.at.applied
}
