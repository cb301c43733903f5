package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// TestClockRaces lets several processes ask about one clock at once, over stores that open
// gives: whichever commits first wins, and the other is told so.
func TestClockRaces(t *testing.T, open func(*testing.T) room.Store) {
	t.Run("a hundred extensions", func(t *testing.T) { extensions(t, open(t)) })
	for i := range 6 {
		t.Run(fmt.Sprintf("extensions, an end, a deadline and a policy, starting with %d", i), func(t *testing.T) {
			everythingAtOnce(t, open(t), i)
		})
	}
}

// race is a running lesson of a minute, and processes over one store.
type race struct {
	*World
	t         *testing.T
	session   string
	processes []*doorkeeper.Service
}

func newRace(t *testing.T, store room.Store) *race {
	r := &race{World: NewWorld(store), t: t, session: "1_race"}
	r.SweepEvery = 0
	if err := r.Put("race", `{"lessonSeconds":60}`, r.session); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"A", "B"} {
		r.Platform.Come(r.session, id, id)
		r.Pass(time.Second)
	}
	for range 4 {
		r.Restart()
		r.processes = append(r.processes, r.Service)
	}
	return r
}

// insist asks again while other writers were first each time.
func insist(ask func() error) error {
	for {
		if err := ask(); !errors.Is(err, room.ErrUnavailable) {
			return err
		}
	}
}

// extensions of 1 to 100 s add up exactly, whoever of the processes is asked.
func extensions(t *testing.T, store room.Store) {
	r := newRace(t, store)
	started := Epoch.Add(time.Second)
	sum := 0
	var all sync.WaitGroup
	for i := 1; i <= 100; i++ {
		sum += i
		all.Go(func() {
			process := r.processes[i%len(r.processes)]
			err := insist(func() error {
				_, err := process.Extend(context.Background(), "race", i, 0, "admin")
				return err
			})
			if err != nil {
				t.Errorf("extension by %d: %v", i, err)
			}
		})
	}
	all.Wait()
	l, lines, err := r.Log(r.session)
	if err != nil {
		t.Fatal(err)
	}
	if want := started.Add(time.Duration(60+sum) * time.Second); l.Deadline() != want || l.StartedAt != started {
		t.Errorf("it started at %s and ends at %s, want %s and %s", l.StartedAt, l.Deadline(), started, want)
	}
	if n := count(lines, journal.DidExtend); n != 100 {
		t.Errorf("the log tells of %d extensions", n)
	}
	if story := journal.Fold(lines); story.Deadline != l.Deadline() {
		t.Errorf("the log tells of an end at %s, not %s", story.Deadline, l.Deadline())
	}
}

func count(lines []journal.Line, action journal.Action) (n int) {
	for _, line := range lines {
		if line.Action == action {
			n++
		}
	}
	return n
}

// everythingAtOnce asks at the deadline, the first of it first. However they come: the
// lesson ends once, an extension was granted if it is in the log before the end, and else
// it was refused.
func everythingAtOnce(t *testing.T, store room.Store, first int) {
	r := newRace(t, store)
	r.Forget()
	r.Forward(Epoch.Add(61 * time.Second)) // the deadline; nobody has been woken
	var mu sync.Mutex
	granted := 0
	extend := func(process *doorkeeper.Service, seconds int, endsAt epoch.Instant) func() error {
		return func() error {
			_, err := process.Extend(context.Background(), "race", seconds, endsAt, "admin")
			var refusal *problem.Details
			switch {
			case err == nil:
				mu.Lock()
				granted++
				mu.Unlock()
			case errors.As(err, &refusal) && refusal.Code == problem.NotRunning:
				return nil
			}
			return err
		}
	}
	acts := []func() error{
		extend(r.processes[0], 60, 0),
		func() error { _, err := r.processes[1].End(context.Background(), "race", "admin"); return err },
		func() error { return r.processes[2].Work(context.Background(), r.session) },
		func() error { return r.closes(r.processes[3], Epoch.Add(30*time.Second)) },
		extend(r.processes[1], 0, Epoch.Add(5*time.Minute)),
		func() error { return r.processes[0].Work(context.Background(), r.session) },
	}
	var all sync.WaitGroup
	for i := range acts {
		act := acts[(i+first)%len(acts)]
		all.Go(func() {
			if err := insist(act); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r.isOver(granted)
}

// closes puts a policy under which the room has closed.
func (r *race) closes(process *doorkeeper.Service, at epoch.Instant) error {
	p, err := policy.Parse(fmt.Appendf(nil, `{"lessonSeconds":60,"closesAt":%q}`, at.String()))
	if err != nil {
		return err
	}
	_, _, err = process.PutRoom(context.Background(), room.Put{Name: "race", Policy: p, Actor: "admin"})
	return err
}

// isOver holds the log to what was answered.
func (r *race) isOver(granted int) {
	l, lines, err := r.Log(r.session)
	if err != nil {
		r.t.Fatal(err)
	}
	if l.Status != journal.Ended || count(lines, journal.DidEnd) != 1 {
		r.t.Errorf("the lesson is %s, and ended %d times:\n%s", l.Status, count(lines, journal.DidEnd), told(lines))
	}
	if n := count(lines, journal.DidExtend); n != granted {
		r.t.Errorf("%d extensions were granted, and the log tells of %d:\n%s", granted, n, told(lines))
	}
	over := false
	for _, line := range lines {
		if over && line.Action == journal.DidExtend {
			r.t.Errorf("extended after its end:\n%s", told(lines))
		}
		over = over || line.Action == journal.DidEnd
	}
	if in := r.Platform.In(r.session); len(in) > 0 {
		r.t.Errorf("still in: %v", in)
	}
}

func told(lines []journal.Line) (text string) {
	for _, line := range lines {
		text += fmt.Sprintf("  %s %s %s %s %s\n", line.At, line.Event, line.Action, line.Reason, line.Note)
	}
	return text
}
