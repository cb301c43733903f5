package policy

import (
	"maps"
	"slices"
	"time"

	"usher/pkg/epoch"
)

// Rule is the quorum that starts a lesson from some moment on, and how long the
// lesson then lasts.
type Rule struct {
	Since epoch.Instant `json:"since"`
	// Quorum is how many distinct users it takes: of Roles, where there are some, so
	// many of each.
	Quorum  int            `json:"quorum"`
	Roles   map[string]int `json:"roles,omitempty"`
	Opens   epoch.Instant  `json:"opens,omitempty"` // no lesson starts before
	Seconds int            `json:"seconds"`
	Pauses  bool           `json:"pauses,omitempty"` // the clock stands still while the quorum is broken
}

// Rules are the rules under which a lesson could start, and since when: a start is
// judged by the rule in force at its moment. The last one is in force; there is at
// least one.
type Rules []Rule

// FirstRules is the history that begins with the policy.
func FirstRules(p Policy) Rules { return Rules{p.rule(0)} }

func (p Policy) rule(since epoch.Instant) Rule {
	return Rule{
		Since: since, Quorum: p.Quorum(), Roles: p.fields.quorumRoles, Opens: p.fields.opensAt,
		Seconds: p.LessonSeconds(), Pauses: p.fields.clock == pause,
	}
}

// Equal reports whether both are the same, Since included.
func (r Rule) Equal(other Rule) bool { return r.Since == other.Since && r.same(other) }

func (r Rule) same(other Rule) bool {
	return r.Quorum == other.Quorum && maps.Equal(r.Roles, other.Roles) && r.Opens == other.Opens &&
		r.Seconds == other.Seconds && r.Pauses == other.Pauses
}

// Met reports whether so many distinct users, and of the roles so many, are the quorum.
func (r Rule) Met(users int, ofRole map[string]int) bool {
	if len(r.Roles) == 0 {
		return users >= r.Quorum
	}
	for role, n := range r.Roles {
		if ofRole[role] < n {
			return false
		}
	}
	return true
}

// At is the rule in force at that moment.
func (rs Rules) At(at epoch.Instant) Rule {
	if len(rs) == 0 {
		return Rule{}
	}
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
	if rs[len(rs)-1].same(next) {
		return rs
	}
	rs = append(slices.Clone(rs), next)
	if len(rs) <= maxRules {
		return rs
	}
	oldest := 1
	if rs[1].Equal(rs.At(startedAt)) {
		oldest = 2
	}
	return slices.Delete(rs, oldest, oldest+1)
}

// Run is a lesson's clock as it runs.
type Run struct {
	StartedAt epoch.Instant
	Paused    time.Duration // for which it stood still, pauses that are over
	PausedAt  epoch.Instant // since when it stands still; 0: it runs
	Extended  time.Duration
	Fixed     epoch.Instant // the deadline as an extension gave it; 0: none did
}

// Deadline is when a lesson ends whose clock runs like that: as fixed, else so long
// after the start, pauses left out, and extended by that. It is 0 where the lesson has no
// limit, and while the clock stands still.
func (rs Rules) Deadline(r Run) epoch.Instant {
	switch {
	case r.Fixed != 0:
		return r.Fixed
	case r.PausedAt != 0:
		return 0
	}
	return rs.whenOver(r)
}

// Left is how much of the lesson is left while its clock stands still; 0 where it has no
// limit.
func (rs Rules) Left(r Run) time.Duration {
	if over := rs.whenOver(r); over != 0 {
		return max(0, over.Sub(r.PausedAt))
	}
	return 0
}

// whenOver is when the time is up that the rule gives, if no more pauses come.
func (rs Rules) whenOver(r Run) epoch.Instant {
	seconds := rs.At(r.StartedAt).Seconds
	if seconds == 0 {
		return 0
	}
	return r.StartedAt.Add(time.Duration(seconds)*time.Second + r.Paused + r.Extended)
}
