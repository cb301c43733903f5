package doorkeeper_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/pkg/bolt"
	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/journal"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// door is a room in a world of its own.
type door struct {
	*simulation.World
	t       *testing.T
	session string
}

// adopted opens a room over a session made elsewhere, so that foreign
// connections are accepted.
func adopted(t *testing.T, policy string) *door {
	t.Helper()
	d := &door{World: simulation.NewWorld(openBolt(t)), t: t, session: "1_adopted"}
	d.put(policy, "1_adopted")
	d.Pass(time.Second) // the list has been read, and may be again
	return d
}

// own opens a room whose session Usher makes at the first join.
func own(t *testing.T, policy string) *door {
	t.Helper()
	d := &door{World: simulation.NewWorld(openBolt(t)), t: t, session: "2_session1"}
	d.put(policy, "")
	return d
}

// openBolt opens a store whose file is in memory where the system has such a
// place: thousands of histories need no disk, and the service's patience is not
// for one that is busy.
func openBolt(t testing.TB) room.Store {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "usher")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	store, err := bolt.Open(filepath.Join(dir, "usher.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func (d *door) put(text, session string) {
	d.t.Helper()
	if err := d.Put("lesson", text, session); err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) view() doorkeeper.Snapshot {
	d.t.Helper()
	v, err := d.Service.Room(context.Background(), "lesson")
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

func (d *door) in(want ...string) {
	d.t.Helper()
	slices.Sort(want)
	if got := d.Platform.In(d.session); !slices.Equal(got, want) {
		d.t.Errorf("in the session: %v, want %v\n%s", got, want, d.story())
	}
}

func (d *door) join(user string) (string, error) {
	c, err := d.Service.Join(context.Background(), "lesson", doorkeeper.Applicant{User: user})
	return c.Token, err
}

func (d *door) mustJoin(user string) string {
	d.t.Helper()
	token, err := d.join(user)
	if err != nil {
		d.t.Fatalf("join of %s: %v", user, err)
	}
	return token
}

// come connects and lets the webhook arrive at once.
func (d *door) come(id, data string) {
	d.Platform.Come(d.session, id, data)
	d.Pass(0)
}

func (d *door) lines() []journal.Line {
	d.t.Helper()
	page, err := d.Service.Events(context.Background(), "lesson", "", 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	return page.Lines
}

// story is the log in words.
func (d *door) story() string {
	s := ""
	for _, l := range d.lines() {
		s += "  " + l.Event + " " + dash(l.Connection) + " " + dash(l.User) + ": " + string(l.Action) + " " + string(l.Reason) + "\n"
	}
	return s
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// says checks that the log has exactly n lines of this action and reason for
// the connection.
func (d *door) says(n int, id string, action journal.Action, reason journal.Reason) {
	d.t.Helper()
	found := 0
	for _, l := range d.lines() {
		if dash(l.Connection) == id && l.Action == action && l.Reason == reason {
			found++
		}
	}
	if found != n {
		d.t.Errorf("%d lines %s/%s for %s, want %d\n%s", found, action, reason, id, n, d.story())
	}
}

func isProblem(err error, code problem.Code) bool {
	var p *problem.Details
	return errors.As(err, &p) && p.Code == code
}

func TestFullLesson(t *testing.T) {
	simulation.TestFullLesson(t, func(t *testing.T) room.Store { return openBolt(t) })
}

func TestHallEnd(t *testing.T) { simulation.TestHallEnd(t, openBolt(t)) }

// Those who are turned away from a full room share a reading of the list, and wait
// for none longer than it is under way.
func TestJoinsShareAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{World: simulation.InBubble(openBolt(t)), t: t, session: "2_session1"}
		d.put(`{"maxSeats":1}`, "")
		d.mustJoin("alice")
		d.Pass(time.Second)
		asked := d.Now()
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if _, err := d.join(fmt.Sprintf("u%d", i)); !isProblem(err, problem.RoomFull) {
					t.Errorf("join: %v", err)
				}
			})
		}
		all.Wait()
		if n := len(d.Platform.Readings[d.session]); n != 1 {
			t.Errorf("the list was read %d times for 40 joins", n)
		}
		if took := d.Now().Sub(asked); took > 100*time.Millisecond {
			t.Errorf("the last was answered after %v", took)
		}
	})
}
