package exploration

import (
	"errors"
	"fmt"
	"time"

	"usher/pkg/lesson"
)

// calmFor is within what room and truth agree, whatever was lost: a watch every ten
// minutes, a minute for somebody unheard of, and the promise's end.
const calmFor = 30 * time.Minute

// calmGap is how far apart the readings of a calm are at least, so that it is a short
// one: a lesson that waits for a minute would have the list read each second.
const calmGap = 10 * time.Second

// settle lets nothing that is under way arrive any more, does what the lesson asks
// for when it asks for it, and holds that room and truth agree then. known is asked of
// each state on the way: where it is true, the rest was tried before.
func (s *state) settle(known func(*state) bool) error {
	s.calm, s.look, s.claimed = true, look{}, false
	s.readings, s.waits, s.leaves = 0, 0, 0
	for end := s.now.Add(calmFor); !s.agrees(); {
		if known(s) {
			return nil
		}
		if s.now > end {
			return s.disagreement()
		}
		if err := s.work(); err != nil {
			return err
		}
	}
	return nil
}

// work does what is due, or goes on to when something is.
func (s *state) work() error {
	e := s.lesson.Outstanding(s.now)
	switch {
	case len(e.Disconnect) > 0:
		return s.disconnect(e.Disconnect)
	case e.Read != lesson.NoReading:
		if err := s.decide(lesson.ClaimReading{}); err != nil {
			return err
		}
		s.look = look{s.now, s.list(false)}
		err := s.decide(lesson.Reconcile{Reading: s.reading(s.now, s.look.shown)})
		s.look = look{}
		return err
	case e.Wake:
		return s.decide(lesson.Wake{})
	}
	next := earlier(e.NextAt, s.lesson.Due)
	if next <= s.now {
		return fmt.Errorf("nothing is to be done any more, but %w", s.disagreement())
	}
	s.now = max(next, s.lesson.ReadAt.Add(calmGap))
	return nil
}

// agrees reports whether room and truth say the same and nothing is left undone.
func (s *state) agrees() bool {
	for i := range s.world.People {
		if !s.agreesOn(i) {
			return false
		}
	}
	return s.lesson.Promised() == 0
}

// agreesOn reports whether the room says of a person what is true: who is in has a
// seat, and nobody else has. Nobody waits for long.
func (s *state) agreesOn(i int) bool {
	c, known := s.lesson.Conns[s.world.People[i].ID]
	sits := known && c.LeftAt == 0 && c.State == lesson.Seated
	done := !known || c.LeftAt != 0 && !c.Unlogged && c.RetryAt == 0 && c.DepartureCheckAt == 0
	return s.people[i].in() && sits || !s.people[i].in() && done
}

// disagreement says on what room and truth disagree.
func (s *state) disagreement() (wrong error) {
	for i, who := range s.world.People {
		if c := s.conn(i); !s.agreesOn(i) {
			wrong = errors.Join(wrong, fmt.Errorf("%s is in: %t; to the room it is %q, gone: %t, to do at %d and %d", who.ID, s.people[i].in(), c.State, c.LeftAt != 0, c.RetryAt, c.DepartureCheckAt))
		}
	}
	if n := s.lesson.Promised(); n > 0 {
		wrong = errors.Join(wrong, fmt.Errorf("%d seats are still promised", n))
	}
	return wrong
}
