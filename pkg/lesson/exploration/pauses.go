package exploration

import (
	"fmt"
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// judgePauses: once Vonage has told of everyone who came and left, in whatever order, the
// clock has stood still just as long as fewer than the quorum were in.
func (s *state) judgePauses() error {
	l := &s.lesson
	rule := l.Rules.At(l.StartedAt)
	if l.StartedAt == 0 || !rule.Pauses || l.Status == journal.Ended || !s.allHeard() {
		return nil
	}
	moments := []epoch.Instant{l.StartedAt}
	for _, p := range s.people {
		moments = append(moments, p.came, p.left)
	}
	slices.Sort(moments)
	var stood int64
	var since epoch.Instant
	for _, at := range moments {
		switch met := s.usersIn(at) >= rule.Quorum; {
		case at < l.StartedAt:
		case !met && since == 0:
			since = at
		case met && since != 0:
			stood, since = stood+at.Sub(since).Milliseconds(), 0
		}
	}
	if stood != l.PausedMillis || since != l.PausedAt {
		return fmt.Errorf("the clock stood still for %d ms and since %d; in truth for %d and since %d", l.PausedMillis, l.PausedAt, stood, since)
	}
	return nil
}

// allHeard reports whether a webhook told of everyone who came, and of everyone who left.
func (s *state) allHeard() bool {
	for i, p := range s.people[:len(s.world.People)] {
		told := p.came == 0 || p.arrival == heard && (p.left == 0 || p.departure == heard)
		if !told || s.conn(i).State == lesson.Refused {
			return false
		}
	}
	return true
}

// usersIn counts the users who are in at that moment.
func (s *state) usersIn(at epoch.Instant) int {
	in := map[string]bool{}
	for i, p := range s.people[:len(s.world.People)] {
		if p.came != 0 && p.came <= at && (p.left == 0 || at < p.left) {
			in[s.world.People[i].User] = true
		}
	}
	return len(in)
}
