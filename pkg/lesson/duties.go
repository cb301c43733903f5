package lesson

import (
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// When a lesson is looked at without a reason of its own.
const (
	watchFirst = 2 * time.Minute
	WatchEvery = 10 * time.Minute
	// fastReadingFor is how long the last who came may wait before the list is
	// read less often.
	fastReadingFor = time.Minute
	slowReadingGap = 5 * time.Second
	// giveUpAfter is when a connection that cannot be disconnected is given up.
	giveUpAfter = 24 * time.Hour
)

// Duties is what the lesson's state demands to be done out there. It is derived,
// never stored, so nothing of it is lost in a crash.
type Duties struct {
	End        bool     // the deadline has come
	Clear      bool     // people who stand only in records are still to be told that it is over
	Look       bool     // the list has to be read
	Disconnect []string // connections whose last request failed, and is due again
	// Next is the next moment at which there is something to do, exact to the
	// second or better; 0 when only the watch is left.
	Next epoch.Instant
}

// Duties derives what is due now.
func (l *Lesson) Duties(now epoch.Instant) Duties {
	watchAt := l.WatchAt
	if watchAt != 0 {
		watchAt = max(watchAt, l.ReadAt.Add(ReadingGap), l.ListRefusedUntil)
	}
	d := Duties{Look: watchAt != 0 && watchAt <= now}
	if l.Status == journal.Running {
		if at := l.Deadline(); at != 0 {
			d.End = at <= now
			d.Next = at
		}
	}
	if at := l.lookAt(); at != 0 {
		d.Look = d.Look || at <= now
		d.Next = earlier(d.Next, at)
	}
	for _, c := range l.Conns {
		if c.RetryAt == 0 || c.Tries == 0 {
			continue
		}
		d.Next = earlier(d.Next, c.RetryAt)
		if c.RetryAt <= now {
			d.Disconnect = append(d.Disconnect, c.ID)
		}
	}
	if l.Status == journal.Ended && l.PresentOutside > 0 {
		d.Clear = now >= l.OutsideRetryAt
		d.Next = earlier(d.Next, l.OutsideRetryAt)
	}
	if l.Status == journal.Ended {
		d.Next = earlier(d.Next, watchAt)
	}
	slices.Sort(d.Disconnect)
	return d
}

// lookAt is when the list has to be read for somebody's sake; 0 for nobody's.
func (l *Lesson) lookAt() epoch.Instant {
	var at, lastCame epoch.Instant
	for _, c := range l.Conns {
		switch {
		case c.RetryAt != 0 && c.Tries == 0:
			at = earlier(at, c.RetryAt)
		case c.LeftAt != 0:
		case c.State == Waiting:
			lastCame = max(lastCame, c.HeardAt)
		case c.State == ListedOnly:
			at = earlier(at, max(c.ListedAt.Add(listedOnlyPatience), l.ReadAt.Add(slowReadingGap)))
		}
	}
	if lastCame != 0 {
		next := l.ReadAt.Add(ReadingGap)
		if l.ReadAt > lastCame.Add(fastReadingFor) {
			next = l.ReadAt.Add(slowReadingGap)
		}
		at = earlier(at, next)
	}
	if at == 0 {
		return 0
	}
	return max(at, l.ReadAt.Add(ReadingGap), l.ListRefusedUntil)
}

// watch begins to look after the lesson, if nobody does: after an ended one
// too, when somebody comes all the same.
func (t *turn) watch() {
	if t.l.WatchAt == 0 {
		t.l.WatchAt, t.l.EmptyReadings = t.now.Add(watchFirst), 0
	}
	t.changed = true
}

// schedule keeps Due no later than the next duty, and moves it as seldom as
// that allows: each move costs the store.
func (l *Lesson) schedule(now epoch.Instant) {
	if l.WatchAt == 0 && l.Status != journal.Ended && l.EmptyReadings == 0 {
		l.WatchAt = now.Add(watchFirst)
	}
	for id, c := range l.Conns {
		if c.RetryAt != 0 && now.Sub(c.DisconnectRequestedAt) > giveUpAfter {
			c.RetryAt = 0
			l.Conns[id] = c
		}
	}
	need := earlier(l.Duties(now).Next, l.WatchAt)
	if l.Due == 0 || need == 0 || need < l.Due || l.Due <= now {
		l.Due = need
	}
}

// Changed reports whether a decision left something to store.
func (l *Lesson) Changed() bool { return l.changed }

// BeingRead reports whether somebody reads the list for those who wait already,
// and will see to whoever came in the meantime.
func (l *Lesson) BeingRead(now epoch.Instant) bool {
	return len(l.Waiting()) > 1 && now < l.ReadAt.Add(2*ReadingGap)
}
