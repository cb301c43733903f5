package lesson

import (
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// warnLate is how late a warning may be: one of a moment that has passed is none.
const warnLate = 5 * time.Second

// nextWarning is the moment of the next warning; 0 for none.
func (l *Lesson) nextWarning() epoch.Instant {
	end := l.endsBy()
	if end == 0 {
		return 0
	}
	for _, before := range l.Policy.Warnings() {
		if at := end.Add(-before); at > l.WarnedThrough {
			return at
		}
	}
	return 0
}

// warnIfDue warns of the end, once for each moment that has come.
func (t *turn) warnIfDue() {
	l := t.l
	for at := l.nextWarning(); due(at, t.now); at = l.nextWarning() {
		if end := l.endsBy(); t.now.Sub(at) <= warnLate && t.now < end {
			t.log(journal.Line{Event: journal.FromDeadline, EventAt: end, Action: journal.DidWarn, Note: journal.Before(end.Sub(at))})
			t.sayWarning()
		}
		l.WarnedThrough, t.rest = at, true
	}
}
