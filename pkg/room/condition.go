package room

import (
	"slices"

	"usher/pkg/problem"
)

// Condition must hold of a room, as it is stored, for a Put to change it: Absent,
// Present or OneOf.
type Condition interface {
	// check refuses with the code Changed; the zero Room does not exist.
	check(r Room) error
}

// Absent holds while no room has the name.
type Absent struct{}

// Present holds while a room has the name.
type Present struct{}

// OneOf holds while the room is at one of these versions. Without any it never
// holds.
type OneOf []Version

func (Absent) check(r Room) error {
	if r.Revision > 0 {
		return &problem.Details{Code: problem.Changed, Detail: "The room exists already."}
	}
	return nil
}

func (Present) check(r Room) error {
	if r.Revision == 0 {
		return changed()
	}
	return nil
}

func (o OneOf) check(r Room) error {
	if r.Revision == 0 || !slices.Contains(o, r.Version()) {
		return changed()
	}
	return nil
}

func changed() error {
	return &problem.Details{Code: problem.Changed, Detail: "The room was changed by somebody else: read it again, then decide."}
}
