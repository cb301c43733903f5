package journal_test

import (
	"testing"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// TestFoldsTheClock: each line of the clock moves the deadline that the log adds up to.
func TestFoldsTheClock(t *testing.T) {
	const second = epoch.Instant(1000)
	start := journal.Line{Action: journal.DidStart, EventAt: 100 * second}
	paused := journal.Line{Action: journal.DidPause, EventAt: 130 * second, Note: journal.PausedFor(10 * time.Second)}
	resumed := journal.Line{Action: journal.DidResume, EventAt: 150 * second, Note: journal.PausedFor(30 * time.Second)}
	byAMinute := journal.Line{Action: journal.DidExtend, EventAt: 1, Note: journal.BySeconds(60)}
	given := journal.Line{Action: journal.DidExtend, EventAt: 500 * second, Note: journal.ToMoment}
	reset := journal.Line{Action: journal.DidReset}
	for name, c := range map[string]struct {
		lines    []journal.Line
		status   journal.Status
		deadline epoch.Instant
	}{
		"not started":                           {nil, journal.Open, 0},
		"started":                               {[]journal.Line{start}, journal.Running, 700 * second},
		"paused":                                {[]journal.Line{start, paused}, journal.Paused, 0},
		"resumed":                               {[]journal.Line{start, paused, resumed}, journal.Running, 730 * second},
		"extended":                              {[]journal.Line{start, byAMinute}, journal.Running, 760 * second},
		"extended while it stood still":         {[]journal.Line{start, paused, byAMinute, resumed}, journal.Running, 790 * second},
		"to a moment":                           {[]journal.Line{start, byAMinute, given}, journal.Running, 500 * second},
		"to a moment, then by seconds":          {[]journal.Line{start, given, byAMinute}, journal.Running, 560 * second},
		"a given end stands through pauses":     {[]journal.Line{start, given, paused, resumed}, journal.Running, 500 * second},
		"taken back while it stood still":       {[]journal.Line{start, paused, reset}, journal.Open, 0},
		"begun again, without the pauses of it": {[]journal.Line{start, paused, reset, start}, journal.Running, 700 * second},
		"moved, without the pauses of it":       {[]journal.Line{start, paused, resumed, start}, journal.Running, 700 * second},
	} {
		begun := journal.Line{Action: journal.DidPolicy, Note: journal.Note(policy.Stored(`{"lessonSeconds":600,"clock":"pause"}`).String())}
		got := journal.Fold(append([]journal.Line{begun}, c.lines...))
		if got.Status != c.status || got.Deadline != c.deadline {
			t.Errorf("%s: %s until %v, want %s until %v", name, got.Status, got.Deadline, c.status, c.deadline)
		}
	}
}
