package scenarios_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"usher/pkg/doorkeeper/simulation"
	"usher/pkg/epoch"
	"usher/pkg/lesson"
	"usher/pkg/room"
	"usher/pkg/room/storetest"
)

var clockCommands = map[string]command{
	"clock": (*story).clock,
	"sweep": (*story).sweep,
	"crash": (*story).crash,
	"store": (*story).storeIs,
	"queue": (*story).queueIs,
}

type alarm struct {
	session string
	at      epoch.Instant
}

// timer is the story as a room.Timer.
type timer story

// Wake notes the alarm.
func (t *timer) Wake(_ context.Context, session string, at epoch.Instant) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarms[alarm{session, at}] = true
	return nil
}

// clock DURATION lets time go by; clock to DURATION goes on to that time of the
// story.
func (s *story) clock(c *call) error {
	args := c.args
	from := s.now()
	if len(args) == 2 && args[0] == "to" {
		from, args = simulation.Epoch, args[1:]
	}
	if len(args) != 1 {
		return errors.New("usage: clock [to] DURATION")
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	to := from.Add(d)
	if to < s.now() {
		return fmt.Errorf("it is %s already", since(s.now()))
	}
	return s.advance(to)
}

// tooMuch is more than can happen in a story unless something goes round in
// circles.
const tooMuch = 100_000

// advance lets everything happen up to that moment, each thing at its time.
func (s *story) advance(to epoch.Instant) error {
	for range tooMuch {
		at, do := s.next(to)
		if do == nil {
			s.world.Advance(to)
			return nil
		}
		s.world.Advance(at)
		s.steps++
		do()
	}
	return fmt.Errorf("over %d things happened up to %s", tooMuch, since(to))
}

// next is what happens first: of one moment, webhooks before alarms before the
// sweep.
func (s *story) next(to epoch.Instant) (epoch.Instant, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, do := to+1, func() {}
	if i := s.firstPost(); i >= 0 && s.posts[i].at < at {
		at, do = s.posts[i].at, func() { s.arrive(i) }
	}
	if a, ok := s.firstAlarm(); ok && a.at < at {
		at, do = a.at, func() { s.ring(a) }
	}
	if due := s.lastSweep.Add(time.Minute); s.sweeping && !s.down && due < at {
		at, do = due, func() { s.sweepNow(due) }
	}
	if at > to {
		return to, nil
	}
	return at, do
}

func (s *story) firstAlarm() (alarm, bool) {
	var first alarm
	for a := range s.alarms {
		if first.session == "" || cmp.Or(cmp.Compare(a.at, first.at), cmp.Compare(a.session, first.session)) < 0 {
			first = a
		}
	}
	return first, first.session != ""
}

func (s *story) ring(a alarm) {
	s.mu.Lock()
	delete(s.alarms, a)
	s.mu.Unlock()
	if err := s.service.Work(context.Background(), a.session); err != nil {
		_ = (*timer)(s).Wake(context.Background(), a.session, s.now().Add(5*time.Second)) // it never fails
	}
}

func (s *story) sweepNow(at epoch.Instant) {
	s.lastSweep = at
	_ = s.service.Sweep(context.Background()) // what fails is due again in a minute
}

// sweep on, sweep off.
func (s *story) sweep(c *call) error {
	word, err := one(c, "on", "off")
	s.sweeping, s.lastSweep = word == "on", s.now()
	return err
}

// crash [DURATION] ends the process without a word; alarms and memory are lost.
// After the time it is started again over the same file.
func (s *story) crash(c *call) error {
	s.down, s.alarms = true, map[alarm]bool{}
	if len(c.args) > 0 {
		if err := s.clock(c); err != nil {
			return err
		}
	}
	s.down = false
	s.start()
	if err := s.restore(); err != nil {
		return err
	}
	return s.advance(s.now())
}

// restore sets an alarm for every lesson that has something to do, as the
// single process does at its start.
func (s *story) restore() error {
	ctx := context.Background()
	for bucket := range room.DueBuckets {
		sessions, err := s.store.Due(ctx, bucket, 1<<52, 1000)
		if err != nil {
			return err
		}
		slices.Sort(sessions)
		lessons, err := s.store.Lessons(ctx, sessions)
		if err != nil {
			return err
		}
		for session, l := range lessons {
			_ = (*timer)(s).Wake(ctx, session, l.Due) // it never fails
		}
	}
	return nil
}

// away fails the calls of the store while the story says so.
func (s *story) away(_ context.Context, _ storetest.Call, do func() error) error {
	if s.storeAway {
		return fmt.Errorf("%w: the story says so", room.ErrUnavailable)
	}
	return do()
}

// store away, store back.
func (s *story) storeIs(c *call) error {
	word, err := one(c, "away", "back")
	s.storeAway = word == "away"
	return err
}

// queue keeps the events that the store does not take.
type queue struct {
	on, away bool
	parked   []lesson.Event
}

// Park keeps the event, unless the queue is away too.
func (q *queue) Park(_ context.Context, e lesson.Event) error {
	if q.away {
		return errors.New("the queue is away: the story says so")
	}
	q.parked = append(q.parked, e)
	return nil
}

// queue on gives the process a queue, queue away takes it out of reach, queue
// drain lets the parked events be heard.
func (s *story) queueIs(c *call) error {
	word, err := one(c, "on", "away", "drain")
	switch word {
	case "on":
		s.queue.on, s.queue.away = true, false
		s.start()
	case "away":
		s.queue.away = true
	case "drain":
		for _, e := range s.queue.parked {
			if err := s.service.Replay(context.Background(), e); err != nil {
				return fmt.Errorf("replay of the parked %s: %w", e.Name, err)
			}
		}
		s.queue.parked = nil
	}
	if err != nil {
		return err
	}
	return s.advance(s.now())
}

// one gives the line's only word, which must be one of these.
func one(c *call, words ...string) (string, error) {
	if c.neg || len(c.args) != 1 || !slices.Contains(words, c.args[0]) {
		return "", fmt.Errorf("one word is needed, of %q", words)
	}
	return c.args[0], nil
}
