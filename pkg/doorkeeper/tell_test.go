package doorkeeper_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

// told is a room in a session made elsewhere, whose owner's backend listens.
type told struct {
	*door
	backend *simulation.Backend
	log     bytes.Buffer
}

func newTold(t *testing.T, store room.Store, policy string) *told {
	t.Helper()
	d := &told{door: &door{World: simulation.NewWorld(store), t: t, session: "1_adopted"}}
	d.Settings = func(set *doorkeeper.Settings) { set.Log = slog.New(slog.NewTextHandler(&d.log, nil)) }
	d.backend = d.Listen()
	d.put(policy, d.session)
	return d
}

// heard is what the backend was told, "!" after what it did not take.
func (d *told) heard() string {
	var words []string
	for _, h := range d.backend.Heard(d.session) {
		word := fmt.Sprintf("%d %s", h.Line.Seq, h.Line.Told())
		if !h.Taken {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func (d *told) all() {
	d.t.Helper()
	if err := d.AllTold(d.session); err != nil {
		d.t.Errorf("%v\nheard: %s\n%s", err, d.heard(), d.story())
	}
}

// refuse has the backend answer with a failure until it is told otherwise.
func (d *told) refuse() {
	d.backend.Answer = func(room.Notice) error { return errors.New("it answered 500") }
}

func TestBackendIsTold(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":2,"lessonSeconds":600}`)
	for _, id := range []string{"A", "B", "C"} {
		d.come(id, id)
		d.Pass(time.Second)
	}
	d.Platform.Publish("A", "s1", "camera")
	d.Platform.Go("A")
	d.Pass(20 * time.Minute)
	const want = "2 connection.seated, 3 connection.seated, 4 lesson.started, 5 connection.refused, 6 connection.left, 8 connection.left, " +
		"9 lesson.ended, 10 connection.disconnected, 11 connection.left"
	if got := d.heard(); got != want {
		t.Errorf("the backend heard %s\nwant              %s\n%s", got, want, d.story())
	}
	d.all()
	for _, h := range d.backend.Heard(d.session) {
		if h.Room != "lesson" || h.At != h.Line.At {
			t.Errorf("line %d of room %q was told at %v, %v after it was decided", h.Line.Seq, h.Room, h.At, h.At.Sub(h.Line.At))
		}
		if ended := h.Line.Told() == journal.LessonEnded; ended != (h.Attendance != nil) || ended && len(h.Attendance.Users) != 2 {
			t.Errorf("with line %d goes the attendance %+v", h.Line.Seq, h.Attendance)
		}
	}
}

func TestNobodyIsToldOfALessonThatBeganBefore(t *testing.T) {
	d := adopted(t, `{"maxSeats":2}`)
	d.come("A", "A")
	backend := d.Listen()
	d.come("B", "B")
	d.Pass(time.Hour)
	if list := backend.Heard(d.session); len(list) > 0 {
		t.Errorf("the backend was told %+v", list)
	}
}

// A backend that went away for good costs one more write, and nothing after it.
func TestBackendIsTakenAway(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":3}`)
	d.come("A", "A")
	d.Settings = func(set *doorkeeper.Settings) { set.Telling.Begin, set.Telling.Backend = false, nil }
	d.Restart()
	d.come("B", "B")
	d.Pass(time.Minute)
	if l, err := d.Lesson(d.session); err != nil || l.Tell != nil {
		t.Errorf("the lesson is still to be told: %+v, %v", l.Tell, err)
	}
}

// TestBackendIsAway: tries after 5, 10, 20 s, up to 15 minutes; then all in order.
func TestBackendIsAway(t *testing.T) {
	for _, away := range []time.Duration{7 * time.Second, time.Hour, 23*time.Hour + 30*time.Minute} {
		t.Run(away.String(), func(t *testing.T) {
			d := newTold(t, openBolt(t), `{"maxSeats":3}`)
			d.refuse()
			d.come("A", "A")
			d.Pass(away / 2)
			d.come("B", "B")
			d.Platform.Go("A")
			d.Pass(away - away/2)
			var tries []epoch.Instant
			for _, h := range d.backend.Heard(d.session) {
				if h.Line.Seq != 2 {
					t.Errorf("line %d was told before line 2 was taken", h.Line.Seq)
				}
				tries = append(tries, h.At)
			}
			checkTries(t, tries, away)
			d.backend.Answer = nil
			d.Pass(15 * time.Minute)
			d.all()
			if strings.Contains(d.log.String(), "alarm=untold") {
				t.Errorf("something was given up:\n%s", &d.log)
			}
		})
	}
}

// checkTries holds the moments of tries to a distance that doubles from 5 s to 15 min.
func checkTries(t *testing.T, tries []epoch.Instant, away time.Duration) {
	t.Helper()
	want, at := 0, time.Duration(0)
	for wait := 5 * time.Second; at <= away; wait = min(2*wait, 15*time.Minute) {
		if want < len(tries) && tries[want].Sub(tries[0]) != at {
			t.Errorf("try %d came %v after the first, want %v", want+1, tries[want].Sub(tries[0]), at)
		}
		want, at = want+1, at+wait
	}
	if len(tries) != want {
		t.Errorf("%d tries in %v, want %d", len(tries), away, want)
	}
}

// A backend that takes something is there: the next failure is a first one.
func TestBackendTakesSome(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":3}`)
	d.refuse()
	d.come("A", "A")
	d.come("B", "B")
	d.Pass(10 * time.Minute)
	d.backend.Answer = func(n room.Notice) error {
		if n.Line.Seq > 2 {
			return errors.New("it answered 500")
		}
		return nil
	}
	d.Pass(15 * time.Minute)
	var tries []epoch.Instant
	for _, h := range d.backend.Heard(d.session) {
		if h.Line.Seq == 3 && len(tries) < 3 {
			tries = append(tries, h.At)
		}
	}
	if len(tries) < 3 || tries[1].Sub(tries[0]) != 5*time.Second || tries[2].Sub(tries[1]) != 10*time.Second {
		t.Errorf("line 3 was tried at %v: %s", tries, d.heard())
	}
}

// TestBackendIsAwayForMoreThanADay: what could not be told for a day is given up with an
// alarm, what came later is told, and then anew.
func TestBackendIsAwayForMoreThanADay(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":5}`)
	d.refuse()
	d.come("A", "A")
	d.come("B", "B")
	d.Pass(23 * time.Hour)
	d.come("C", "C")
	d.Pass(2 * time.Hour)
	d.backend.Answer = nil
	d.Pass(15 * time.Minute)
	var taken []int64
	for _, h := range d.backend.Heard(d.session) {
		if h.Taken {
			taken = append(taken, h.Line.Seq)
		}
	}
	seqOf := func(id string) int64 {
		i := slices.IndexFunc(d.lines(), func(l journal.Line) bool { return l.Connection == id && l.Action == journal.DidSeat })
		return d.lines()[i].Seq
	}
	if !slices.Equal(taken, []int64{seqOf("C")}) {
		t.Errorf("the backend took %v, want %d alone: %s", taken, seqOf("C"), d.heard())
	}
	if n := strings.Count(d.log.String(), "alarm=untold"); n != 1 || !strings.Contains(d.log.String(), "from=2 through=4") {
		t.Errorf("%d alarms:\n%s", n, &d.log)
	}
	d.Pass(24 * time.Hour)
	before := len(d.backend.Heard(d.session))
	d.come("D", "D")
	d.Pass(0)
	if list := d.backend.Heard(d.session); len(list) != before+1 || !list[before].Taken {
		t.Errorf("a new line was not told at once: %s", d.heard())
	}
}

// Away for good: each line is tried for a day, and then nothing is tried any more.
func TestBackendNeverComesBack(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":5}`)
	d.refuse()
	d.come("A", "A")
	d.Platform.Go("A")
	if _, err := d.Service.End(context.Background(), "lesson", "admin"); err != nil {
		t.Fatal(err)
	}
	d.Pass(25 * time.Hour)
	tries := len(d.backend.Heard(d.session))
	l, err := d.Lesson(d.session)
	if err != nil || l.Due != 0 || l.Untold() != 0 {
		t.Errorf("there is still something to do: due %v, untold %d, %v", l.Due, l.Untold(), err)
	}
	d.Pass(48 * time.Hour)
	if n := len(d.backend.Heard(d.session)); n != tries {
		t.Errorf("%d more tries", n-tries)
	}
}

// dying fails the write that moves the cursor, as the death of the process does.
func TestDeathBeforeTheCursorMoves(t *testing.T) {
	dying := false
	var d *told
	d = newTold(t, storetest.Hooked{Under: openBolt(t), Hook: func(_ context.Context, c storetest.Call, do func() error) error {
		if dying && c.Write && len(d.backend.Heard(d.session)) > 0 {
			return fmt.Errorf("%w: dead", room.ErrUnavailable)
		}
		return do()
	}}, `{"maxSeats":3}`)
	d.Again = func(simulation.Task, error) time.Duration { return 100 * time.Hour } // nobody asks again
	dying = true
	d.come("A", "A")
	d.Pass(time.Second)
	dying = false
	d.Restart()
	if got := d.heard(); got != "2 connection.seated" {
		t.Fatalf("heard %s", got)
	}
	d.Pass(3 * time.Minute)
	if got := d.heard(); got != "2 connection.seated, 2 connection.seated" {
		t.Errorf("heard %s", got)
	}
	d.all()
}

// Asking may be lost with the process that decided: the sweep asks.
func TestAskingIsLost(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":5}`)
	lost := true
	d.TellTimes = func(_ string, at epoch.Instant) []epoch.Instant {
		if lost {
			return nil
		}
		return []epoch.Instant{at}
	}
	d.come("A", "A")
	d.come("B", "B")
	lost = false
	d.Pass(11 * time.Minute)
	d.all()
	if n := len(d.backend.Heard(d.session)); n != 3 {
		t.Errorf("told %d lines, want 3: %s", n, d.heard())
	}
}

// TestManyWriters: two processes hear of many people at once, and both tell. What the
// backend hears first comes in the order of the log, whoever tells.
func TestManyWriters(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":0}`)
	d.Platform.Notify = d.Hold
	for i := range 60 {
		d.Platform.Come(d.session, fmt.Sprintf("c%02d", i), fmt.Sprintf("u%02d", i))
		d.Pass(time.Millisecond)
	}
	var telling sync.WaitGroup
	var processes []*doorkeeper.Service
	for range 2 {
		var own *doorkeeper.Service
		d.Settings = func(set *doorkeeper.Settings) {
			set.Telling.Ask = func(ctx context.Context, session string, _ epoch.Instant) error {
				telling.Go(func() {
					err := room.ErrUnavailable
					for errors.Is(err, room.ErrUnavailable) { // as the queue brings it again
						err = own.Tell(context.WithoutCancel(ctx), session)
					}
					if err != nil {
						t.Error(err)
					}
				})
				return nil
			}
		}
		d.Restart()
		own = d.Service
		processes = append(processes, own)
	}
	var writing sync.WaitGroup
	for i, e := range d.Held {
		writing.Go(func() {
			err := room.ErrUnavailable
			for errors.Is(err, room.ErrUnavailable) { // as Vonage sends it again
				err = processes[i%2].Hear(context.Background(), e)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	telling.Wait()
	d.all()
}

// A first line that is not taken is tried again later, and not at once for ever, also where
// the lines before it are told to nobody.
func TestFirstLineIsNotTaken(t *testing.T) {
	d := newTold(t, openBolt(t), `{"maxSeats":3,"foreignTokens":"accept"}`)
	if _, err := d.Service.End(context.Background(), "lesson", "admin"); err != nil {
		t.Fatal(err)
	}
	v, err := d.Service.Reopen(context.Background(), "lesson", "admin")
	if err != nil {
		t.Fatal(err)
	}
	d.session = v.Room.Session
	tries := 0
	d.backend.Answer = func(room.Notice) error {
		if tries++; tries > 100 {
			panic("it is told again and again in one moment")
		}
		return errors.New("it answered 500")
	}
	d.come("A", "ann")
	d.Pass(4 * time.Second)
	if got := d.heard(); got != "3 connection.seated!" {
		t.Errorf("the backend heard %s", got)
	}
}
