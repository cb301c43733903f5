package exploration

import (
	"errors"
	"fmt"
	"strings"

	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// Count is how much was seen.
type Count struct {
	States int // different ones
	Moves  int
	Calm   int // different states in calms
}

// Explore walks every history of the world. The error is the first that breaks a
// promise: the shortest there is, in moves.
func Explore(w World) (Count, error) {
	count, err := explore(w, 0)
	if err == nil {
		return count, nil
	}
	for limit := 1; ; limit++ {
		if _, shortest := explore(w, limit); shortest != nil {
			return count, fmt.Errorf("%s, after %d states: %w", w.Name, count.States, shortest)
		}
	}
}

// explore walks the histories of up to limit moves; 0 is all.
func explore(w World, limit int) (Count, error) {
	s, err := begin(&w)
	if err != nil {
		return Count{}, err
	}
	e := &explorer{keyer: newKeyer(), limit: limit, seen: map[key]int{}}
	err = e.visit(&s)
	return e.count, err
}

type explorer struct {
	keyer *keyer
	limit int
	seen  map[key]int // the fewest moves that led there
	path  []move
	count Count
}

// visit tries all that may happen next.
func (e *explorer) visit(s *state) error {
	if e.limit > 0 && len(e.path) == e.limit {
		return nil
	}
	for _, m := range s.moves() {
		e.path = append(e.path, m)
		e.count.Moves++
		next := *s
		if err := next.apply(m); err != nil {
			return e.tell(&next, err)
		}
		if e.isNew(&next) {
			e.count.States++
			if err := e.enter(&next); err != nil {
				return err
			}
		}
		e.path = e.path[:len(e.path)-1]
	}
	return nil
}

// enter tries a new state: that webhooks heard again change nothing, a calm, and
// all that may follow.
func (e *explorer) enter(s *state) error {
	if err := s.again(); err != nil {
		return e.tell(s, err)
	}
	calm := *s
	if err := calm.settle(func(s *state) bool { return !e.isNew(s) }); err != nil {
		return e.tell(&calm, fmt.Errorf("after a calm: %w", err))
	}
	return e.visit(s)
}

// isNew reports whether the state was not seen yet, or only after more moves.
func (e *explorer) isNew(s *state) bool {
	k := e.keyer.key(s)
	before, known := e.seen[k]
	if known && (e.limit == 0 || before <= len(e.path)) {
		return false
	}
	e.seen[k] = len(e.path)
	if s.calm {
		e.count.Calm++
	}
	return true
}

// again lets every webhook that was heard be heard again: it decides nothing.
func (s *state) again() error {
	var wrong error
	for i, p := range s.people[:len(s.world.People)] {
		if p.arrival == heard && s.changes(i, journal.ConnectionCreated) || p.departure == heard && s.changes(i, journal.ConnectionDestroyed) {
			wrong = errors.Join(wrong, fmt.Errorf("a webhook of %s that is heard again changes something", s.world.People[i].ID))
		}
	}
	return wrong
}

func (s *state) changes(i int, event string) bool {
	d := lesson.Decide(s.lesson, s.webhook(i, event), s.now)
	return d.Write != lesson.Nothing
}

// tell says what was wrong, after what, and what the log says.
func (e *explorer) tell(s *state, wrong error) error {
	var b strings.Builder
	for _, m := range e.path {
		b.WriteString("\n  " + m.tell(s.world))
	}
	b.WriteString("\nThe log:")
	for _, l := range s.lesson.Tail {
		fmt.Fprintf(&b, "\n  %8d %s %s %s: %s %s %s", l.At-beginning, l.Event, l.Connection, l.User, l.Action, l.Reason, l.Note)
	}
	return fmt.Errorf("%w\nAfter:%s", wrong, b.String())
}
