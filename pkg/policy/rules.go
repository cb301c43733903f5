package policy

import (
	"slices"
	"time"

	"usher/pkg/epoch"
)

// Rule is the quorum that starts a lesson from some moment on, and how long the
// lesson then lasts.
type Rule struct {
	Since   epoch.Instant `json:"since"`
	Quorum  int           `json:"quorum"`
	Seconds int           `json:"seconds"`
}

// Rules are the rules under which a lesson could start, and since when: a start is
// judged by the rule in force at its moment. The last one is in force; there is at
// least one.
type Rules []Rule

// FirstRules is the history that begins with the policy.
func FirstRules(p Policy) Rules { return Rules{p.rule(0)} }

func (p Policy) rule(since epoch.Instant) Rule {
	return Rule{Since: since, Quorum: p.Quorum(), Seconds: p.LessonSeconds()}
}

// At is the rule in force at that moment.
func (rs Rules) At(at epoch.Instant) Rule {
	rule := rs[0]
	for _, r := range rs[1:] {
		if r.Since <= at {
			rule = r
		}
	}
	return rule
}

// maxRules bounds the remembered rules of a lesson.
const maxRules = 16

// Add gives the history with the policy in force from now on. Beyond the bound
// the oldest rule goes that a start at startedAt does not rest on.
func (rs Rules) Add(p Policy, now, startedAt epoch.Instant) Rules {
	next := p.rule(now)
	if last := rs[len(rs)-1]; last.Quorum == next.Quorum && last.Seconds == next.Seconds {
		return rs
	}
	rs = append(slices.Clone(rs), next)
	if len(rs) <= maxRules {
		return rs
	}
	oldest := 1
	if rs[1] == rs.At(startedAt) {
		oldest = 2
	}
	return slices.Delete(rs, oldest, oldest+1)
}

// Deadline is when a lesson ends that started at startedAt: as fixed, where an
// extension gave the moment itself, else so long after the start, and extended
// by that. It is 0 where the lesson has no limit.
func (rs Rules) Deadline(startedAt epoch.Instant, extended time.Duration, fixed epoch.Instant) epoch.Instant {
	if fixed != 0 {
		return fixed
	}
	seconds := rs.At(startedAt).Seconds
	if seconds == 0 {
		return 0
	}
	return startedAt.Add(time.Duration(seconds) * time.Second).Add(extended)
}
