package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Bounds of a policy's numbers.
const (
	mostLesson  = 24 * 60 * 60      // seconds
	mostSeats   = 15000             // what one session of the platform holds
	mostQuorum  = 64                // users
	mostWarns   = 10                // different values
	mostAllowed = 500               // users
	mostRoles   = 64                // roles named by one field
	mostRejoin  = 90 * 24 * 60 * 60 // seconds; as long as records are kept
	mostGrace   = 60 * 60           // seconds
	usualGrace  = 5                 // seconds
)

// MaxSeats is the largest cap on seats that is enforced.
const MaxSeats = 64

// document is every field of a policy, enforced or not.
type document struct {
	opensAt, closesAt time.Time
	lessonSeconds     int
	quorum            int
	quorumRoles       map[string]int
	clock             string
	warnSeconds       []int
	maxSeats          int
	maxByRole         map[string]int
	observers         []string
	allowedUsers      []string // nil: anyone
	duplicateUser     string
	rejoinSeconds     int
	foreignTokens     string
	publish           map[Kind][]string
	grace             *int
	archive, demo     bool

	unread []string // fields whose value was wrong
}

func (d *document) fields() enforced {
	return enforced{
		lessonSeconds: d.lessonSeconds,
		quorum:        d.quorum,
		maxSeats:      d.maxSeats,
		duplicateUser: DuplicateRule(d.duplicateUser),
		foreignTokens: ForeignRule(d.foreignTokens),
		archive:       d.archive,
		demo:          d.demo,
	}
}

// field reads one field: read says what the value must be where it is
// wrong, and "" where it was taken. later, where set, reports a value that is
// right but not enforced.
type field struct {
	read  func(d *document, value json.RawMessage) string
	later func(d *document) bool
}

var table = map[string]field{
	"opensAt": {
		moment(func(d *document) *time.Time { return &d.opensAt }),
		func(d *document) bool { return !d.opensAt.IsZero() },
	},
	"closesAt": {
		moment(func(d *document) *time.Time { return &d.closesAt }),
		func(d *document) bool { return !d.closesAt.IsZero() },
	},
	"lessonSeconds": {whole(0, mostLesson, func(d *document) *int { return &d.lessonSeconds }), nil},
	"quorum":        {whole(1, mostQuorum, func(d *document) *int { return &d.quorum }), nil},
	"quorumRoles": {
		byRole(mostQuorum, func(d *document) *map[string]int { return &d.quorumRoles }),
		func(d *document) bool { return d.quorumRoles != nil },
	},
	"clock": {
		oneOf(func(d *document) *string { return &d.clock }, "first-quorum", "pause"),
		func(d *document) bool { return d.clock == "pause" },
	},
	"warnSeconds": {readWarns, func(d *document) bool { return len(d.warnSeconds) > 0 }},
	"maxSeats": {
		whole(0, mostSeats, func(d *document) *int { return &d.maxSeats }),
		func(d *document) bool { return d.maxSeats > MaxSeats },
	},
	"maxByRole": {
		byRole(mostSeats, func(d *document) *map[string]int { return &d.maxByRole }),
		func(d *document) bool { return len(d.maxByRole) > 0 },
	},
	"observers": {readObservers, func(d *document) bool { return len(d.observers) > 0 }},
	"allowedUsers": {
		readAllowed,
		func(d *document) bool { return d.allowedUsers != nil },
	},
	"duplicateUser": {oneOf(func(d *document) *string { return &d.duplicateUser },
		string(ReplaceOlder), string(RefuseNewer), string(Allow)), nil},
	"rejoinSeconds": {
		whole(0, mostRejoin, func(d *document) *int { return &d.rejoinSeconds }),
		func(d *document) bool { return d.rejoinSeconds != 0 },
	},
	"foreignTokens": {oneOf(func(d *document) *string { return &d.foreignTokens },
		string(Accept), string(Refuse)), nil},
	"publish": {readPublish, func(d *document) bool { return len(d.publish) > 0 }},
	"unpublishGraceSeconds": {
		readGrace,
		func(d *document) bool { return d.grace != nil && *d.grace != usualGrace },
	},
	"archive": {yesNo(func(d *document) *bool { return &d.archive }), nil},
	"demo":    {yesNo(func(d *document) *bool { return &d.demo }), nil},
}

// constraints are what fields must keep together. A rule is left out where one
// of its fields could not be read.
var constraints = []struct {
	fields []string
	say    string
	broken func(d *document) bool
}{
	{[]string{"opensAt", "closesAt"}, "opensAt must be before closesAt", func(d *document) bool {
		return !d.opensAt.IsZero() && !d.closesAt.IsZero() && !d.opensAt.Before(d.closesAt)
	}},
	{[]string{"quorum", "quorumRoles"}, "quorum and quorumRoles cannot both be set", func(d *document) bool {
		return d.quorum != 0 && d.quorumRoles != nil
	}},
	{[]string{"quorum", "maxSeats"}, "quorum must not be above maxSeats", func(d *document) bool {
		return d.maxSeats != 0 && d.quorum > d.maxSeats
	}},
	{[]string{"quorumRoles"}, "quorumRoles must name a role", func(d *document) bool {
		return d.quorumRoles != nil && len(d.quorumRoles) == 0
	}},
	{[]string{"quorumRoles"}, fmt.Sprintf("quorumRoles must ask for at most %d users together", mostQuorum), func(d *document) bool {
		return total(d.quorumRoles) > mostQuorum
	}},
	{[]string{"quorumRoles", "maxSeats"}, "quorumRoles must not ask for more users together than maxSeats", func(d *document) bool {
		return d.maxSeats != 0 && total(d.quorumRoles) > d.maxSeats
	}},
	{[]string{"quorumRoles", "maxByRole"}, "quorumRoles must not ask for more of a role than maxByRole allows", func(d *document) bool {
		for role, n := range d.quorumRoles {
			if most, capped := d.maxByRole[role]; capped && n > most {
				return true
			}
		}
		return false
	}},
	{[]string{"clock", "lessonSeconds"}, "clock: pause needs lessonSeconds above 0", func(d *document) bool {
		return d.clock == "pause" && d.lessonSeconds == 0
	}},
	{[]string{"warnSeconds", "lessonSeconds"}, "warnSeconds needs lessonSeconds above 0", func(d *document) bool {
		return len(d.warnSeconds) > 0 && d.lessonSeconds == 0
	}},
}

func total(byRole map[string]int) int {
	n := 0
	for _, each := range byRole {
		n += each
	}
	return n
}

type reader = func(d *document, value json.RawMessage) string

// asWhole reads a number that is written as an integer: no fraction, no
// exponent.
func asWhole(value json.RawMessage, least, most int) (int, bool) {
	n, err := strconv.Atoi(string(value))
	return n, err == nil && n >= least && n <= most
}

func asText(value json.RawMessage) (s string, ok bool) {
	return s, value[0] == '"' && json.Unmarshal(value, &s) == nil
}

func asList(value json.RawMessage) (items []json.RawMessage, ok bool) {
	return items, value[0] == '[' && json.Unmarshal(value, &items) == nil
}

func whole(least, most int, at func(*document) *int) reader {
	return func(d *document, value json.RawMessage) string {
		n, ok := asWhole(value, least, most)
		if !ok {
			return fmt.Sprintf("must be a whole number from %d to %d", least, most)
		}
		*at(d) = n
		return ""
	}
}

func readGrace(d *document, value json.RawMessage) string {
	var n int
	say := whole(0, mostGrace, func(*document) *int { return &n })(d, value)
	if say == "" {
		d.grace = &n
	}
	return say
}

func yesNo(at func(*document) *bool) reader {
	return func(d *document, value json.RawMessage) string {
		if json.Unmarshal(value, at(d)) != nil {
			return "must be true or false"
		}
		return ""
	}
}

func moment(at func(*document) *time.Time) reader {
	return func(d *document, value json.RawMessage) string {
		var t time.Time
		if s, ok := asText(value); !ok || t.UnmarshalText([]byte(s)) != nil || t.UnixMilli() <= 0 {
			return "must be a time like 2026-12-01T17:00:00Z"
		}
		*at(d) = t
		return ""
	}
}

func oneOf(at func(*document) *string, words ...string) reader {
	return func(d *document, value json.RawMessage) string {
		s, ok := asText(value)
		if !ok || !slices.Contains(words, s) {
			return fmt.Sprintf("must be one of %q", words)
		}
		*at(d) = s
		return ""
	}
}

func byRole(most int, at func(*document) *map[string]int) reader {
	say := fmt.Sprintf("must be an object of at most %d roles, each with a whole number from 1 to %d", mostRoles, most)
	return func(d *document, value json.RawMessage) string {
		members, err := membersOf(value)
		if err != nil || len(members) > mostRoles {
			return say
		}
		counts := map[string]int{}
		for _, m := range members {
			n, ok := asWhole(m.value, 1, most)
			if _, twice := counts[m.name]; !ok || twice || !ValidRole(m.name) {
				return say
			}
			counts[m.name] = n
		}
		*at(d) = counts
		return ""
	}
}
