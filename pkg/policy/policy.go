package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Policy is what a room's owner put: the JSON as it was put (without
// sessionId), and what the rules read of it. The zero Policy is valid and has
// all defaults. Policies may be compared with ==: two are the same when their
// JSON, compacted, is.
type Policy struct {
	raw    string // compact JSON, safe within HTML; "" for {}
	fields enforced
}

// enforced is what is enforced.
type enforced struct {
	lessonSeconds int
	quorum        int // 0: not set
	maxSeats      int
	duplicateUser DuplicateRule // "" when the field is not set
	foreignTokens ForeignRule   // "" when the field is not set
	archive       bool
	demo          bool
}

// DuplicateRule says what happens when a user who is in comes again.
type DuplicateRule string

// The duplicate rules.
const (
	ReplaceOlder DuplicateRule = "replace-older"
	RefuseNewer  DuplicateRule = "refuse-newer"
	Allow        DuplicateRule = "allow"
)

// ForeignRule says what happens to connections whose token is not Usher's.
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
// if that is 1.
func (p Policy) Quorum() int {
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

// UnmarshalJSON reads what MarshalJSON wrote, on the terms of StoredPolicy.
func (p *Policy) UnmarshalJSON(raw []byte) error {
	*p = Stored(string(raw))
	return nil
}

// alphanumeric are the letters and digits that names are made of.
const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// ValidRoom reports whether name may name a room: 1 to 64 letters, digits,
// dots, underscores and dashes, the first a letter or digit.
func ValidRoom(name string) bool {
	return name != "" && len(name) <= 64 &&
		strings.IndexByte(alphanumeric, name[0]) >= 0 && strings.TrimLeft(name, alphanumeric+"._-") == ""
}

// ValidRole reports whether role may name a role: at most 32 letters, digits,
// underscores and dashes. The empty role is nobody's in particular.
func ValidRole(role string) bool {
	return len(role) <= 32 && strings.TrimLeft(role, alphanumeric+"_-") == ""
}

// ValidUser reports whether user may name a user: 1 to 128 bytes of UTF-8
// without control characters.
func ValidUser(user string) bool {
	if user == "" || len(user) > 128 || !utf8.ValidString(user) {
		return false
	}
	for _, r := range user {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}
