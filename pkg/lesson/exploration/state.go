package exploration

import (
	"fmt"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

const (
	// most is how many people a world may have.
	most = 4
	// beginning is when each history begins.
	beginning epoch.Instant = 1_000_000_000
	// tick is how far apart comings and goings are, by the platform's clock: no two are
	// at once. Usher's own stands still meanwhile, for its order with theirs says
	// nothing, and histories that differ in nothing else meet. It goes on by a step
	// with each reading, join and policy, so that it is known what was heard before.
	tick = time.Millisecond
	step = 20 * time.Millisecond
	// lag is how late the list may be.
	lag = 5 * time.Second
	// tokenLives is how long the promise's token is good for.
	tokenLives = time.Minute
)

// state is a moment of a history: the truth, what is under way, and the lesson.
type state struct {
	world    *World
	policies []policy.Policy // of the world, as read
	data     []string        // of the people's connections

	now     epoch.Instant
	lesson  lesson.Lesson
	people  [most]person
	look    look
	claimed bool // the right to a reading was taken, and nobody has looked yet
	asked   bool // for the promise
	changed bool // the policy
	banned  bool
	calm    bool // nothing that is under way arrives any more

	readings, waits, leaves int // so many are left
}

// person is the truth about one of the people, and what was heard of it.
type person struct {
	came, left         epoch.Instant // 0: not yet
	arrival, departure fate          // of its webhooks
	heard              epoch.Instant // when the arrival was
	waits              epoch.Instant // since when the room has let it wait; 0: it does not
	forced             bool          // told to go
}

func (p person) in() bool { return p.came != 0 && p.left == 0 }

// fate is what became of a webhook.
type fate int8

const (
	unsent fate = iota
	underWay
	heard
)

// look is a reading of the list that has been answered and not been decided on.
type look struct {
	began epoch.Instant // 0: none is under way
	shown [most]bool
}

func begin(w *World) (state, error) {
	s := state{world: w, now: beginning, readings: w.Readings, waits: w.Pauses, leaves: w.Leaves}
	for _, text := range []string{w.Policy, w.Next} {
		if text == "" {
			continue
		}
		p, err := policy.Parse([]byte(text))
		if err != nil {
			return s, fmt.Errorf("the policy of world %s: %w", w.Name, err)
		}
		s.policies = append(s.policies, p)
	}
	for _, p := range w.People {
		s.data = append(s.data, p.data())
	}
	s.lesson = lesson.New(lesson.Begin{Session: "s", Room: "r", Own: w.Own, Policy: s.policies[0], PolicyVersion: 1}, journal.FromAPI, "", s.now)
	return s, nil
}

// conn is what the room knows of a person.
func (s *state) conn(i int) lesson.Conn { return s.lesson.Conns[s.world.People[i].ID] }

// index finds the person with that id.
func (s *state) index(id string) int {
	for i, p := range s.world.People {
		if p.ID == id {
			return i
		}
	}
	panic("nobody is called " + id)
}

// latest is the person of the newest coming or going within the list's lag, which a
// lagging list does not show yet; -1 where there is none.
func (s *state) latest() int {
	newest, at := -1, s.now.Add(-lag)
	for i, p := range s.people {
		if last := max(p.came, p.left); last > at {
			newest, at = i, last
		}
	}
	return newest
}

// list is who the list shows: all who are in, or late by the newest coming or going.
func (s *state) list(late bool) (shown [most]bool) {
	for i, p := range s.people {
		shown[i] = p.in()
	}
	if i := s.latest(); late && i >= 0 {
		shown[i] = s.people[i].left != 0
	}
	return shown
}

// reading is a complete reading that shows them.
func (s *state) reading(began epoch.Instant, shown [most]bool) *lesson.Reading {
	r := &lesson.Reading{Began: began, Whole: true}
	for i, p := range s.world.People {
		if shown[i] {
			r.Present = append(r.Present, lesson.Presence{ID: p.ID, Since: s.people[i].came})
		}
	}
	return r
}

// event is the webhook of a coming or going, as it is heard now.
func (s *state) event(i int, name string) lesson.Event {
	p, who := s.people[i], s.world.People[i]
	e := lesson.Event{
		Name: name, Session: "s", At: p.came, Received: s.now, Connection: who.ID, ConnectedAt: p.came, Data: s.data[i],
	}
	if name == journal.ConnectionDestroyed {
		e.At, e.Data, e.Reason = p.left, "", s.reason(p)
	}
	return e
}

func (s *state) reason(p person) string {
	switch {
	case p.forced:
		return "forceDisconnected"
	case s.world.Network:
		return "networkDisconnected"
	}
	return "clientDisconnected"
}
