// Package policy is the rules that the owner of a room may ask for: the fields of a
// policy, their bounds, which of them are enforced, and the rules by which the start
// of a lesson is judged (Rules).
//
// It is trusted to refuse, with the names of the fields, a policy that it does not
// understand or that would not be enforced; a policy that was accepted once is
// always readable. It decides nothing about people.
//
// Begin with the table in fields.go, then parse.go and constraints.go.
package policy

import (
	"maps"
	"slices"
	"time"

	"usher/pkg/epoch"
)

// Policy is a policy as a room's owner put it: the JSON (without
// sessionId), and its fields as read. The zero Policy is valid and has all
// defaults. Policies are compared with Equal.
type Policy struct {
	raw    string // compact JSON, safe within HTML; "" for {}
	fields fields
}

// DuplicateRule is the rule for a user who is in and comes again.
type DuplicateRule string

// The duplicate rules.
const (
	ReplaceOlder DuplicateRule = "replace-older"
	RefuseNewer  DuplicateRule = "refuse-newer"
	Allow        DuplicateRule = "allow"
)

// ForeignRule is the rule for connections whose token is not Usher's.
type ForeignRule string

// The foreign-token rules.
const (
	Accept ForeignRule = "accept"
	Refuse ForeignRule = "refuse"
)

// MaxSeats is the most seats at once; 0 is no cap.
func (p Policy) MaxSeats() int { return p.fields.maxSeats }

// LessonSeconds is how long a lesson lasts; 0 is no limit.
func (p Policy) LessonSeconds() int { return p.fields.lessonSeconds }

// Quorum is how many distinct users start a lesson: 2 unless set, or MaxSeats
// if that is 1; where roles are asked for, all of them together.
func (p Policy) Quorum() int {
	if p.fields.quorumRoles != nil {
		return total(p.fields.quorumRoles)
	}
	if p.fields.quorum != 0 {
		return p.fields.quorum
	}
	if p.fields.maxSeats == 1 {
		return 1
	}
	return 2
}

// Duplicates is the rule for the same user again; replace-older unless set.
func (p Policy) Duplicates() DuplicateRule {
	if p.fields.duplicateUser == "" {
		return ReplaceOlder
	}
	return p.fields.duplicateUser
}

// JudgesForeignDuplicates reports whether foreign connections can be
// duplicates at all: only where the policy sets the field.
func (p Policy) JudgesForeignDuplicates() bool { return p.fields.duplicateUser != "" }

// Foreign is the rule for tokens that are not Usher's: unless set, refuse in
// sessions that Usher made and accept in adopted ones.
func (p Policy) Foreign(own bool) ForeignRule {
	switch {
	case p.fields.foreignTokens != "":
		return p.fields.foreignTokens
	case own:
		return Refuse
	}
	return Accept
}

// OpensAt is the moment before which nobody comes in; 0 for none.
func (p Policy) OpensAt() epoch.Instant { return p.fields.opensAt }

// ClosesAt is the moment at which the lesson ends, started or not; 0 for none.
func (p Policy) ClosesAt() epoch.Instant { return p.fields.closesAt }

// Warnings are how long before its end a lesson warns of it, the longest first.
func (p Policy) Warnings() []time.Duration {
	warnings := make([]time.Duration, len(p.fields.warnSeconds))
	for i, seconds := range p.fields.warnSeconds { // sorted
		warnings[len(warnings)-1-i] = time.Duration(seconds) * time.Second
	}
	return warnings
}

// Admits reports whether the user is on the list of those who may come in, compared
// byte for byte; an unknown user, "", is on none.
func (p Policy) Admits(user string) bool {
	return p.fields.allowedUsers == nil || slices.Contains(p.fields.allowedUsers, user)
}

// Lists reports whether there is a list of those who may come in.
func (p Policy) Lists() bool { return p.fields.allowedUsers != nil }

// SeatsOf is the most seats of a role at once; 0 is no cap of its own.
func (p Policy) SeatsOf(role string) int { return p.fields.maxByRole[role] }

// CappedRoles are the roles that have a cap of their own, sorted.
func (p Policy) CappedRoles() []string { return slices.Sorted(maps.Keys(p.fields.maxByRole)) }

// Observes reports whether the role needs no seat.
func (p Policy) Observes(role string) bool { return slices.Contains(p.fields.observers, role) }

// RejoinAfter is how long a user who was removed may not come back.
func (p Policy) RejoinAfter() time.Duration {
	return time.Duration(p.fields.rejoinSeconds) * time.Second
}

// Moderates reports whether the role's client tokens are moderators'.
func (p Policy) Moderates(role string) bool { return slices.Contains(p.fields.moderators, role) }

// MayPublish reports whether the role may publish streams of the kind. A rule for
// screens holds for custom sources too, unless those have one: a screen published as
// a custom source is custom.
func (p Policy) MayPublish(role string, kind Kind) bool {
	roles, ruled := p.fields.publish[kind]
	if kind == Custom && !ruled {
		roles, ruled = p.fields.publish[Screen]
	}
	return !ruled || slices.Contains(roles, role)
}

// RulesStreams reports whether some kind of stream is not free for all.
func (p Policy) RulesStreams() bool { return len(p.fields.publish) > 0 }

// PublishesNothing reports whether the role may publish no kind of stream.
func (p Policy) PublishesNothing(role string) bool {
	return !slices.ContainsFunc(kinds, func(k Kind) bool { return p.MayPublish(role, k) })
}

// UnpublishGrace is how long a forbidden stream may stay once it was asked away; 5 s
// unless set, 0 is not at all.
func (p Policy) UnpublishGrace() time.Duration {
	if p.fields.unpublishGraceSeconds == nil {
		return usualGrace * time.Second
	}
	return time.Duration(*p.fields.unpublishGraceSeconds) * time.Second
}

// Archive reports whether sessions that Usher makes are archived.
func (p Policy) Archive() bool { return p.fields.archive }

// Demo reports whether the room's page hands out credentials without a ticket.
func (p Policy) Demo() bool { return p.fields.demo }

// Equal reports whether both are the same JSON.
func (p Policy) Equal(other Policy) bool { return p.raw == other.raw }

// String is the policy's JSON.
func (p Policy) String() string {
	if p.raw == "" {
		return "{}"
	}
	return p.raw
}

// MarshalJSON gives the policy as it was put, compacted and without members
// that are null.
func (p Policy) MarshalJSON() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalJSON reads a text that MarshalJSON wrote, on the terms of Stored.
func (p *Policy) UnmarshalJSON(raw []byte) error {
	*p = Stored(string(raw))
	return nil
}
