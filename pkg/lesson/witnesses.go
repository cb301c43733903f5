package lesson

import (
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// keptWitnesses are the connections that stay in the item though they would
// leave it, because the start rests on them, or may: for each person the first that is
// proven to have been in then, or the first, and of many people those of the first, of
// each role that the start needs.
func (l *Lesson) keptWitnesses() map[string]bool {
	rule := l.Rules.At(l.StartedAt)
	if l.Status == journal.Open {
		rule = l.Rules[len(l.Rules)-1]
	}
	if l.Status == journal.Ended || l.Status == journal.Open && len(rule.Roles) == 0 {
		return nil // in an open room, so many people of any role are the quorum
	}
	left := map[string]int{"": rule.Quorum + moreWitnesses}
	if len(rule.Roles) > 0 {
		left = map[string]int{}
	}
	for role, n := range rule.Roles {
		left[role] = n + moreWitnesses/len(rule.Roles)
	}
	kept := map[string]bool{}
	best, people := l.witnesses(rule)
	for _, who := range people {
		if left[who.role] > 0 {
			left[who.role]--
			kept[best[who].ID] = true
		}
	}
	return kept
}

// witness is a person that a start rests on, as one of a role where the start needed
// roles.
type witness struct{ person, role string }

// witnesses gives the best connection of each, and them in the order in which they came.
func (l *Lesson) witnesses(rule policy.Rule) (best map[witness]Conn, people []witness) {
	best = map[witness]Conn{}
	for _, c := range l.Pick(l.isWitness) {
		who := witness{person: c.person()}
		if len(rule.Roles) > 0 {
			who.role = c.Role
		}
		b, known := best[who]
		if !known {
			people = append(people, who)
		}
		if !known || !b.provenInAt(l.StartedAt) && c.provenInAt(l.StartedAt) {
			best[who] = c
		}
	}
	return best, people
}

// isWitness reports whether the lesson's start rests on the connection, or may.
func (l *Lesson) isWitness(c Conn) bool {
	return l.hasStarted() && c.countsAt(l.StartedAt) || l.Status == journal.Open && c.seated() && !c.Observer
}
