package doorkeeper

import (
	"slices"

	"usher/pkg/problem"
	"usher/pkg/room"
)

// Condition is what must hold of a room, as it is stored, for a Put to change
// it: Absent, Present or OneOf.
type Condition interface {
	// check refuses with the code Changed; the zero Room does not exist.
	check(r room.Room) error
}

// Absent holds while no room has the name.
type Absent struct{}

// Present holds while a room has the name.
type Present struct{}

// OneOf holds while the room is at one of these versions. Without any it never
// holds.
type OneOf []room.Version

func (Absent) check(r room.Room) error {
	if r.Revision > 0 {
		return &problem.Details{Code: problem.Changed, Detail: "The room exists already."}
	}
	return nil
}

func (Present) check(r room.Room) error {
	if r.Revision == 0 {
		return changed()
	}
	return nil
}

func (o OneOf) check(r room.Room) error {
	if r.Revision == 0 || !slices.Contains(o, r.Version()) {
		return changed()
	}
	return nil
}

func changed() error {
	return &problem.Details{Code: problem.Changed, Detail: "The room was changed by somebody else: read it again, then decide."}
}
