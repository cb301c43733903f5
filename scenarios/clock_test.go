package scenarios_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"usher/pkg/doorkeeper/simulation"
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

// clock DURATION lets time go by; clock to DURATION goes on to that time of the
// story.
func (s *story) clock(c *call) error {
	args := c.args
	from := s.Now()
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
	if to < s.Now() {
		return fmt.Errorf("it is %s already", since(s.Now()))
	}
	s.Advance(to)
	return nil
}

// sweep on, sweep off.
func (s *story) sweep(c *call) error {
	word, err := one(c, "on", "off")
	s.SweepEvery, s.LastSweep = 0, s.Now()
	if word == "on" {
		s.SweepEvery = time.Minute
	}
	return err
}

// crash [DURATION] ends the process without a word; wakes and memory are lost.
// After the time it is started again over the same file.
func (s *story) crash(c *call) error {
	every := s.SweepEvery
	s.down, s.SweepEvery = true, 0
	s.Forget()
	if len(c.args) > 0 {
		if err := s.clock(c); err != nil {
			return err
		}
	}
	s.down, s.SweepEvery = false, every
	s.start()
	if err := s.restore(); err != nil {
		return err
	}
	s.Pass(0)
	return nil
}

// restore places a wake for every lesson that has something to do, as the
// single process does at its start.
func (s *story) restore() error {
	ctx := context.Background()
	for bucket := range room.DueBuckets {
		sessions, err := s.Store.Due(ctx, bucket, 1<<52, 1000)
		if err != nil {
			return err
		}
		slices.Sort(sessions)
		lessons, err := s.Store.Lessons(ctx, sessions)
		if err != nil {
			return err
		}
		for session, l := range lessons {
			_ = s.Wake(ctx, session, l.Due) // it never fails
		}
	}
	return nil
}

// storeFails is a storetest.Hook.
func (s *story) storeFails(_ context.Context, _ storetest.Call, do func() error) error {
	if s.away {
		return fmt.Errorf("%w: the story says so", room.ErrUnavailable)
	}
	return do()
}

// store away, store back.
func (s *story) storeIs(c *call) error {
	word, err := one(c, "away", "back")
	s.away = word == "away"
	return err
}

// queue on gives the process a queue, queue away takes it out of reach, queue
// drain lets the parked events be heard.
func (s *story) queueIs(c *call) error {
	word, err := one(c, "on", "away", "drain")
	if err != nil || word != "on" && s.Queue == nil {
		return cmp.Or(err, errNoQueue)
	}
	switch word {
	case "on":
		if s.Queue == nil {
			s.Queue = &simulation.Queue{}
		}
		s.Queue.Broken = false
		s.start()
	case "away":
		s.Queue.Broken = true
	case "drain":
		for _, e := range s.Queue.Parked {
			if err := s.Service.Replay(context.Background(), e); err != nil {
				return fmt.Errorf("replay of the parked %s: %w", e.Name, err)
			}
		}
		s.Queue.Parked = nil
	}
	s.Pass(0)
	return nil
}

var errNoQueue = errors.New("there is no queue: the story has to say \"queue on\"")

// one gives the line's only word, which must be one of these.
func one(c *call, words ...string) (string, error) {
	if c.neg || len(c.args) != 1 || !slices.Contains(words, c.args[0]) {
		return "", fmt.Errorf("one word is needed, of %q", words)
	}
	return c.args[0], nil
}
