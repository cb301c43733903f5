package lesson

import (
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Tell is how far a lesson's log has been told to the owner's backend. The log is what
// there is to tell, so this is all that is kept of it.
type Tell struct {
	// Through is the number of the last line that was told, given up, or passed over
	// because nobody is told such lines.
	Through int64 `json:"through"`
	// AskedAt is the moment for which telling was asked for last, 0 where nothing is
	// known of it; after a failure, when to try again.
	AskedAt epoch.Instant `json:"askedAt,omitempty"`
	// Tries are the failures in a row.
	Tries int `json:"tries,omitempty"`
}

const (
	// tellFirst is the wait after a first failure; it doubles up to tellRarely.
	tellFirst  = 5 * time.Second
	tellRarely = 15 * time.Minute
	// tellFor is for how long a line is tried to be told.
	tellFor = 24 * time.Hour
	// tellStale is when telling that was asked for, and did not happen, is asked for
	// once more, by the next write; and tellNet when the sweep makes that write. It is
	// no shorter than the distance of the looks at a lesson in use, so that telling
	// never moves its Due. After a failure the sweep comes as soon as it is stale.
	tellStale = time.Minute
	tellNet   = WatchEvery
)

// Untold is the number of the first line that is to be told and was not; 0 where there
// is none. Of lines that have left the item it is not known what they are: the first
// of them counts.
func (l *Lesson) Untold() int64 {
	if l.Tell == nil {
		return 0
	}
	if l.Tell.Through < l.Base {
		return l.Tell.Through + 1
	}
	for i := l.Tell.Through - l.Base; i < int64(len(l.Tail)); i++ {
		if l.Tail[i].Told() != "" {
			return l.Base + i + 1
		}
	}
	return 0
}

// NewsIn reports whether the last lines of the log, that many, have the first that is
// to be told: whoever wrote an earlier one has asked for telling.
func (l *Lesson) NewsIn(lines int) bool {
	first := l.Untold()
	return first > l.Base+int64(len(l.Tail)-lines)
}

// TellAt is when the lesson is to be told, as far as was asked: a moment that may have
// passed; false where there is nothing to tell.
func (l *Lesson) TellAt() (epoch.Instant, bool) {
	if l.Untold() == 0 {
		return 0, false
	}
	return l.Tell.AskedAt, true
}

// tellAskedAt is the moment for which telling was asked for, or should have been.
func (l *Lesson) tellAskedAt(first int64) epoch.Instant {
	switch {
	case l.Tell.AskedAt != 0:
		return l.Tell.AskedAt
	case first > l.Base:
		return l.Tail[first-l.Base-1].At
	}
	return l.Created
}

// tellDueAt is when the sweep looks whether the lesson was told; 0 where there is
// nothing to tell.
func (l *Lesson) tellDueAt() epoch.Instant {
	first := l.Untold()
	switch {
	case first == 0:
		return 0
	case l.Tell.Tries > 0:
		return l.tellAskedAt(first).Add(tellStale)
	}
	return l.tellAskedAt(first).Add(tellNet)
}

// tell changes how far the log was told.
func (t *turn) tell(change func(*Tell)) {
	next := *t.l.Tell
	change(&next)
	if next != *t.l.Tell {
		t.l.Tell = &next
	}
}

// passOver moves the cursor over lines of which nobody is told, and asks once more for
// others to be told where it was asked long ago: whoever was to ask or to tell is lost.
// It is part of writes that are made anyway.
func (t *turn) passOver() {
	if t.l.Tell == nil {
		return
	}
	first := t.l.Untold()
	if first == 0 {
		t.tell(func(tell *Tell) { *tell = Tell{Through: t.l.Base + int64(len(t.l.Tail))} })
		return
	}
	asked := t.l.tellAskedAt(first)
	if due(asked.Add(tellStale), t.now) {
		asked, t.effects.Tell = t.now, true
	}
	t.tell(func(tell *Tell) { tell.Through, tell.AskedAt = first-1, asked })
}

// Told is what came of telling the owner's backend.
type Told struct {
	// Through is the number of the last line that it took, or of which it is not told.
	Through int64
	// Missed are the lines that follow, where the first of them was not taken.
	Missed []journal.Line
}

// Untold are lines that were given up: told to nobody.
type Untold struct{ From, Through int64 }

func (d Told) decide(t *turn) error {
	if t.l.Tell == nil {
		return nil
	}
	given, ok := d.lapsed(t.now)
	through := max(t.l.Tell.Through, d.Through)
	failed := len(d.Missed) > 0 && d.Missed[0].Seq == through+1
	if failed && ok {
		through = given.Through
		t.effects.Untold = given
	}
	if through == t.l.Tell.Through && !failed {
		return nil // another process has told as much
	}
	t.rest = true
	t.tell(func(tell *Tell) {
		if d.Through > tell.Through {
			tell.Tries = 0 // it took something
		}
		tell.Through, tell.AskedAt = through, t.now
		if !failed {
			return
		}
		tell.Tries++
		tell.AskedAt = t.now.Add(min(tellFirst<<min(tell.Tries-1, 8), tellRarely))
	})
	return nil
}

// lapsed are the missed lines that have been tried for long enough.
func (d Told) lapsed(now epoch.Instant) (Untold, bool) {
	n := slices.IndexFunc(d.Missed, func(line journal.Line) bool { return now.Sub(line.At) < tellFor })
	if n < 0 {
		n = len(d.Missed)
	}
	if n == 0 {
		return Untold{}, false
	}
	return Untold{From: d.Missed[0].Seq, Through: d.Missed[n-1].Seq}, true
}

// TellNobody ends the telling: there is no backend any more.
type TellNobody struct{}

func (TellNobody) decide(t *turn) error {
	t.rest = t.l.Tell != nil
	t.l.Tell = nil
	return nil
}
