package policy

import (
	"fmt"
	"slices"
)

// constraint is a rule that several fields must keep together. It is left out
// where one of them could not be read.
type constraint struct {
	fields []string
	say    string
	broken func(f *fields) bool
}

var constraints = []constraint{
	{[]string{"opensAt", "closesAt"}, "opensAt must be before closesAt", func(f *fields) bool {
		return f.opensAt != 0 && f.closesAt != 0 && f.opensAt >= f.closesAt
	}},
	{[]string{"quorum", "quorumRoles"}, "quorum and quorumRoles cannot both be set", func(f *fields) bool {
		return f.quorum != 0 && f.quorumRoles != nil
	}},
	{[]string{"quorum", "maxSeats"}, "quorum must not be above maxSeats", func(f *fields) bool {
		return f.maxSeats != 0 && f.quorum > f.maxSeats
	}},
	{[]string{"quorumRoles"}, "quorumRoles must name a role", func(f *fields) bool {
		return f.quorumRoles != nil && len(f.quorumRoles) == 0
	}},
	{[]string{"quorumRoles"}, fmt.Sprintf("quorumRoles must ask for at most %d users together", mostQuorum), func(f *fields) bool {
		return total(f.quorumRoles) > mostQuorum
	}},
	{[]string{"quorumRoles", "maxSeats"}, "quorumRoles must not ask for more users together than maxSeats", func(f *fields) bool {
		return f.maxSeats != 0 && total(f.quorumRoles) > f.maxSeats
	}},
	{[]string{"quorumRoles", "maxByRole"}, "quorumRoles must not ask for more of a role than maxByRole allows", func(f *fields) bool {
		for role, n := range f.quorumRoles {
			if most, capped := f.maxByRole[role]; capped && n > most {
				return true
			}
		}
		return false
	}},
	{[]string{"clock", "lessonSeconds"}, "clock: pause needs lessonSeconds above 0", func(f *fields) bool {
		return f.clock == pause && f.lessonSeconds == 0
	}},
	{[]string{"warnSeconds", "lessonSeconds", "closesAt"}, "warnSeconds needs lessonSeconds above 0, or closesAt", func(f *fields) bool {
		return len(f.warnSeconds) > 0 && f.lessonSeconds == 0 && f.closesAt == 0
	}},
}

func total(byRole map[string]int) int {
	n := 0
	for _, each := range byRole {
		n += each
	}
	return n
}

// check reports the constraints that are broken.
func (r *reading) check() {
	unread := func(name string) bool { return slices.Contains(r.unread, name) }
	for _, c := range constraints {
		if !slices.ContainsFunc(c.fields, unread) && c.broken(&r.fields) {
			r.faults = append(r.faults, fault{c.fields, c.say})
		}
	}
}
