package policy

import (
	"slices"
	"testing"
	"time"

	"usher/pkg/epoch"
)

func TestTimes(t *testing.T) {
	p := parsed(t, `{"opensAt":"2026-12-01T17:00:00Z","closesAt":"2026-12-01T19:05:00.5+01:00","lessonSeconds":3600,"warnSeconds":[60,300,60]}`)
	if p.OpensAt() != 1_796_144_400_000 || p.ClosesAt() != 1_796_148_300_500 {
		t.Errorf("it opens at %d and closes at %d", p.OpensAt(), p.ClosesAt())
	}
	if want := []time.Duration{5 * time.Minute, time.Minute}; !slices.Equal(p.Warnings(), want) {
		t.Errorf("it warns %v before the end, want %v", p.Warnings(), want)
	}
}

func TestRuleIsMet(t *testing.T) {
	for _, c := range []struct {
		policy string
		users  int
		ofRole map[string]int
		want   bool
	}{
		{`{}`, 2, nil, true},
		{`{}`, 1, nil, false},
		{`{"quorum":3}`, 2, nil, false},
		{`{"quorumRoles":{"teacher":1,"student":1}}`, 2, map[string]int{"student": 2}, false},
		{`{"quorumRoles":{"teacher":1,"student":1}}`, 2, map[string]int{"student": 1, "teacher": 1}, true},
		{`{"quorumRoles":{"teacher":1}}`, 1, map[string]int{"teacher": 1}, true},
		{`{"quorumRoles":{"":2}}`, 2, map[string]int{"": 1, "teacher": 1}, false},
	} {
		if got := parsed(t, c.policy).rule(0).Met(c.users, c.ofRole); got != c.want {
			t.Errorf("%s, %d users, %v: %t", c.policy, c.users, c.ofRole, got)
		}
	}
}

// A clock that pauses gives back what it stood still for, and has no deadline while it
// stands still.
func TestDeadlineOfAClockThatPauses(t *testing.T) {
	rules := FirstRules(parsed(t, `{"clock":"pause","lessonSeconds":60}`))
	run := Run{StartedAt: 1_000_000, Paused: 5 * time.Second, Extended: 10 * time.Second}
	if got := rules.Deadline(run); got != 1_075_000 {
		t.Errorf("it ends at %d", got)
	}
	run.PausedAt = 1_030_000
	if d, left := rules.Deadline(run), rules.Left(run); d != 0 || left != 45*time.Second {
		t.Errorf("paused, it ends at %d, and %v are left", d, left)
	}
	if run.Fixed = 1_090_000; rules.Deadline(run) != epoch.Instant(1_090_000) {
		t.Errorf("fixed, it ends at %d", rules.Deadline(run))
	}
}

func TestRulesNoteWhatTheStartRestsOn(t *testing.T) {
	rules := FirstRules(parsed(t, `{}`))
	for i, text := range []string{`{"quorumRoles":{"a":2}}`, `{"quorumRoles":{"b":2}}`, `{"opensAt":"2026-12-01T17:00:00Z"}`, `{"clock":"pause","lessonSeconds":1}`} {
		if rules = rules.Add(parsed(t, text), epoch.Instant(i+1), 0); len(rules) != i+2 {
			t.Errorf("%s makes no new rule: %v", text, rules)
		}
	}
	if again := rules.Add(parsed(t, `{"clock":"pause","lessonSeconds":1,"maxSeats":3}`), 9, 0); len(again) != len(rules) {
		t.Errorf("a cap makes a new rule: %v", again)
	}
}
