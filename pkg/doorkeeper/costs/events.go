package costs

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"usher/pkg/doorkeeper"
	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Cost is what one event takes.
type Cost struct {
	Requests    int // to the store
	Readings    int // of the platform's list
	Disconnects int // requests for them
	Wakes       int // asked for
}

// house is a room as the deployed functions keep it: each process has a memory
// of its own, over one store and one platform. Webhooks are held until a test
// says which process hears of them.
type house struct {
	*simulation.World
	t       testing.TB
	store   *Counted
	session string
	// webhook and second hear events, rooms serves the API; the World's own
	// service is the one that wakes call.
	webhook, second, rooms *doorkeeper.Service
	wakes, asked           int // how often was asked for work, and for telling
	schedules              int // of the wakes, those that are further away than a queue delays
	calls                  int // of the callback and the API
}

func newHouse(t testing.TB, store *Counted, text string, own bool) *house {
	t.Helper()
	return newHouseWith(t, store, text, own, func(*house) {})
}

// newHouseWith is newHouse that is set up before the processes start.
func newHouseWith(t testing.TB, store *Counted, text string, own bool, setUp func(*house)) *house {
	t.Helper()
	return newHouseIn(t, simulation.NewWorld(store), store, text, own, setUp)
}

// newHouseIn is newHouseWith in a world that is there already.
func newHouseIn(t testing.TB, w *simulation.World, store *Counted, text string, own bool, setUp func(*house)) *house {
	t.Helper()
	h := &house{World: w, t: t, store: store, session: "1_MX40NjkyMDM0MX5-MTcwMDAwMDAwMDAwMH5hZG9wdGVk"}
	h.SweepEvery = 0
	h.WakeTimes = func(_ string, at epoch.Instant) []epoch.Instant {
		h.wakes++
		if at.Sub(h.Now()) > 15*time.Minute {
			h.schedules++
		}
		return []epoch.Instant{at}
	}
	h.Platform.Notify = h.Hold
	setUp(h)
	h.webhook, h.second, h.rooms = h.process(), h.process(), h.process()
	adopted := h.session
	if own {
		adopted, h.session = "", "2_session1"
	}
	if err := h.Put("lesson", text, adopted); err != nil {
		t.Fatal(err)
	}
	return h
}

// process starts one more process.
func (h *house) process() *doorkeeper.Service {
	h.Restart()
	return h.Service
}

// come connects a client; its webhook is held.
func (h *house) come(id, data string) { h.Platform.Come(h.session, id, data) }

// hear gives the process the first webhook that is held.
func (h *house) hear(process *doorkeeper.Service) {
	h.t.Helper()
	e := h.Held[0]
	h.Held = h.Held[1:]
	e.Received = h.Now()
	h.calls++
	if err := process.Hear(context.Background(), e); err != nil {
		h.t.Fatal(err)
	}
}

// bring lets people come a second apart, each heard of at once.
func (h *house) bring(ids ...string) {
	h.t.Helper()
	for _, id := range ids {
		h.come(id, id)
		h.hear(h.webhook)
		h.Advance(h.Now().Add(time.Second))
	}
}

func (h *house) join(user string) string {
	h.t.Helper()
	return h.joinAs(user, "")
}

// cost runs do and gives what it took.
func (h *house) cost(do func(*house)) (Cost, Used) {
	h.store.Take()
	readings, requests, wakes := len(h.Platform.Readings[h.session]), len(h.Platform.Requests), h.wakes
	do(h)
	used := h.store.Take()
	return Cost{
		used.Requests, len(h.Platform.Readings[h.session]) - readings, len(h.Platform.Requests) - requests, h.wakes - wakes,
	}, used
}

// happening is an event whose cost is counted.
type happening struct {
	name   string
	policy string
	own    bool // Usher makes the session; else it was adopted
	before func(*house)
	do     func(*house)
	want   Cost
	// The units, where they are held; DynamoDB charges them.
	read, write float64
}

const (
	limited = `{"maxSeats":3,"lessonSeconds":3600}`
	pausing = `{"maxSeats":3,"lessonSeconds":3600,"clock":"pause"}`
)

// closing is the policy of a room that closes a minute after the world's beginning.
var closing = fmt.Sprintf(`{"maxSeats":2,"closesAt":%q}`, simulation.Epoch.Add(time.Minute).String())

// heard is somebody who comes and is heard of by the warm process.
func heard(id, data string) func(*house) {
	return func(h *house) {
		h.come(id, data)
		h.hear(h.webhook)
	}
}

// confirmed are people who came, and whose start the list has confirmed.
func confirmed(ids ...string) func(*house) {
	return func(h *house) { h.bring(ids...); h.Pass(10 * time.Second) }
}

// together is a pair some minutes after its start, known to the warm process.
func together(h *house) {
	confirmed("A", "B")(h)
	h.Pass(3 * time.Minute)
	h.camera("A")
}

// apart is such a pair of whom one has left.
func apart(h *house) {
	together(h)
	h.Platform.Go("A")
	h.hear(h.webhook)
}

func brought(ids ...string) func(*house) { return func(h *house) { h.bring(ids...) } }

// another has somebody come whom a second process hears of, so that the first
// one's memory of the lesson is old.
func (h *house) another(id string) {
	h.come(id, id)
	h.hear(h.second)
}

var happenings = []happening{
	{
		name: "arrival", policy: limited, before: brought("A", "B"), do: heard("C", "C"), want: Cost{Requests: 1},
	},
	{
		name: "arrival, the process's first", policy: limited, before: brought("A", "B"),
		do: func(h *house) { h.come("C", "C"); h.hear(h.second) }, want: Cost{Requests: 2},
	},
	{
		name: "arrival after one that another process heard of", policy: `{"maxSeats":5}`,
		before: func(h *house) { h.bring("A", "B"); h.another("C") }, do: heard("D", "D"), want: Cost{Requests: 1},
	},
	{
		name: "departure", policy: limited, before: brought("A", "B"),
		do: func(h *house) { h.Platform.Go("A"); h.hear(h.webhook) }, want: Cost{Requests: 1},
	},
	{
		name: "departure that lost a race", policy: `{"maxSeats":5}`,
		before: func(h *house) { h.bring("A", "B"); h.another("C") },
		do:     func(h *house) { h.Platform.Go("A"); h.hear(h.webhook) }, want: Cost{Requests: 2},
	},
	{
		name: "a webhook that comes twice", policy: limited, before: func(h *house) { confirmed("A", "B")(h); h.camera("A") },
		do: func(h *house) {
			q := h.Platform.People(h.session)[1]
			h.Hold(q.Event(journal.ConnectionCreated, q.CameAt))
			h.hear(h.webhook)
		},
		want: Cost{},
	},
	{
		name: "start of the clock", policy: limited, before: brought("A"), do: heard("B", "B"),
		want: Cost{Requests: 1, Wakes: 2},
	},
	{
		name: "confirmation of the start", policy: limited, before: brought("A", "B"),
		do: func(h *house) { h.Pass(10 * time.Second) }, want: Cost{Requests: 3, Readings: 1},
	},
	{
		name: "a stream", policy: limited, before: brought("A", "B"),
		do:   func(h *house) { h.camera("A") },
		want: Cost{Requests: 1},
	},
	{
		name: "refusal, the room is full", policy: `{"maxSeats":2}`, before: brought("A", "B"), do: heard("C", "C"),
		want: Cost{Requests: 2, Readings: 1, Disconnects: 1, Wakes: 1},
	},
	{
		name: "refusal without a ticket", policy: `{"maxSeats":2}`, own: true,
		before: func(h *house) { h.come("A", h.join("alice")); h.hear(h.webhook) }, do: heard("X", "eve"),
		want: Cost{Requests: 1, Disconnects: 1, Wakes: 1},
	},
	{
		name: "departure of somebody refused", policy: `{"maxSeats":2}`,
		before: func(h *house) { h.bring("A", "B"); h.come("C", "C"); h.hear(h.webhook) },
		do:     func(h *house) { h.hear(h.webhook) }, want: Cost{Requests: 1},
	},
	{
		name: "first join, with the session made", policy: `{"maxSeats":2}`, own: true,
		do: func(h *house) { h.join("alice") }, want: Cost{Requests: 4},
	},
	{
		name: "join", policy: `{"maxSeats":4}`, own: true, before: func(h *house) { h.join("alice") },
		do: func(h *house) { h.join("bob") }, want: Cost{Requests: 1},
	},
	{
		name: "join after another process changed the lesson", policy: `{"maxSeats":4}`, own: true,
		before: func(h *house) { h.come("A", h.join("alice")); h.hear(h.webhook) },
		do:     func(h *house) { h.join("bob") }, want: Cost{Requests: 2},
	},
	{
		name: "arrival of somebody promised, the process's first", policy: `{"maxSeats":4}`, own: true,
		before: func(h *house) { h.come("A", h.join("alice")) },
		do:     func(h *house) { h.hear(h.webhook) }, want: Cost{Requests: 2},
	},
	{
		name: "arrival of somebody promised since the process last looked", policy: `{"maxSeats":4}`, own: true,
		before: func(h *house) { h.come("A", h.join("alice")); h.hear(h.webhook); h.come("B", h.join("bob")) },
		do:     func(h *house) { h.hear(h.webhook) }, want: Cost{Requests: 2},
	},
	{
		name: "join of a full room", policy: `{"maxSeats":2}`, before: confirmed("A", "B"),
		do: func(h *house) {
			h.turnedAway("carol")
		},
		want: Cost{Requests: 2, Readings: 1},
	},
	{
		name: "extension", policy: limited, before: brought("A", "B"),
		do: func(h *house) {
			if _, err := h.rooms.Extend(context.Background(), "lesson", 60, 0, ""); err != nil {
				h.t.Fatal(err)
			}
		},
		want: Cost{Requests: 3, Wakes: 1},
	},
	{
		name: "attendance of two people", policy: limited, before: confirmed("A", "B"),
		do: func(h *house) { h.attendance(2) }, want: Cost{Requests: 2},
	},
	{
		name: "attendance of two people who came and went often", policy: limited, before: often,
		do: func(h *house) { h.attendance(2) }, want: Cost{Requests: 3},
	},
	{
		name: "picture of two people", policy: limited, before: confirmed("A", "B"),
		do: func(h *house) { h.chronicle(2) }, want: Cost{Requests: 2},
	},
	{
		name: "picture of two people who came and went often", policy: limited, before: often,
		do: func(h *house) { h.chronicle(2) }, want: Cost{Requests: 4},
	},
	{
		name: "the lessons of a room", policy: limited, before: brought("A", "B"),
		do: func(h *house) {
			if page, err := h.rooms.LessonsOf(context.Background(), "lesson", room.Opening{}, 100); err != nil || len(page.Lessons) != 1 {
				h.t.Fatal(page, err)
			}
		},
		want: Cost{Requests: 3},
	},
	{
		name: "end at the deadline, with two people", policy: `{"maxSeats":2,"lessonSeconds":60}`,
		before: confirmed("A", "B"),
		do:     func(h *house) { h.Pass(49 * time.Second) }, want: Cost{Requests: 2, Disconnects: 2, Wakes: 1},
	},
	{
		name: "pause", policy: pausing, before: together,
		do: func(h *house) { h.Platform.Go("A"); h.hear(h.webhook) }, want: Cost{Requests: 1},
	},
	{
		name: "the clock counts on", policy: pausing, before: apart, do: heard("A2", "A"),
		want: Cost{Requests: 1, Wakes: 2},
	},
	{
		name: "a look at a clock that stands still", policy: pausing, before: apart,
		do: func(h *house) { h.SweepEvery, h.LastSweep = time.Minute, h.Now(); h.Pass(61 * time.Second) }, want: Cost{Requests: 3, Readings: 1},
	},
	{
		name: "extension while the clock stands still", policy: pausing, before: apart,
		do: func(h *house) {
			if _, err := h.rooms.Extend(context.Background(), "lesson", 60, 0, ""); err != nil {
				h.t.Fatal(err)
			}
		},
		want: Cost{Requests: 3},
	},
	{
		name: "a warning", policy: `{"maxSeats":2,"lessonSeconds":60,"warnSeconds":[30]}`, before: confirmed("A", "B"),
		do: func(h *house) { h.Pass(20 * time.Second) }, want: Cost{Requests: 2, Wakes: 1},
	},
	{
		name: "end as the room closes, two people", policy: closing, before: confirmed("A", "B"),
		do: func(h *house) { h.Pass(48 * time.Second) }, want: Cost{Requests: 2, Disconnects: 2, Wakes: 1},
	},
	{
		name: "end of a lesson that never started, one person", policy: closing, before: brought("A"),
		do: func(h *house) { h.Pass(59 * time.Second) }, want: Cost{Requests: 2, Disconnects: 1, Wakes: 1},
	},
	{
		name: "a lesson of two people, from the first join to the last look", policy: anHour, own: true,
		do: wholeLesson, read: HourRead, write: HourWrite, want: Cost{Requests: 46, Readings: 9, Disconnects: 2, Wakes: 5},
	},
	{
		name: "an event of a session that is not ours, the first", policy: limited,
		do: func(h *house) {
			e := lesson.Event{Name: journal.ConnectionCreated, Session: "1_other", Connection: "A", Project: "123456"}
			if err := h.webhook.Hear(context.Background(), e); err != nil {
				h.t.Fatal(err)
			}
		},
		want: Cost{Requests: 1},
	},
}

// wholeLesson is an hour: two people join, come, show a camera, and are sent
// away at the end.
func wholeLesson(h *house) {
	h.SweepEvery = time.Minute
	for _, user := range []string{"alice", "bob"} {
		h.come("conn-"+user, h.join(user))
		h.hear(h.webhook)
		h.Pass(time.Second)
		h.camera("conn-" + user)
		h.Pass(time.Second)
	}
	h.Pass(time.Hour)
	for len(h.Held) > 0 {
		h.hear(h.webhook)
	}
	h.Pass(time.Hour)
	if l, _, err := h.store.Bare.Lesson(context.Background(), h.session); err != nil || l.Status != journal.Ended || l.Due != 0 {
		h.t.Errorf("the lesson is not done with: %+v, %v", l, err)
	}
}

// often is a person who comes and goes twenty times, and one who comes and stays.
func often(h *house) {
	for i := range 20 {
		id := fmt.Sprintf("A%02d", i)
		heard(id, `{"user":"ann"}`)(h)
		h.Platform.Go(id)
		h.hear(h.webhook)
		h.Pass(time.Second)
	}
	h.bring("B")
}

// chronicle asks for what a picture is drawn from, whose log is whole.
func (h *house) chronicle(rows int) {
	h.t.Helper()
	c, err := h.rooms.Chronicle(context.Background(), "lesson", "")
	if err != nil || len(c.Record.Users) != rows || c.Cut || c.Log[0].Seq != 1 || c.Log[len(c.Log)-1].Seq != int64(len(c.Log)) {
		h.t.Fatalf("the chronicle is %+v, %v", c, err)
	}
}

// attendance asks for the record, which has so many rows.
func (h *house) attendance(rows int) {
	h.t.Helper()
	if r, err := h.rooms.Attendance(context.Background(), "lesson", ""); err != nil || len(r.Users) != rows {
		h.t.Fatalf("the record is %+v, %v", r, err)
	}
}

// camera has the connection publish.
func (h *house) camera(id string) {
	h.Hold(h.Platform.Person(id).Camera("stream-"+id, h.Now()))
	h.hear(h.webhook)
}

// TestCosts counts what each kind of event takes, over stores that open gives.
func TestCosts(t *testing.T, open func(testing.TB) *Counted) {
	for _, e := range slices.Concat(happenings, doors) {
		t.Run(e.name, func(t *testing.T) {
			h := newHouse(t, open(t), e.policy, e.own)
			if e.before != nil {
				e.before(h)
			}
			got, used := h.cost(e.do)
			t.Logf("%+v: %s", got, used)
			if got != e.want {
				t.Errorf("it took %+v, want %+v", got, e.want)
			}
			if e.write > 0 && used.Write > 0 && (used.Read != e.read || used.Write != e.write) {
				t.Errorf("it took %v read and %v write units, want %v and %v", used.Read, used.Write, e.read, e.write)
			}
		})
	}
}
