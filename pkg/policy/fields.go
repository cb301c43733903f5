package policy

import (
	"encoding/json"

	"usher/pkg/epoch"
)

// Bounds of a policy's numbers.
const (
	mostLesson  = 24 * 60 * 60      // seconds
	mostSeats   = 15000             // connections in one session of the platform
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

// The clock rules.
const (
	firstQuorum = "first-quorum"
	pause       = "pause"
)

// fields are the fields of a policy. Each zero value means that the field is not
// set. Maps and lists are never changed once they are read.
type fields struct {
	opensAt, closesAt     epoch.Instant
	lessonSeconds         int
	quorum                int
	quorumRoles           map[string]int
	clock                 string
	warnSeconds           []int // without repeats
	maxSeats              int
	maxByRole             map[string]int
	observers             []string
	allowedUsers          []string // nil: anyone; empty: nobody
	duplicateUser         DuplicateRule
	rejoinSeconds         int
	foreignTokens         ForeignRule
	publish               map[Kind][]string
	unpublishGraceSeconds *int
	moderators            []string
	archive, demo         bool
}

// table is every field of a policy: the form of its value, its place, and which
// values are enforced.
var table = map[string]field{
	"opensAt":               row(moment, func(f *fields) *epoch.Instant { return &f.opensAt }, all),
	"closesAt":              row(moment, func(f *fields) *epoch.Instant { return &f.closesAt }, all),
	"lessonSeconds":         row(whole(0, mostLesson), func(f *fields) *int { return &f.lessonSeconds }, all),
	"quorum":                row(whole(1, mostQuorum), func(f *fields) *int { return &f.quorum }, all),
	"quorumRoles":           row(countByRole(mostQuorum), func(f *fields) *map[string]int { return &f.quorumRoles }, all),
	"clock":                 row(oneOf(firstQuorum, pause), func(f *fields) *string { return &f.clock }, all),
	"warnSeconds":           row(warnings, func(f *fields) *[]int { return &f.warnSeconds }, all),
	"maxSeats":              row(whole(0, mostSeats), func(f *fields) *int { return &f.maxSeats }, upTo(MaxSeats)),
	"maxByRole":             row(countByRole(mostSeats), func(f *fields) *map[string]int { return &f.maxByRole }, all).unless(manyInHall),
	"observers":             row(roles, func(f *fields) *[]string { return &f.observers }, all),
	"allowedUsers":          row(users, func(f *fields) *[]string { return &f.allowedUsers }, all),
	"duplicateUser":         row(oneOf(ReplaceOlder, RefuseNewer, Allow), func(f *fields) *DuplicateRule { return &f.duplicateUser }, all),
	"rejoinSeconds":         row(whole(0, mostRejoin), func(f *fields) *int { return &f.rejoinSeconds }, all),
	"foreignTokens":         row(oneOf(Accept, Refuse), func(f *fields) *ForeignRule { return &f.foreignTokens }, all),
	"publish":               row(rolesByKind, func(f *fields) *map[Kind][]string { return &f.publish }, all),
	"unpublishGraceSeconds": row(optional(whole(0, mostGrace)), func(f *fields) **int { return &f.unpublishGraceSeconds }, all),
	"moderators":            row(roles, func(f *fields) *[]string { return &f.moderators }, all),
	"archive":               row(yesNo, func(f *fields) *bool { return &f.archive }, all),
	"demo":                  row(yesNo, func(f *fields) *bool { return &f.demo }, all),
}

// field is a row of the table.
type field struct {
	must     string                                      // what a value must be, in words
	read     func(f *fields, value json.RawMessage) bool // leaves its place alone where the value is wrong
	enforced func(f *fields) bool
}

func row[T any](form form[T], place func(*fields) *T, enforced func(T) bool) field {
	return field{
		must: form.must,
		read: func(f *fields, value json.RawMessage) bool {
			v, ok := form.read(value)
			if ok {
				*place(f) = v
			}
			return ok
		},
		enforced: func(f *fields) bool { return enforced(*place(f)) },
	}
}

// unless gives the row with what is not enforced beside other fields.
func (r field) unless(beside func(f *fields) bool) field {
	alone := r.enforced
	r.enforced = func(f *fields) bool { return alone(f) && !beside(f) }
	return r
}

// manyInHall: without a cap on all seats, the caps of roles keep more people in sight
// at once than one lesson's item holds.
func manyInHall(f *fields) bool { return f.maxSeats == 0 && total(f.maxByRole) > MaxSeats }

// Which values of a field are enforced.

func all[T any](T) bool { return true }

func upTo(most int) func(int) bool { return func(n int) bool { return n <= most } }
