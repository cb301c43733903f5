package exploration

import (
	"fmt"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// move is one thing that may happen next.
type move struct {
	what kind
	who  int
	long time.Duration
}

type kind int8

const (
	comes kind = iota
	leaves
	arrivalHeard
	departureHeard
	looks
	looksLate
	readingFails
	readingDecides
	joins
	putsPolicy
	bans
	passes
)

// tell says what the move is.
func (m move) tell(w *World) string {
	id := ""
	if m.who < len(w.People) {
		id = w.People[m.who].ID
	}
	switch m.what {
	case comes:
		return id + " comes"
	case leaves:
		return id + " leaves"
	case arrivalHeard:
		return "the arrival of " + id + " is heard"
	case departureHeard:
		return "the departure of " + id + " is heard"
	case looks:
		return "the list is read"
	case looksLate:
		return "the list is read, which lags by one coming or going"
	case readingFails:
		return "the list cannot be read"
	case readingDecides:
		return "the reading is decided on"
	case joins:
		return w.Joins + " joins"
	case putsPolicy:
		return "the policy is " + w.Next
	case bans:
		return w.Bans + " is banned"
	}
	return fmt.Sprintf("%v pass", m.long)
}

// moves are all that may happen next.
func (s *state) moves() []move {
	moves := make([]move, 0, 16)
	for i := range s.world.People {
		moves = s.movesOf(moves, i)
	}
	if s.look.began != 0 {
		moves = append(moves, move{what: readingDecides})
	} else if s.readings > 0 && s.mayRead() {
		moves = append(moves, move{what: looks}, move{what: readingFails})
		if s.latest() >= 0 {
			moves = append(moves, move{what: looksLate})
		}
	}
	if s.world.Joins != "" && !s.asked {
		moves = append(moves, move{what: joins})
	}
	if s.world.Next != "" && !s.changed {
		moves = append(moves, move{what: putsPolicy})
	}
	if s.world.Bans != "" && !s.banned {
		moves = append(moves, move{what: bans})
	}
	for _, long := range s.world.Waits {
		if s.waits > 0 {
			moves = append(moves, move{what: passes, long: long})
		}
	}
	return moves
}

func (s *state) movesOf(moves []move, i int) []move {
	p := s.people[i]
	switch {
	case p.came == 0:
		waitsForBefore := s.world.likeBefore(i) && s.people[i-1].came == 0
		if _, given := s.lesson.Promises[thePromise]; !waitsForBefore && (given || !s.world.People[i].Promised) {
			moves = append(moves, move{what: comes, who: i})
		}
	case p.left == 0 && s.leaves > 0:
		moves = append(moves, move{what: leaves, who: i})
	}
	if p.arrival == underWay {
		moves = append(moves, move{what: arrivalHeard, who: i})
	}
	if p.departure == underWay {
		moves = append(moves, move{what: departureHeard, who: i})
	}
	return moves
}

// mayRead reports whether the right to a reading is taken, or to be had.
func (s *state) mayRead() bool {
	return s.claimed || lesson.Decide(s.lesson, lesson.ClaimReading{}, s.now).Verdict == nil
}

// apply lets it happen. The error says which promise was broken.
func (s *state) apply(m move) error {
	p := &s.people[m.who]
	switch m.what {
	case comes:
		p.came, p.arrival = s.truth(true), underWay
	case leaves:
		s.leaves--
		s.leave(m.who)
	case arrivalHeard:
		p.arrival, p.heard = heard, s.now
		return s.decide(s.webhook(m.who, journal.ConnectionCreated))
	case departureHeard:
		p.departure = heard
		return s.decide(s.webhook(m.who, journal.ConnectionDestroyed))
	case looks, looksLate, readingFails, readingDecides:
		return s.read(m.what)
	case joins:
		s.asked = true
		s.pass(step)
		err := s.join()
		s.pass(step)
		return err
	case putsPolicy:
		s.changed = true
		s.pass(step)
		return s.decide(lesson.NewPolicy{Policy: s.policies[1], Version: 2, Actor: "admin"})
	case bans:
		s.banned = true
		s.pass(step)
		return s.decide(lesson.BanUser{Ban: s.ban()})
	case passes:
		s.waits--
		s.pass(m.long)
	}
	return nil
}

// pass lets Usher's clock go on.
func (s *state) pass(d time.Duration) { s.now = s.now.Add(d) }

// truth is the moment of the next coming or going: later than all before, but for
// people who come at once.
func (s *state) truth(coming bool) epoch.Instant {
	at := s.now
	for _, p := range s.people[:len(s.world.People)] {
		came := p.came
		if !coming || !s.world.AtOnce {
			came = came.Add(tick)
		}
		at = max(at, came, p.left.Add(tick))
	}
	return at
}

// leave ends a connection in truth.
func (s *state) leave(i int) {
	at := s.truth(false)
	p := &s.people[i]
	p.left, p.departure = at, underWay
}

func (s *state) read(what kind) error {
	if what == readingDecides {
		by := lesson.Reconcile{Reading: s.reading(s.look.began, s.look.shown)}
		err := s.decide(by)
		s.look = look{}
		return err
	}
	s.readings--
	s.pass(step)
	if err := s.claim(); err != nil {
		return err
	}
	if what == readingFails {
		return s.decide(lesson.Reconcile{})
	}
	s.look = look{s.now, s.list(what == looksLate)}
	s.pass(step)
	if s.world.Prompt {
		return s.read(readingDecides)
	}
	return nil
}

// claim takes the right to a reading, and uses it.
func (s *state) claim() (err error) {
	if !s.claimed {
		err = s.decide(lesson.ClaimReading{})
	}
	s.claimed = false
	return err
}

// join asks for the promise; where the list has to be read before, it is.
func (s *state) join() error {
	ask := lesson.Join{User: s.world.Joins, Role: s.world.JoinsAs, Records: s.records(lesson.BanKey(s.world.Joins)), ID: thePromise, Expires: s.now.Add(tokenLives), Since: s.now}
	if d := lesson.Decide(s.lesson, ask, s.now); d.Verdict == lesson.ErrReadFirst { //nolint:errorlint // the rules give it as it is
		if !s.mayRead() {
			return nil
		}
		if err := s.claim(); err != nil {
			return err
		}
		under := s.look
		s.look = look{s.now, s.list(false)}
		ask.Looked = &lesson.Reconcile{Reading: s.reading(s.now, s.look.shown)}
		err := s.decide(ask)
		s.look = under
		return err
	}
	return s.decide(ask)
}

// ban keeps a user out until it is lifted.
func (s *state) ban() lesson.Ban {
	return lesson.Ban{User: s.world.Bans, At: beginning, Actor: "admin"}
}

// webhook is a webhook with the records that the rules ask for.
func (s *state) webhook(i int, name string) lesson.Webhook {
	e := s.event(i, name)
	return lesson.Webhook{Event: e, Records: s.records(s.lesson.RecordsFor(e)...)}
}

// records are those of the room among these: nothing of the lesson leaves its item.
func (s *state) records(ids ...string) []lesson.Record {
	if !s.banned || !slices.Contains(ids, lesson.BanKey(s.world.Bans)) {
		return nil
	}
	ban := s.ban()
	return []lesson.Record{{ID: lesson.BanKey(s.world.Bans), Ban: &ban}}
}

// decide lets the rules decide, and carries out what they say.
func (s *state) decide(in lesson.Input) error {
	before := s.lesson
	d := lesson.Decide(before, in, s.now)
	s.lesson = d.Lesson
	if d.Write != lesson.Nothing {
		if err := s.judge(&before, in, d); err != nil {
			return err
		}
	}
	s.claimed = s.claimed || d.Effects.Read == lesson.ClaimedReading && !isClaim(in)
	return s.disconnect(d.Effects.Disconnect)
}

func isClaim(in lesson.Input) bool {
	_, claims := in.(lesson.ClaimReading)
	return claims
}

// disconnect ends connections at once. The platform does not know those that have
// left already.
func (s *state) disconnect(ids []string) error {
	for _, id := range ids {
		i := s.index(id)
		var answer lesson.Input = lesson.DisconnectSucceeded{Connection: id}
		if s.people[i].in() {
			s.people[i].forced = true
			s.leave(i)
		} else {
			answer = lesson.DisconnectFailed{Connection: id, After: s.lesson.Conns[id].Tries, Gone: true}
		}
		if err := s.decide(answer); err != nil {
			return err
		}
	}
	return nil
}

// note keeps since when the room lets people wait.
func (s *state) note() {
	for i := range s.world.People {
		c, known := s.lesson.Conns[s.world.People[i].ID]
		waits := known && c.State == lesson.Waiting && c.LeftAt == 0
		switch p := &s.people[i]; {
		case !waits:
			p.waits = 0
		case p.waits == 0:
			p.waits = s.now
		}
	}
}

// earlier is the earlier of two moments, where 0 is none.
func earlier(a, b epoch.Instant) epoch.Instant {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
