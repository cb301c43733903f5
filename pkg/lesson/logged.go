package lesson

import (
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// Logged gives the state as a log that is up to date tells it: a connection whose
// line is still to be written is left out.
func (l *Lesson) Logged() journal.Story {
	s := journal.Story{
		Status: l.Status, Outcome: l.Outcome, StartedAt: l.StartedAt, Deadline: l.Deadline(),
		Seated: map[string]bool{}, Waiting: map[string]bool{}, Streams: map[string]policy.Kind{},
	}
	for id, c := range l.Conns {
		switch {
		case c.seated():
			s.Seated[id] = true
		case c.LeftAt == 0 && c.State == Waiting && !c.Unlogged:
			s.Waiting[id] = true
		}
		for stream, what := range c.Streams {
			if what.Made && !what.Gone {
				s.Streams[stream] = what.Kind
			}
		}
	}
	return s
}
