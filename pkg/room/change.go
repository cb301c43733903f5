package room

import (
	"fmt"
	"slices"
)

// Stands reports whether r, as it is stored, is what the change made of the
// room.
func (c Change) Stands(r Room) bool {
	if c.Delete {
		return r.Created != c.Room.Created
	}
	return r.Equal(c.Room.Next())
}

// MaxBans is how many bans one Change stores and removes.
const MaxBans = 64

// Check reports what is wrong with the bans of the change, which no store takes:
// they are too many, or a user is named twice or has no name.
func (c Change) Check() error {
	if n := len(c.Bans) + len(c.Lift); n > MaxBans {
		return fmt.Errorf("%d bans of room %q cannot be changed at once; %d can", n, c.Room.Name, MaxBans)
	}
	users := slices.Clone(c.Lift)
	for _, b := range c.Bans {
		users = append(users, b.User)
	}
	slices.Sort(users)
	if len(users) > 0 && users[0] == "" {
		return fmt.Errorf("a change of room %q has a ban of nobody", c.Room.Name)
	}
	if all := len(users); len(slices.Compact(users)) < all {
		return fmt.Errorf("a change of room %q names a user's ban twice", c.Room.Name)
	}
	return nil
}
