package lesson

import (
	"maps"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// pauses is how a clock that pauses has run: for how long it stood still in pauses that
// are over, since when it does so now (0: it runs), and since when it runs.
type pauses struct {
	millis          int64
	since, runsFrom epoch.Instant
}

// turn lets the clock stand still or run from that moment on.
func (p *pauses) turn(runs bool, at epoch.Instant) {
	switch {
	case runs && p.since != 0:
		p.millis += at.Sub(p.since).Milliseconds()
		p.since, p.runsFrom = 0, at
	case !runs && p.since == 0:
		p.since = at
	}
}

// pausesUntil adds up the pauses before that moment, by everything known. Once its time is
// up, a clock that runs stands still no more: the lesson is over, whoever leaves then.
func (l *Lesson) pausesUntil(until epoch.Instant) pauses {
	from, p := l.settled()
	rule := l.Rules.At(l.StartedAt)
	sweep(l.allStays(), []epoch.Instant{from}, func(at epoch.Instant, in *attendance) bool {
		switch {
		case at < from:
			return true
		case at >= until, p.since == 0 && at >= l.timeUp(rule, p):
			return false
		}
		p.turn(in.meets(rule, l.seatsOutside(), l.OutsideByRole), at)
		return true
	})
	return p
}

// timeUp is when the lesson's time is up, if its clock runs on after such pauses.
func (l *Lesson) timeUp(rule policy.Rule, p pauses) epoch.Instant {
	if l.FixedEnd != 0 {
		return l.FixedEnd
	}
	return l.StartedAt.Add(time.Duration(rule.Seconds)*time.Second + millis(l.ExtendedMillis+p.millis))
}

// settled is the moment from which the pauses are added up, and how the clock had run
// until then.
func (l *Lesson) settled() (from epoch.Instant, p pauses) {
	if l.SettledThrough > l.StartedAt {
		return l.SettledThrough, pauses{l.SettledMillis, l.SettledPausedAt, l.SettledThrough}
	}
	return l.StartedAt, pauses{runsFrom: l.StartedAt}
}

// pausesNow reports whether the lesson has started by a rule under which the clock
// pauses.
func (l *Lesson) pausesNow() bool {
	return l.StartedAt != 0 && l.Rules.At(l.StartedAt).Pauses
}

// keptStays bounds the stays beside the connections; half of them are settled then.
const keptStays = 48

// keepStays notes the stays of connections that are over where these are about to leave
// the item, and settles the oldest where there are too many. News of before that moment
// comes too late for the clock.
func (t *turn) keepStays() {
	l := t.l
	if !l.pausesNow() {
		return
	}
	if over := l.Pick(Conn.isOver); len(over) >= goneHigh {
		t.keepStaysOf(over)
	}
	if len(l.Stays) > keptStays {
		t.settleThrough(l.middleEnd())
	}
	// The people who leave the item next are counted at every moment that is not settled.
	if turned := max(l.PausedAt, l.ResumedAt); turned > l.SettledThrough && len(l.Pick(l.mayGoOutside)) >= seatsHigh {
		t.settleThrough(turned)
	}
}

func (t *turn) keepStaysOf(over []Conn) {
	stays := maps.Clone(t.l.Stays)
	if stays == nil {
		stays = map[string]Stay{}
	}
	for _, c := range over {
		delete(stays, c.ID)
		if s := c.stays(); len(s) > 0 && (s[len(s)-1].To == 0 || s[len(s)-1].To > t.l.SettledThrough) {
			stays[c.ID] = s[len(s)-1] // both begin when the connection was made
		}
	}
	t.l.Stays = stays
}

// middleEnd is the end of the older half of the stays.
func (l *Lesson) middleEnd() epoch.Instant {
	var ends []epoch.Instant
	for _, s := range l.Stays {
		if s.To != 0 {
			ends = append(ends, s.To)
		}
	}
	if len(ends) == 0 {
		return 0
	}
	slices.Sort(ends)
	return ends[len(ends)/2]
}

// settleThrough settles how the clock ran up to that moment.
func (t *turn) settleThrough(through epoch.Instant) {
	l := t.l
	if through <= max(l.SettledThrough, l.StartedAt) {
		return
	}
	p := l.pausesUntil(through)
	l.SettledMillis, l.SettledPausedAt, l.SettledThrough, t.rest = p.millis, p.since, through, true
	l.Stays = maps.Clone(l.Stays)
	maps.DeleteFunc(l.Stays, func(_ string, s Stay) bool { return s.To != 0 && s.To <= through })
}
