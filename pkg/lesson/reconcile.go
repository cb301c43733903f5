package lesson

import (
	"cmp"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Reconcile compares the lesson with a reading of Vonage's list: it frees ghosts,
// finds people whose webhook was lost, lets promises lapse, and decides those
// who wait. A nil Reading is one that failed: it frees and refuses nobody.
// Records are those of connections outside the item about which there is
// something to decide; Steady names the connections outside about which there is
// nothing, or nothing yet; More says that some of them wait for another reading.
// Shed is how many records the lesson had shed when they were looked for.
type Reconcile struct {
	Reading *Reading
	// Forbidden: the platform refused to show the list, and will go on so until
	// somebody looks at the settings.
	Forbidden bool
	Records   []Record
	// Bans are those of the people whom it decides about, see BansFor.
	Bans   []Record
	Steady map[string]bool
	// Outside is how many of the steady ones have a seat, by role.
	Outside map[string]int
	More    bool
	Shed    int64
}

// Margins of a reading's proof, by Usher's clock.
const (
	// absenceProvesAfter is how long after Usher heard of a connection a reading must
	// begin for absence to prove that it left.
	absenceProvesAfter = 5 * time.Second
	// listedOnlyPatience is how long a connection may be listed only before it is
	// judged.
	listedOnlyPatience = time.Minute
)

func (s Reconcile) decide(t *turn) error {
	if s.Reading == nil {
		t.readingFailed(s.Forbidden)
		t.updateClock(journal.FromReconcile)
		return nil
	}
	t.recall(s.Bans)
	t.reconcile(s)
	t.updateClock(journal.FromReconcile)
	return nil
}

// readingFailed logs the waiting connections, now that somebody has looked.
func (t *turn) readingFailed(forbidden bool) {
	if forbidden {
		t.l.ListRefusedUntil, t.rest = t.now.Add(time.Minute), true
	}
	for _, c := range t.l.Waiting() {
		t.wait(c, firstLine(c), &evidence{})
	}
	t.retryUnproven()
	if t.l.WatchAt != 0 && t.l.WatchAt <= t.now {
		t.l.WatchAt = t.now.Add(time.Minute)
		if t.l.Status == journal.Ended {
			t.l.WatchAt = t.now.Add(t.endedWatchGap())
		}
		t.rest = true
	}
}

// retryUnproven asks connections to go once more that were told to and that this
// reading proved neither gone nor there: the process that was to disconnect them
// may have died.
func (t *turn) retryUnproven() {
	for _, c := range t.l.Conns {
		if c.RetryAt != 0 && c.Tries == 0 && c.RetryAt <= t.now {
			c.RetryAt, c.Tries = t.now, 1
			t.write(c)
		}
	}
}

// endedWatchGap is the time between two looks at an ended session: short at first.
func (t *turn) endedWatchGap() time.Duration {
	return min(max(t.now.Sub(t.l.EndedAt), time.Second), time.Minute)
}

// Readings that are answered 404 are an empty list after so many in a row, over so
// long.
const (
	notFoundReadings = 3
	notFoundFor      = time.Minute
)

// countNotFound counts readings that were answered 404, and reports whether this
// one is an empty list.
func (t *turn) countNotFound(r Reading) bool {
	if !r.NotFound {
		t.l.NotFound, t.l.NotFoundSince = 0, 0
		return false
	}
	if t.l.NotFound == 0 {
		t.l.NotFoundSince = r.Began
	}
	t.l.NotFound++
	return t.l.NotFound >= notFoundReadings && r.Began >= t.l.NotFoundSince.Add(notFoundFor)
}

func (t *turn) reconcile(s Reconcile) {
	r := *s.Reading
	r.Whole = t.countNotFound(r) || r.Whole
	t.reading, t.stale = r.Began, r.Began < t.l.ReconciledAt
	by := &evidence{began: r.Began, shown: map[string]bool{}, outside: s.Outside}
	t.l.ReconciledAt, t.rest = max(t.l.ReconciledAt, r.Began), true
	more := t.takeIn(s, by.shown)
	t.confirmDepartures(r.Began)
	if r.Whole {
		t.absent(by)
		t.releaseLapsed(by)
	}
	t.retryUnproven()
	t.judgeListedOnly(by)
	if t.l.Status == journal.Ended {
		t.watchEnded(r)
	} else {
		t.watchOpen(r)
		t.judgeWaiting(by)
	}
	t.reviewBacklog(r, more)
}

// judgeWaiting decides the waiting connections by the evidence, the earliest first.
func (t *turn) judgeWaiting(by *evidence) {
	for _, c := range t.l.Waiting() {
		// A decision about somebody earlier may have decided this one too.
		if c = t.l.Conns[c.ID]; c.State == Waiting {
			t.judge(c, firstLine(c), by)
		}
	}
}

// firstLine names the event that a decision about a waiting connection answers to:
// its own webhook if that has not been logged.
func firstLine(c Conn) journal.Line {
	if c.Unlogged {
		return journal.Line{Event: journal.ConnectionCreated, EventAt: c.CreatedAt}
	}
	return journal.Line{Event: journal.FromReconcile}
}

// listed takes in one connection of the list.
func (t *turn) listed(p Presence, began epoch.Instant) {
	c, known := t.l.Conns[p.ID]
	switch {
	case !known && t.l.Status == journal.Ended:
		c = t.listedConn(p.ID, p.Since, began)
		t.write(c)
		t.refuse(c, journal.LessonOver, journal.Line{Event: journal.FromReconcile})
	case !known && t.l.Backlog && !t.l.Own && p.Since != 0 && p.Since < t.l.Created:
		// It was shown when the session was adopted, even if there was no place for it.
		t.write(t.listedConn(p.ID, p.Since, min(began, t.l.Created)))
	case !known:
		t.write(t.listedConn(p.ID, p.Since, began))
	case t.stale && c.LeftAt != 0, c.Destroyed && began < c.DepartureHeardAt.Add(departureDoubt):
		// A newer reading, or Vonage's own word, says more.
	case c.LeftAt != 0 || c.State == HeardAfterLeaving:
		t.returned(c, began, journal.FromReconcile)
	case c.leftToTheList(), c.DisconnectRequested() && !c.GivenUp && c.Tries == 0 && c.RetryAt <= t.now:
		// It was told to go, and is still there: ask again.
		c.RetryAt, c.Tries, c.ShownAt = t.now, c.Tries+1, max(c.ShownAt, began)
		t.write(c)
	default:
		c.ShownAt = max(c.ShownAt, began)
		t.write(c)
	}
}

// absent frees connections that a complete reading does not show, where it began
// late enough to prove it. They left when they were last proven in.
func (t *turn) absent(by *evidence) {
	gone := t.l.Pick(func(c Conn) bool {
		return c.LeftAt == 0 && !by.shown[c.ID] && by.began > c.ShownAt && by.began >= c.HeardAt.Add(absenceProvesAfter) && c.State != HeardAfterLeaving
	})
	for _, c := range gone {
		// Old news is decided by the list anyway: it counts for attendance alone.
		if c.HeardLate && c.State == Waiting {
			continue
		}
		if c.holdsSeat() {
			t.freed = append(t.freed, c.Role)
		}
		c.LeftAt, c.LeftLowerBound, c.RetryAt = max(c.ShownAt, c.CreatedAt), true, 0
		wasToGo := c.DisconnectRequested()
		if c.State == ListedOnly {
			c.State = HeardAfterLeaving
		}
		c = t.logArrival(c)
		t.write(c)
		if !wasToGo {
			t.logAbout(c, journal.Line{Event: journal.FromReconcile, Action: journal.DidRepair, Reason: journal.Reconciled})
		}
	}
}

// releaseLapsed gives away the seats of promises whose time is over, when the reading
// shows nobody who could be their owner.
func (t *turn) releaseLapsed(by *evidence) {
	for id := range by.shown {
		if c, ok := t.l.Conns[id]; ok && c.State == ListedOnly && c.LeftAt == 0 {
			return
		}
	}
	for _, p := range t.l.sortedPromises() {
		if p.open() && by.began >= p.lapsesAt() {
			kept := p.Used == "" || t.l.takesSeat(p)
			if t.l.takesSeat(p) {
				t.freed = append(t.freed, p.Role)
			}
			p.Released = true
			t.keep(p)
			if !kept {
				continue
			}
			t.log(journal.Line{Event: journal.FromReconcile, User: p.User, Role: p.Role, Action: journal.DidRepair, Reason: journal.Reconciled, Note: journal.PromiseLapsed})
		}
	}
}

// sortedPromises gives the promises by when they were given.
func (l *Lesson) sortedPromises() []Promise {
	promises := make([]Promise, 0, len(l.Promises))
	for _, p := range l.Promises {
		promises = append(promises, p)
	}
	slices.SortFunc(promises, byGiven)
	return promises
}

// judgeListedOnly judges connections that were shown a minute ago and never heard
// of: as the user of an expected promise in whose life they came, else as unknown
// strangers.
func (t *turn) judgeListedOnly(by *evidence) {
	if t.l.Status == journal.Ended {
		return
	}
	overdue := t.l.Pick(func(c Conn) bool {
		return c.LeftAt == 0 && c.State == ListedOnly && t.now >= c.ListedAt.Add(listedOnlyPatience) && by.shown[c.ID]
	})
	t.effects.Again = len(overdue) > judgedAtOnce
	for _, c := range overdue[:min(len(overdue), judgedAtOnce)] {
		if c.CreatedAt > t.l.Created {
			t.effects.Unheard++
		}
		c = t.identify(c, t.l.likelyIdentity(c))
		c.State, c.Unlogged, c.WaitsSince = Waiting, true, t.now
		t.write(c)
		t.judge(c, journal.Line{Event: journal.FromReconcile, EventAt: c.CreatedAt}, by)
	}
}

// judgedAtOnce is how many people that nobody heard of one decision judges, so that their
// lines find a place.
const judgedAtOnce = 64

// likelyIdentity is the identity that a connection is given whose webhook never
// came. One that may have come by a promise that does not stand in the item is no
// foreigner.
func (l *Lesson) likelyIdentity(c Conn) identity {
	for _, p := range l.likelyPromises(c) {
		return identity{user: p.User, role: p.Role, promise: p.ID}
	}
	return identity{foreign: c.CreatedAt > l.PromisedThrough}
}

// likelyPromises are those that c may have come by: expected ones in whose life it came.
func (l *Lesson) likelyPromises(c Conn) []Promise {
	return slices.DeleteFunc(l.sortedPromises(), func(p Promise) bool {
		return !p.expected() || p.GivenAt > c.CreatedAt.Add(maxAhead) || c.CreatedAt > p.lapsesAt().Add(maxAhead)
	})
}

// watchOpen notes whether to go on watching, by a reading: a lesson in use is
// looked at every ten minutes, one that was empty twice no more.
func (t *turn) watchOpen(r Reading) {
	if t.now < t.l.WatchAt {
		return
	}
	if first := t.l.Created.Add(watchFirst); t.now < first {
		t.l.WatchAt, t.rest = first, true
		return
	}
	t.l.EmptyReadings++
	if len(r.Present) > 0 || !r.Whole || t.l.seatsTaken() > 0 || t.l.PresentOutside > 0 {
		t.l.EmptyReadings = 0
	}
	t.l.WatchAt = t.now.Add(WatchEvery)
	if t.l.Status == journal.Paused {
		t.l.WatchAt = t.now.Add(watchPaused)
	}
	if t.l.EmptyReadings >= 2 {
		t.l.WatchAt = 0
	}
	t.rest = true
}

// watchEnded notes whether to go on watching an ended session, by a reading: until
// it is empty twice, or a day has passed.
func (t *turn) watchEnded(r Reading) {
	t.l.EmptyReadings++
	if len(r.Present) > 0 || !r.Whole {
		t.l.EmptyReadings = 0
	}
	t.l.WatchAt = t.now.Add(t.endedWatchGap())
	if t.l.EmptyReadings >= 2 || t.now.Sub(t.l.EndedAt) > giveUpAfter {
		t.l.WatchAt = 0
	}
	t.rest = true
}

// byGiven orders promises by when they were given.
func byGiven(a, b Promise) int {
	return cmp.Or(cmp.Compare(a.GivenAt, b.GivenAt), cmp.Compare(a.ID, b.ID))
}
