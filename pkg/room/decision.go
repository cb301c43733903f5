package room

import (
	"usher/pkg/epoch"
	"usher/pkg/lesson"
)

// Decision is everything that is decided about a room: what to commit, and what
// that decides about its lesson. It is carried out like a lesson's own: the
// deadline's wake is placed, the change is committed, then the effects follow.
type Decision struct {
	Change
	Decided lesson.Decision // of Change.Swap, where there is one
}

// Decide lets the room's lesson decide, as a part of the change.
func (d *Decision) Decide(l lesson.Lesson, in lesson.Input, now epoch.Instant) error {
	d.Decided = lesson.Decide(l, in, now)
	if d.Decided.Write != lesson.Nothing {
		d.Swap = &d.Decided.Lesson
	}
	return d.Decided.Verdict
}
